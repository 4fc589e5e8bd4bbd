#include "mcp_edge/dispatch/scope_check.h"

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

constexpr absl::string_view kOfflineAccess = "offline_access";

// Of the scopes that a token has, which a challenge repeats: clients read headers of some KiB.
constexpr size_t kMaxHeldBytes = 2048;

void AddOnce(const std::string& scope, std::vector<std::string>& scopes) {
  if (std::find(scopes.begin(), scopes.end(), scope) == scopes.end()) scopes.push_back(scope);
}

// The string member `name` of an object; empty: there is none.
std::string StringMember(const json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

template <typename Entry>
ScopeRequirements RequirementsOf(const Entry* entry) {
  if (entry == nullptr || entry->required_scopes.empty()) return {};
  return {&entry->required_scopes};
}

ScopeRequirements RequirementsOfReading(const std::string& uri, const CatalogSnapshot& snapshot) {
  if (uri.size() > kMaxUriLength) return {};  // which the method will refuse
  auto reader = snapshot.FindReader(uri);
  return reader.has_value() ? std::move(reader->required_scopes) : ScopeRequirements();
}

// The first of the sets, as their author prefers them, unless of a later one a part is held: then the one that lacks
// least. A set that is short, but broad (an administrator's scope, say), is so not asked of everybody.
const ScopeSet& SetToAskFor(const Principal& principal, const std::vector<ScopeSet>& sets,
                            const ScopeHierarchy& hierarchy) {
  const auto missing = [&](const ScopeSet& set) {
    const size_t held = static_cast<size_t>(std::count_if(
        set.begin(), set.end(), [&](const std::string& scope) { return principal.HasScope(scope, hierarchy); }));
    return held == 0 ? std::numeric_limits<size_t>::max() : set.size() - held;
  };
  return *std::min_element(sets.begin(), sets.end(),
                           [&](const ScopeSet& a, const ScopeSet& b) { return missing(a) < missing(b); });
}

// What the skill needs in whose directory `uri` is.
ScopeRequirements RequirementsOfDirectory(const std::string& uri, const CatalogSnapshot& snapshot) {
  if (uri.size() > kMaxUriLength) return {};
  const std::string inside = absl::StrCat(uri, "/");
  ScopeRequirements requirements;
  for (const SkillEntry& entry : snapshot.skills()) {
    if (entry.required_scopes.empty()) continue;
    if (absl::StartsWith(inside, absl::StripSuffix(entry.skill.uri(), "SKILL.md"))) {
      requirements.push_back(&entry.required_scopes);
    }
  }
  return requirements;
}

}  // namespace

std::shared_ptr<const ScopeShortage> FindShortage(const Principal& principal, const ScopeRequirements& requirements,
                                                  const ScopeHierarchy& hierarchy) {
  std::shared_ptr<ScopeShortage> shortage;
  std::vector<std::string> needed;
  for (const std::vector<ScopeSet>* const sets : requirements) {
    if (principal.HasAnySet(*sets, hierarchy)) continue;
    if (shortage == nullptr) shortage = std::make_shared<ScopeShortage>();
    for (const std::string& scope : SetToAskFor(principal, *sets, hierarchy)) {
      AddOnce(scope, needed);
      if (!principal.HasScope(scope, hierarchy)) AddOnce(scope, shortage->missing);
    }
  }
  if (shortage == nullptr) return nullptr;
  size_t held_bytes = 0;
  for (const std::string& scope : principal.scopes) {
    held_bytes += scope.size() + 1;
    if (held_bytes > kMaxHeldBytes) break;
    if (scope != kOfflineAccess) AddOnce(scope, needed);
  }
  shortage->needed = absl::StrJoin(needed, " ");
  shortage->scopes_known = principal.scopes_known;
  return shortage;
}

ScopeRequirements RequirementsOf(const Message& message, const CatalogSnapshot& snapshot) {
  const std::string& method = message.method;
  const json& params = message.params;
  if (method == "tools/call") return RequirementsOf(snapshot.FindTool(StringMember(params, "name")));
  if (method == "prompts/get") return RequirementsOf(snapshot.FindPrompt(StringMember(params, "name")));
  if (method == "resources/read" || method == "resources/subscribe" || method == "skills/get") {
    return RequirementsOfReading(StringMember(params, "uri"), snapshot);
  }
  if (method == "resources/directory/read") return RequirementsOfDirectory(StringMember(params, "uri"), snapshot);
  if (method == "completion/complete" && params.is_object() && params.contains("ref")) {
    const json& ref = params["ref"];
    const std::string type = StringMember(ref, "type");
    if (type == "ref/prompt") return RequirementsOf(snapshot.FindPrompt(StringMember(ref, "name")));
    if (type == "ref/resource") return RequirementsOf(snapshot.FindResourceTemplate(StringMember(ref, "uri")));
  }
  return {};
}

bool MayRead(const CatalogSnapshot& snapshot, const Principal& principal, absl::string_view uri) {
  const auto reader = snapshot.FindReader(uri);
  return reader.has_value() &&
         std::all_of(reader->required_scopes.begin(), reader->required_scopes.end(),
                     [&](const auto* sets) { return principal.HasAnySet(*sets, snapshot.scope_hierarchy()); });
}

bool MayHear(const CatalogSnapshot& snapshot, const Principal& principal, absl::string_view uri) {
  if (snapshot.FindReader(uri).has_value()) return MayRead(snapshot, principal, uri);
  for (size_t slash = uri.rfind('/'); slash != absl::string_view::npos && slash > 0;
       slash = uri.rfind('/', slash - 1)) {
    for (const size_t length : {slash + 1, slash}) {
      const ResourceEntry* const above = snapshot.FindResource(uri.substr(0, length));
      if (above != nullptr) return principal.HasAnySet(above->required_scopes, snapshot.scope_hierarchy());
    }
  }
  return false;
}

absl::string_view ShortageText(const ScopeShortage& shortage) {
  return shortage.scopes_known ? "The token lacks a scope that this needs"
                               : "This needs a scope, and what scopes an opaque token has is not known here: ask for a "
                                 "token for this resource (RFC 8707)";
}

absl::string_view ShortageReason(const ScopeShortage& shortage) {
  return shortage.scopes_known ? WireErrorOf(WireErrorKind::kInsufficientScope).reason : "scopes_unknown";
}

std::string RequirementsText(const ScopeRequirements& requirements) {
  return absl::StrJoin(requirements, " & ", [](std::string* out, const std::vector<ScopeSet>* sets) {
    absl::StrAppend(out, absl::StrJoin(*sets, " | ", [](std::string* text, const ScopeSet& set) {
                      absl::StrAppend(text, absl::StrJoin(set, " "));
                    }));
  });
}

}  // namespace mcp_edge
