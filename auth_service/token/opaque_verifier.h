// Judges opaque tokens by asking the provider's userinfo endpoint (OpenID Connect Core 1.0, section 5.3).

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_OPAQUE_VERIFIER_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_OPAQUE_VERIFIER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/provider/http_client.h"
#include "auth_service/token/verifier.h"
#include "common/clock.h"

namespace auth_service {

// An opaque token names no audience: every token of the issuer with the scope `openid` is good, whatever it was issued
// for. Hence it is accepted only if an operator says so. Thread-safe.
class OpaqueVerifier final : public Verifier {
 public:
  // `accept`: whether opaque tokens are accepted at all. `timeout`: of one request. The others must outlive this.
  OpaqueVerifier(bool accept, absl::Duration timeout, const Discovery& discovery, HttpClient& client,
                 const common::Clock& clock)
      : accept_(accept), timeout_(timeout), discovery_(discovery), client_(client), clock_(clock) {}

  // A refusal, if opaque tokens are not accepted; otherwise nothing.
  std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view resource) override;

  // `token` must be of token68 characters (FormOf()), for it goes into a header.
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                             absl::Time deadline) override;

 private:
  const bool accept_;
  const absl::Duration timeout_;
  const Discovery& discovery_;
  HttpClient& client_;
  const common::Clock& clock_;
};

// Shows `token`, of token68 characters, to the userinfo endpoint of the issuer that `discovery` knows.
//
// Errors: kUnavailable, there is no endpoint, no time, or no answer.
absl::StatusOr<HttpResponse> AskUserinfo(absl::string_view token, absl::Duration timeout, const Discovery& discovery,
                                         HttpClient& client);

// What a userinfo answer says of the token it was asked with.
//
// Errors: kUnavailable, it says nothing: a server's own error, a redirect, a 4xx without the words of RFC 6750 (but a
// 401
//         may be empty), not JSON, more than the contract's 64 KiB.
absl::StatusOr<Verdict> JudgeUserinfo(const HttpResponse& response, absl::string_view issuer);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_OPAQUE_VERIFIER_H_
