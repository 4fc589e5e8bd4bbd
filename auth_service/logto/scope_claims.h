// Which claims of the directory a scope lets out.

#ifndef GATEHOUSE_AUTH_SERVICE_LOGTO_SCOPE_CLAIMS_H_
#define GATEHOUSE_AUTH_SERVICE_LOGTO_SCOPE_CLAIMS_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace auth_service {

// From scopes to claims. To begin with as Logto's userinfo has it: `profile`, `email`, `phone`, `address`,
// `custom_data`, `identities`; any other scope, `openid` included, lets nothing out. Logto's JWTs carry the scopes of
// their API resource only, so those are what an operator adds. Immutable.
class ScopeClaims {
 public:
  // `entries`: each `SCOPE=CLAIM+CLAIM…`, which sets the claims of that scope in place of what it had; without claims
  // it lets nothing out.
  //
  // Errors: kInvalidArgument, an entry is of another form, names a scope twice, or a claim that no user has.
  static absl::StatusOr<ScopeClaims> Create(const std::vector<std::string>& entries);

  // Adds the claims of `scope` to `names`. Scopes are case-sensitive (RFC 6749, section 3.3).
  void AddClaimsOf(absl::string_view scope, absl::flat_hash_set<absl::string_view>& names) const;

 private:
  ScopeClaims() = default;

  absl::flat_hash_map<std::string, std::vector<std::string>> claims_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_LOGTO_SCOPE_CLAIMS_H_
