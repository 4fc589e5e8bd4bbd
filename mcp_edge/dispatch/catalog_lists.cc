#include "mcp_edge/dispatch/catalog_lists.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "mcp_edge/protocol/list_rendering.h"

namespace mcp_edge {
namespace {

// What a cursor says first: which kind of place it is.
constexpr char kEntryPlace = 'e';
constexpr char kServicePlace = 's';
constexpr char kSeparator = '\n';  // between a service's name, which has none, and its cursor

std::string Binding(ListKind kind, absl::string_view principal_key) {
  return absl::StrCat("cursor\n", ListMember(kind), "\n", principal_key);
}

uint64_t GenerationOf(ListKind kind, const CatalogSnapshot& snapshot) {
  switch (kind) {
    case ListKind::kTools:
      return snapshot.tools_generation();
    case ListKind::kPrompts:
      return snapshot.prompts_generation();
    case ListKind::kResources:
    case ListKind::kResourceTemplates:
      break;
  }
  return snapshot.resources_generation();
}

size_t CountOf(ListKind kind, const CatalogSnapshot& snapshot) {
  switch (kind) {
    case ListKind::kTools:
      return snapshot.tools().size();
    case ListKind::kResources:
      return snapshot.resources().size();
    case ListKind::kResourceTemplates:
      return snapshot.resource_templates().size();
    case ListKind::kPrompts:
      break;
  }
  return snapshot.prompts().size();
}

absl::string_view NameOf(ListKind kind, const CatalogSnapshot& snapshot, size_t i) {
  switch (kind) {
    case ListKind::kTools:
      return snapshot.tools()[i].name;
    case ListKind::kResources:
      return snapshot.resources()[i].resource.uri();
    case ListKind::kResourceTemplates:
      return snapshot.resource_templates()[i].resource_template.uri_template();
    case ListKind::kPrompts:
      break;
  }
  return snapshot.prompts()[i].name;
}

template <typename Entry>
std::optional<size_t> IndexIn(const std::vector<Entry>& entries, const Entry* entry) {
  if (entry == nullptr) return std::nullopt;
  return static_cast<size_t>(entry - entries.data());
}

// Where the entry of that name stands; nothing when it is gone.
std::optional<size_t> IndexOf(ListKind kind, const CatalogSnapshot& snapshot, absl::string_view name) {
  switch (kind) {
    case ListKind::kTools:
      return IndexIn(snapshot.tools(), snapshot.FindTool(name));
    case ListKind::kResources:
      return IndexIn(snapshot.resources(), snapshot.FindResource(name));
    case ListKind::kResourceTemplates:
      return IndexIn(snapshot.resource_templates(), snapshot.FindResourceTemplate(name));
    case ListKind::kPrompts:
      break;
  }
  return IndexIn(snapshot.prompts(), snapshot.FindPrompt(name));
}

const std::vector<ScopeSet>& RequirementOf(ListKind kind, const CatalogSnapshot& snapshot, size_t i) {
  switch (kind) {
    case ListKind::kTools:
      return snapshot.tools()[i].required_scopes;
    case ListKind::kResources:
      return snapshot.resources()[i].required_scopes;
    case ListKind::kResourceTemplates:
      return snapshot.resource_templates()[i].required_scopes;
    case ListKind::kPrompts:
      break;
  }
  return snapshot.prompts()[i].required_scopes;
}

std::string Render(ListKind kind, const CatalogSnapshot& snapshot, size_t i, ProtocolVersion version) {
  switch (kind) {
    case ListKind::kTools:
      return RenderTool(snapshot.tools()[i].name, snapshot.tools()[i].tool, version);
    case ListKind::kResources:
      return RenderResource(snapshot.resources()[i].resource, version);
    case ListKind::kResourceTemplates:
      return RenderResourceTemplate(snapshot.resource_templates()[i].resource_template, version);
    case ListKind::kPrompts:
      break;
  }
  return RenderPrompt(snapshot.prompts()[i].name, snapshot.prompts()[i].prompt, version);
}

// Which entries a caller gets to see. Judges a requirement when the first entry that has it is looked at.
class Visibility {
 public:
  // `principal`: null for one who sees everything.
  Visibility(const std::vector<std::vector<ScopeSet>>& requirements, const std::vector<uint32_t>& requirement_of,
             const Principal* principal, const ScopeHierarchy& hierarchy)
      : requirements_(requirements),
        requirement_of_(requirement_of),
        principal_(principal),
        hierarchy_(hierarchy),
        verdicts_(principal == nullptr ? 0 : requirements.size(), Verdict::kNone) {}

  // The first entry from `i` on that is seen; the number of entries if there is none.
  size_t NextFrom(size_t i) {
    while (i < requirement_of_.size() && !Sees(i)) ++i;
    return i;
  }

 private:
  enum class Verdict : char { kNone, kSeen, kHidden };

  bool Sees(size_t i) {
    if (principal_ == nullptr) return true;
    Verdict& verdict = verdicts_[requirement_of_[i]];
    if (verdict == Verdict::kNone) {
      const bool has = principal_->HasAnySet(requirements_[requirement_of_[i]], hierarchy_);
      verdict = has ? Verdict::kSeen : Verdict::kHidden;
    }
    return verdict == Verdict::kSeen;
  }

  const std::vector<std::vector<ScopeSet>>& requirements_;
  const std::vector<uint32_t>& requirement_of_;
  const Principal* const principal_;
  const ScopeHierarchy& hierarchy_;
  std::vector<Verdict> verdicts_;
};

std::string PageText(absl::string_view member, absl::string_view elements, absl::string_view next_cursor,
                     ProtocolVersion version, const CacheTerms& cache) {
  const std::string end = CacheableResultEnd(cache, version);
  std::string page;
  page.reserve(member.size() + elements.size() + next_cursor.size() + end.size() + 32);
  absl::StrAppend(&page, "{\"", member, "\":[", elements, "]");
  if (!next_cursor.empty()) {
    page += ",\"nextCursor\":";
    common::AppendJsonString(next_cursor, page);
  }
  page += end;
  return page;
}

}  // namespace

absl::string_view ListMember(ListKind kind) {
  switch (kind) {
    case ListKind::kTools:
      return "tools";
    case ListKind::kResources:
      return "resources";
    case ListKind::kResourceTemplates:
      return "resourceTemplates";
    case ListKind::kPrompts:
      break;
  }
  return "prompts";
}

std::vector<const ResourceSource*> ListingSources(const CatalogSnapshot& snapshot) {
  std::vector<const ResourceSource*> sources;
  for (const ResourceSource& source : snapshot.resource_sources()) {
    if (source.lists_resources) sources.push_back(&source);
  }
  return sources;
}

CatalogLists::Page CatalogLists::GetPage(ListKind kind, const CatalogSnapshot& snapshot, ProtocolVersion version,
                                         absl::string_view cursor, absl::string_view principal_key,
                                         const CacheTerms& cache, const Principal* visible_to) {
  CacheTerms terms = cache;
  std::vector<const ResourceSource*> sources;
  if (kind == ListKind::kResources) sources = ListingSources(snapshot);
  // What services list may be other for each caller, and all pages of a list have one scope.
  if (!sources.empty() || visible_to != nullptr) terms.is_public = false;

  size_t begin = 0;
  if (!cursor.empty()) {
    absl::StatusOr<std::string> place = sealer_.Open(cursor, Binding(kind, principal_key));
    if (!place.ok()) place = sealer_.Open(cursor, Binding(kind, ""));
    if (!place.ok() || place->empty()) return BadCursor();
    const absl::string_view content = absl::string_view(*place).substr(1);
    if (place->front() == kServicePlace && kind == ListKind::kResources) {
      const size_t separator = content.find(kSeparator);
      if (separator == absl::string_view::npos) return BadCursor();
      return ServicePlace{std::string(content.substr(0, separator)), std::string(content.substr(separator + 1))};
    }
    if (place->front() != kEntryPlace) return BadCursor();
    const std::optional<size_t> index = IndexOf(kind, snapshot, content);
    if (!index.has_value()) return BadCursor();
    begin = *index;
  }
  const std::shared_ptr<const Elements> elements = ElementsOf(kind, snapshot, version);
  Visibility visibility(elements->requirements, elements->requirement_of, visible_to, snapshot.scope_hierarchy());
  const size_t count = elements->begins.size();
  begin = visibility.NextFrom(begin);
  if (begin >= count && !sources.empty()) return ServicePlace{sources.front()->service->name(), ""};

  // Of entries that follow each other in the list one piece is taken.
  std::string page;
  absl::string_view piece;
  size_t end = begin;
  for (size_t shown = 0; end < count && shown < page_size_ && page.size() + piece.size() < kPageBytes; ++shown) {
    const absl::string_view entry = elements->Entry(end);
    if (!piece.empty() && entry.data() == piece.data() + piece.size() + 1) {
      piece = absl::string_view(piece.data(), piece.size() + 1 + entry.size());
    } else {
      if (!piece.empty()) absl::StrAppend(&page, page.empty() ? "" : ",", piece);
      piece = entry;
    }
    end = visibility.NextFrom(end + 1);
  }
  absl::string_view text = piece;
  if (!page.empty()) {
    absl::StrAppend(&page, ",", piece);
    text = page;
  }
  const absl::string_view owner = terms.is_public ? absl::string_view() : principal_key;
  std::string next;
  if (end < count) {
    next = sealer_.Seal(absl::StrCat(std::string(1, kEntryPlace), NameOf(kind, snapshot, end)), Binding(kind, owner),
                        clock_.Now() + kCursorLifetime);
  } else if (!sources.empty()) {
    next = CursorFor({sources.front()->service->name(), ""}, owner);
  }
  return PageText(ListMember(kind), text, next, version, terms);
}

std::string CatalogLists::ResourcePage(absl::string_view elements, absl::string_view next_cursor,
                                       ProtocolVersion version, const CacheTerms& cache) {
  return PageText(ListMember(ListKind::kResources), elements, next_cursor, version, {cache.ttl, /*is_public=*/false});
}

std::string CatalogLists::CursorFor(const ServicePlace& place, absl::string_view principal_key) const {
  return sealer_.Seal(
      absl::StrCat(std::string(1, kServicePlace), place.service, std::string(1, kSeparator), place.cursor),
      Binding(ListKind::kResources, principal_key), clock_.Now() + kCursorLifetime);
}

absl::string_view CatalogLists::Elements::Entry(size_t i) const {
  const size_t end = i + 1 < begins.size() ? begins[i + 1] - 1 : text.size();
  return absl::string_view(text).substr(begins[i], end - begins[i]);
}

std::shared_ptr<const CatalogLists::Elements> CatalogLists::ElementsOf(ListKind kind, const CatalogSnapshot& snapshot,
                                                                       ProtocolVersion version) {
  const uint64_t generation = GenerationOf(kind, snapshot);
  Slot& slot = slots_[static_cast<size_t>(kind)][static_cast<size_t>(version)];
  absl::MutexLock lock(&slot.mutex);
  if (slot.elements != nullptr && slot.elements->generation == generation) return slot.elements;
  auto elements = std::make_shared<Elements>();
  elements->generation = generation;
  const size_t count = CountOf(kind, snapshot);
  elements->begins.reserve(count);
  elements->requirement_of.reserve(count);
  absl::flat_hash_map<std::vector<ScopeSet>, uint32_t> known;
  for (size_t i = 0; i < count; ++i) {
    const std::vector<ScopeSet>& requirement = RequirementOf(kind, snapshot, i);
    const auto [number, is_new] = known.try_emplace(requirement, static_cast<uint32_t>(known.size()));
    if (is_new) elements->requirements.push_back(requirement);
    elements->requirement_of.push_back(number->second);
    if (i > 0) elements->text += ',';
    elements->begins.push_back(elements->text.size());
    elements->text += Render(kind, snapshot, i, version);
  }
  elements->text.shrink_to_fit();
  // A request that began before the last change does not bring back the list before it.
  if (slot.elements == nullptr || slot.elements->generation < generation) slot.elements = elements;
  return elements;
}

}  // namespace mcp_edge
