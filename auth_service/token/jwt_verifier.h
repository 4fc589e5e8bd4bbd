// Judges JWT access tokens (RFC 7519, RFC 9068) with the issuer's published keys. The signature is checked by cjose.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_JWT_VERIFIER_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_JWT_VERIFIER_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth_service/provider/key_set.h"
#include "auth_service/token/verifier.h"
#include "common/clock.h"

namespace auth_service {

// What a token must be, in the order of the checks. All but the key are found without asking the provider.
//   `alg` on the allow-list (ES*, RS*, PS* with 256, 384, 512), no `crit`, `typ` one of at+jwt, application/at+jwt,
//   JWT; `kid` a published key that fits `alg` (without a `kid`: one of the keys that fit); the signature right, and
//   only then: `iss` the issuer, byte for byte; no mark of an ID token or another kind of token if `typ` is JWT; `aud`
//   the resource, byte for byte, or a list with it; `exp` not passed; `nbf` and `iat`, if any, not in the future (these
//   three with `clock_skew` of grace); `sub` a string that is not empty.
// A token without `typ` is refused: RFC 9068 demands one, and ID tokens of Logto have none. Thread-safe.
class JwtVerifier final : public Verifier {
 public:
  // `keys` and `clock` must outlive this.
  JwtVerifier(std::string issuer, absl::Duration clock_skew, KeySource& keys, const common::Clock& clock)
      : issuer_(std::move(issuer)), clock_skew_(clock_skew), keys_(keys), clock_(clock) {}

  std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view resource) override;
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                             absl::Time deadline) override;

  // Judges the claims set of a token whose signature is right and whose `typ` is "JWT" if `generic_type`, else at+jwt.
  Verdict JudgeClaims(const std::string& claims_json, absl::string_view resource, bool generic_type) const;

 private:
  // Nothing: the key is not among `keys`; or it may not be, for the token names none, and the issuer may have newer
  // ones than these unless `newest`.
  std::optional<Verdict> Judge(absl::string_view token, absl::string_view resource, const Keys& keys,
                               bool newest) const;

  const std::string issuer_;
  const absl::Duration clock_skew_;
  KeySource& keys_;
  const common::Clock& clock_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_JWT_VERIFIER_H_
