#include "mcp_edge/dispatch/skills.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/json_text.h"
#include "mcp_edge/dispatch/scope_check.h"
#include "mcp_edge/protocol/rpc_errors.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

constexpr absl::string_view kDirectoryType = "inode/directory";
constexpr ProtocolVersion kVersion = ProtocolVersion::k2026_07_28;

// The string member `key` of the params; nothing when there is none.
std::optional<std::string> Param(const Message& message, const char* key) {
  const auto found = message.params.find(key);
  if (found == message.params.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

// An entry of `skills/list` (SEP-2640).
std::string RenderSkill(const tool::Skill& skill) {
  std::string out = "{\"uri\":";
  common::AppendJsonString(skill.uri(), out);
  absl::StrAppend(&out, ",\"frontmatter\":", skill.frontmatter_json(), ",\"resources\":");
  if (skill.files().empty()) {
    out += "\"dynamic\"}";
    return out;
  }
  char before = '[';
  for (const tool::SkillFile& file : skill.files()) {
    out += before;
    before = ',';
    out += "{\"uri\":";
    common::AppendJsonString(file.uri(), out);
    absl::StrAppend(&out, ",\"digest\":\"sha256:", absl::BytesToHexString(file.sha256()), "\",\"size\":", file.size(),
                    "}");
  }
  out += "]}";
  return out;
}

// What is directly in the directory `uri`, by the last segment of its URI: a file, or null for a directory. Empty: it
// is no directory.
std::map<std::string, const tool::SkillFile*> ChildrenOf(absl::string_view uri, const CatalogSnapshot& snapshot) {
  std::map<std::string, const tool::SkillFile*> children;
  const std::string inside = absl::StrCat(uri, "/");
  for (const SkillEntry& entry : snapshot.skills()) {
    const absl::string_view root = absl::StripSuffix(entry.skill.uri(), "SKILL.md");  // with the "/"
    if (!absl::StartsWith(inside, root)) continue;
    for (const tool::SkillFile& file : entry.skill.files()) {
      if (!absl::StartsWith(file.uri(), inside)) continue;
      const absl::string_view path = absl::string_view(file.uri()).substr(inside.size());
      const size_t slash = path.find('/');
      // What is both, of two files, counts as a directory.
      if (slash == absl::string_view::npos) {
        children.emplace(path, &file);
      } else {
        children.insert_or_assign(std::string(path.substr(0, slash)), nullptr);
      }
    }
  }
  return children;
}

// An element of `resources`: a directory if `file` is null.
void AppendChild(absl::string_view directory, absl::string_view name, const tool::SkillFile* file, std::string& out) {
  out += "{\"uri\":";
  common::AppendJsonString(absl::StrCat(directory, "/", name), out);
  out += ",\"name\":";
  common::AppendJsonString(name, out);
  const absl::string_view mime_type = file == nullptr ? kDirectoryType : absl::string_view(file->mime_type());
  if (!mime_type.empty()) {
    out += ",\"mimeType\":";
    common::AppendJsonString(mime_type, out);
  }
  if (file != nullptr) absl::StrAppend(&out, ",\"size\":", file->size());
  out += '}';
}

std::string Binding(absl::string_view list, absl::string_view principal_key) {
  return absl::StrCat("cursor\n", list.size(), ":", list, principal_key);
}

RpcError BadCursor() {
  return InvalidParamsError("params.cursor is not one that was given out for this list, or it has expired");
}

}  // namespace

Skills::Skills(const SkillsOptions& options, const Sealer& sealer, const common::Clock& clock)
    : options_(options), sealer_(sealer), clock_(clock) {}

Skills::Answer Skills::List(const Message& message, const RequestContext& context, const CatalogSnapshot& snapshot,
                            const CacheTerms& terms) const {
  CacheTerms cache = terms;
  if (options_.hide_without_scope) cache.is_public = false;
  constexpr absl::string_view kList = "skills/list";
  const std::optional<std::string> place = PlaceOf(message, context, kList);
  if (!place.has_value()) return BadCursor();
  const std::vector<SkillEntry>& skills = snapshot.skills();
  size_t next = 0;
  if (!place->empty()) {
    const SkillEntry* entry = snapshot.FindSkill(*place);
    if (entry == nullptr) return BadCursor();
    next = static_cast<size_t>(entry - skills.data());
  }
  const auto next_visible = [&](size_t i) {
    while (options_.hide_without_scope && i < skills.size() &&
           !MayRead(snapshot, *context.principal, skills[i].skill.uri())) {
      ++i;
    }
    return i;
  };
  next = next_visible(next);
  std::string members = "\"skills\":[";
  for (size_t count = 0; next < skills.size() && !IsFull(count, members.size()); ++count) {
    absl::StrAppend(&members, count > 0 ? "," : "", RenderSkill(skills[next].skill));
    next = next_visible(next + 1);
  }
  members += ']';
  if (next < skills.size()) {
    absl::StrAppend(&members, ",\"nextCursor\":\"", CursorFor(skills[next].skill.uri(), context, kList, cache), "\"");
  }
  return RenderCacheableResult(members, cache, kVersion);
}

Skills::Answer Skills::Get(const Message& message, const RequestContext&, const CatalogSnapshot& snapshot,
                           const CacheTerms& cache) const {
  const std::optional<std::string> uri = Param(message, "uri");
  if (!uri.has_value()) return InvalidParamsError("params.uri must be a string");
  const SkillEntry* entry = snapshot.FindSkill(*uri);
  if (entry == nullptr) return InvalidParamsError("params.uri is not that of a skill");
  return RenderCacheableResult(absl::StrCat("\"skill\":", RenderSkill(entry->skill)), cache, kVersion);
}

Skills::Answer Skills::ReadDirectory(const Message& message, const RequestContext& context,
                                     const CatalogSnapshot& snapshot, const CacheTerms& cache) const {
  const std::optional<std::string> uri = Param(message, "uri");
  if (!uri.has_value()) return InvalidParamsError("params.uri must be a string");
  const std::map<std::string, const tool::SkillFile*> children = ChildrenOf(*uri, snapshot);
  if (children.empty()) return InvalidParamsError("params.uri is not that of a directory");
  const std::string list = absl::StrCat("resources/directory/read\n", *uri);
  const std::optional<std::string> place = PlaceOf(message, context, list);
  if (!place.has_value()) return BadCursor();
  auto next = place->empty() ? children.begin() : children.find(*place);
  if (next == children.end()) return BadCursor();
  std::string members = "\"resources\":[";
  for (size_t count = 0; next != children.end() && !IsFull(count, members.size()); ++next, ++count) {
    if (count > 0) members += ',';
    AppendChild(*uri, next->first, next->second, members);
  }
  members += ']';
  if (next != children.end()) {
    absl::StrAppend(&members, ",\"nextCursor\":\"", CursorFor(next->first, context, list, cache), "\"");
  }
  return RenderCacheableResult(members, cache, kVersion);
}

std::optional<std::string> Skills::PlaceOf(const Message& message, const RequestContext& context,
                                           absl::string_view list) const {
  if (!message.params.contains("cursor")) return "";
  const std::optional<std::string> cursor = Param(message, "cursor");
  if (!cursor.has_value()) return std::nullopt;
  absl::StatusOr<std::string> place = sealer_.Open(*cursor, Binding(list, context.principal->key));
  if (!place.ok()) place = sealer_.Open(*cursor, Binding(list, ""));
  return place.ok() ? std::make_optional(*std::move(place)) : std::nullopt;
}

std::string Skills::CursorFor(absl::string_view place, const RequestContext& context, absl::string_view list,
                              const CacheTerms& cache) const {
  // A page that everybody may share has a cursor that everybody may use.
  const absl::string_view owner = cache.is_public ? absl::string_view() : context.principal->key;
  return sealer_.Seal(place, Binding(list, owner), clock_.Now() + kCursorLifetime);
}

bool Skills::IsFull(size_t entries, size_t bytes) const {
  return entries > 0 && (entries >= options_.page_size || bytes >= options_.page_bytes);
}

}  // namespace mcp_edge
