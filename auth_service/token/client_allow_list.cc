#include "auth_service/token/client_allow_list.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace auth_service {

ClientAllowList::ClientAllowList(const std::vector<std::string>& clients, const std::string& first_issuer,
                                 Verifier& verifier)
    : verifier_(verifier) {
  for (const std::string& client : clients) {
    const size_t bar = client.find('|');
    if (bar == std::string::npos) {
      clients_.emplace(first_issuer, client);
    } else {
      clients_.emplace(client.substr(0, bar), client.substr(bar + 1));
    }
  }
}

std::optional<Verdict> ClientAllowList::VerifyLocally(absl::string_view token, absl::string_view resource) {
  std::optional<Verdict> verdict = verifier_.VerifyLocally(token, resource);
  if (!verdict.has_value()) return std::nullopt;
  return Check(*std::move(verdict));
}

absl::StatusOr<Verdict> ClientAllowList::VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                                            absl::Time deadline) {
  absl::StatusOr<Verdict> verdict = verifier_.VerifyWithProvider(token, resource, deadline);
  if (!verdict.ok()) return verdict;
  return Check(*std::move(verdict));
}

Verdict ClientAllowList::Check(Verdict verdict) const {
  if (clients_.empty() || !verdict.accepted()) return verdict;
  const std::string& issuer = verdict.response.principal().issuer();
  const std::string& client_id = verdict.response.principal().client_id();
  if (!client_id.empty() && clients_.contains(std::make_pair(issuer, client_id))) return verdict;
  return RefuseTokenOf(
      verdict.response.principal(), gatehouse::auth::v1::REFUSAL_REASON_CLIENT_NOT_ALLOWED,
      client_id.empty() ? "the client cannot be told, and --allowed_client_ids is set"
                        : absl::StrCat("client '", absl::string_view(client_id).substr(0, 128), "' of issuer '",
                                       absl::string_view(issuer).substr(0, 128), "' is not in --allowed_client_ids"));
}

}  // namespace auth_service
