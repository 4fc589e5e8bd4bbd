#include "auth_service/token/claims.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_split.h"
#include "common/scope_token.h"
#include "nlohmann/json.hpp"

namespace auth_service {

using gatehouse::auth::v1::Principal;
using nlohmann::json;

std::optional<absl::Time> TimeMember(const json& claims, const char* name) {
  const auto member = claims.find(name);
  if (member == claims.end() || !member->is_number()) return std::nullopt;
  const double seconds = member->get<double>();
  if (!(seconds >= 0 && seconds < 253402300800.0)) return std::nullopt;
  const double whole = std::floor(seconds);
  return absl::FromUnixSeconds(static_cast<int64_t>(whole)) + absl::Seconds(seconds - whole);
}

bool AudienceContains(const json& audience, absl::string_view resource) {
  const auto is_resource = [&](const json& value) {
    return value.is_string() && value.get_ref<const std::string&>() == resource;
  };
  if (audience.is_array()) return std::any_of(audience.begin(), audience.end(), is_resource);
  return is_resource(audience);
}

bool AppendScopes(const json& scope, Principal& principal) {
  if (scope.is_string()) {
    for (const absl::string_view one : absl::StrSplit(scope.get_ref<const std::string&>(), ' ', absl::SkipEmpty())) {
      if (!common::IsScopeToken(one)) return false;
      principal.add_scopes(std::string(one));
    }
    return true;
  }
  if (!scope.is_array()) return false;
  for (const json& one : scope) {
    if (!one.is_string() || !common::IsScopeToken(one.get_ref<const std::string&>())) return false;
    principal.add_scopes(one.get<std::string>());
  }
  return true;
}

void AddClaimOrigin(const json& claims, gatehouse::auth::v1::ClaimSource source, Principal& principal) {
  gatehouse::auth::v1::ClaimOrigin& origin = *principal.add_claim_origins();
  origin.set_source(source);
  for (const auto& [name, value] : claims.items()) origin.add_claims(name);
}

}  // namespace auth_service
