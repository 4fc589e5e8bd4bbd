#include "auth_service/registration/registration_scopes.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "auth_service/logto/management_api.h"

namespace auth_service {
namespace {

constexpr absl::string_view kUserScopes[] = {"profile",
                                             "email",
                                             "phone",
                                             "address",
                                             "custom_data",
                                             "identities",
                                             "roles",
                                             "urn:logto:scope:organizations",
                                             "urn:logto:scope:organization_roles"};
}  // namespace

absl::StatusOr<std::vector<ResourceScope>> ParseResourceScopes(const std::vector<std::string>& entries) {
  std::vector<ResourceScope> scopes;
  for (const std::string& entry : entries) {
    const size_t equals = entry.rfind('=');
    ResourceScope scope;
    if (equals != std::string::npos) scope.name = entry.substr(0, equals);
    scope.id = equals == std::string::npos ? entry : entry.substr(equals + 1);
    const bool named =
        equals == std::string::npos || (!scope.name.empty() && scope.name.find(' ') == std::string::npos);
    if (!named || !IsLogtoId(scope.id)) {
      return absl::InvalidArgumentError(absl::StrCat("must be ids of scopes, or NAME=ID, got \"", entry, "\""));
    }
    scopes.push_back(std::move(scope));
  }
  return scopes;
}

absl::Status CheckUserScopes(const std::vector<std::string>& scopes) {
  for (const std::string& scope : scopes) {
    if (std::find(std::begin(kUserScopes), std::end(kUserScopes), scope) == std::end(kUserScopes)) {
      return absl::InvalidArgumentError(
          absl::StrCat("must be of ", absl::StrJoin(kUserScopes, " "), ", got \"", scope, "\""));
    }
  }
  return absl::OkStatus();
}

}  // namespace auth_service
