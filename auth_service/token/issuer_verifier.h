// Sends each JWT to the verifier of the issuer that it says it comes from.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_ISSUER_VERIFIER_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_ISSUER_VERIFIER_H_

#include <string>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "auth_service/token/verifier.h"

namespace auth_service {

// Reads `iss` before anything is verified, and only to choose who judges: that verifier knows the keys of its own
// issuer alone, and checks `iss` again once the signature is right. So no issuer's key ever verifies a token that says
// it is of another. A token of none of the issuers is refused without any key being looked for. Thread-safe.
class IssuerVerifier final : public Verifier {
 public:
  // By issuer identifier, which must be equal to `iss` byte for byte (RFC 7519, section 4.1.1). Must outlive this.
  explicit IssuerVerifier(absl::flat_hash_map<std::string, Verifier*> verifiers) : verifiers_(std::move(verifiers)) {}

  std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view resource) override;
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                             absl::Time deadline) override;

 private:
  // Who judges `token`, or why nobody does.
  std::variant<Verifier*, Verdict> Choose(absl::string_view token) const;

  const absl::flat_hash_map<std::string, Verifier*> verifiers_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_ISSUER_VERIFIER_H_
