// Narrows the callers down to the tokens of some OAuth clients.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_CLIENT_ALLOW_LIST_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_CLIENT_ALLOW_LIST_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "auth_service/token/verifier.h"

namespace auth_service {

// Refuses what another verifier accepts, unless the token was issued to a client of the list. A token whose client
// cannot be told (an opaque one that was checked at userinfo) is refused too. Thread-safe.
class ClientAllowList final : public Verifier {
 public:
  // `clients`: "ISSUER|ID" or, of `first_issuer`, "ID", as the providers name them, byte for byte; empty: every client
  // is allowed. `verifier` must outlive this.
  ClientAllowList(const std::vector<std::string>& clients, const std::string& first_issuer, Verifier& verifier);

  std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view resource) override;
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                             absl::Time deadline) override;

 private:
  Verdict Check(Verdict verdict) const;

  absl::flat_hash_set<std::pair<std::string, std::string>> clients_;  // issuer and id
  Verifier& verifier_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_CLIENT_ALLOW_LIST_H_
