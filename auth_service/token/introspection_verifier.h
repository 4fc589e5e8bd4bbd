// Judges opaque tokens by asking the provider's introspection endpoint (RFC 7662).

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_INTROSPECTION_VERIFIER_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_INTROSPECTION_VERIFIER_H_

#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/provider/http_client.h"
#include "auth_service/token/verifier.h"
#include "common/clock.h"

namespace auth_service {

// Unlike userinfo, introspection tells the scopes, the client and the expiry; the audience only with some providers.
// Asks with credentials of this service's own, which are read from their files for each request. When the provider
// refuses those, no verdict is given (that is no fault of the token's), and a log line says so, once a minute.
// Thread-safe.
class IntrospectionVerifier final : public Verifier {
 public:
  struct Options {
    // One line each (common::ReadSecretFile()).
    std::string client_id_file;
    std::string client_secret_file;
    // Of one request.
    absl::Duration timeout;
    absl::Duration clock_skew;
  };

  // The others must outlive this.
  IntrospectionVerifier(Options options, const Discovery& discovery, HttpClient& client, const common::Clock& clock)
      : options_(std::move(options)), discovery_(discovery), client_(client), clock_(clock) {}

  // Nothing: only the provider can tell.
  std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view resource) override;
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                             absl::Time deadline) override;

 private:
  void ComplainOfCredentials(int status);

  const Options options_;
  const Discovery& discovery_;
  HttpClient& client_;
  const common::Clock& clock_;
  absl::Mutex mutex_;
  absl::Time next_complaint_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

// What an introspection answer (RFC 7662, section 2.2) says of the token it was asked about, at `now`.
//   `active` true; `iss`, if any, the issuer; `token_type` Bearer (without one it is the answer for a refresh token);
//   `aud`, if any, the resource or a list with it; `exp`, if any, not passed and `nbf` not in the future (with
//   `clock_skew` of grace); `sub` there.
//
// Errors: kUnauthenticated, the provider refuses this service's own credentials; kUnavailable, the answer says nothing:
// a server's own error, a redirect, no JSON object, more than the contract's 64 KiB.
absl::StatusOr<Verdict> JudgeIntrospection(const HttpResponse& response, absl::string_view issuer,
                                           absl::string_view resource, absl::Time now, absl::Duration clock_skew);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_INTROSPECTION_VERIFIER_H_
