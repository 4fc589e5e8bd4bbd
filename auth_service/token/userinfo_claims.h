// Adds what the userinfo endpoint (OpenID Connect Core 1.0, section 5.3) tells of the user to what the token tells.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_USERINFO_CLAIMS_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_USERINFO_CLAIMS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/provider/http_client.h"
#include "auth_service/token/verifier.h"
#include "common/clock.h"

namespace auth_service {

// For --profile=userinfo. A token of this issuer that another verifier accepts is also shown to userinfo; the claims of
// its answer come after the token's own. Whether the token is good is settled before: where userinfo refuses it
// (Logto's refuses each JWT that is for a resource), the token's own claims serve. Tokens of other issuers are left as
// they are: nobody but its issuer may see a token. Thread-safe.
class UserinfoClaims final : public Verifier {
 public:
  // `timeout`: of one request. All must outlive this.
  UserinfoClaims(Verifier& verifier, absl::Duration timeout, const Discovery& discovery, HttpClient& client,
                 const common::Clock& clock)
      : verifier_(verifier), timeout_(timeout), discovery_(discovery), client_(client), clock_(clock) {}

  // Refusals, and principals of other issuers.
  std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view resource) override;

  // Errors, further: kUnavailable, userinfo could not be asked, or speaks of another subject than the token.
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                             absl::Time deadline) override;

 private:
  // Whether the claims of an accepted token are still to be asked for.
  bool IsWanting(const Verdict& verdict) const;
  absl::StatusOr<Verdict> WithUserinfo(Verdict verdict, absl::string_view token, absl::Time deadline);

  Verifier& verifier_;
  const absl::Duration timeout_;
  const Discovery& discovery_;
  HttpClient& client_;
  const common::Clock& clock_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_USERINFO_CLAIMS_H_
