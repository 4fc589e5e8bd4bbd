// Sends each token to the verifier of its form.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_TOKEN_VERIFIER_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_TOKEN_VERIFIER_H_

#include "auth_service/token/verifier.h"

namespace auth_service {

// Thread-safe.
class TokenVerifier final : public Verifier {
 public:
  // Both must outlive this. `opaque` is given nothing but token68 characters.
  TokenVerifier(Verifier& jwt, Verifier& opaque) : jwt_(jwt), opaque_(opaque) {}

  std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view resource) override;
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                             absl::Time deadline) override;

 private:
  Verifier& jwt_;
  Verifier& opaque_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_TOKEN_VERIFIER_H_
