#include "auth_service/token/userinfo_claims.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/token/claims.h"
#include "auth_service/token/opaque_verifier.h"

namespace auth_service {

std::optional<Verdict> UserinfoClaims::VerifyLocally(absl::string_view token, absl::string_view resource) {
  std::optional<Verdict> verdict = verifier_.VerifyLocally(token, resource);
  if (!verdict.has_value() || IsWanting(*verdict)) return std::nullopt;
  return verdict;
}

absl::StatusOr<Verdict> UserinfoClaims::VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                                           absl::Time deadline) {
  if (std::optional<Verdict> local = verifier_.VerifyLocally(token, resource); local.has_value()) {
    return IsWanting(*local) ? WithUserinfo(*std::move(local), token, deadline) : *std::move(local);
  }
  absl::StatusOr<Verdict> verdict = verifier_.VerifyWithProvider(token, resource, deadline);
  if (!verdict.ok() || !IsWanting(*verdict)) return verdict;
  return WithUserinfo(*std::move(verdict), token, deadline);
}

bool UserinfoClaims::IsWanting(const Verdict& verdict) const {
  if (!verdict.accepted() || verdict.response.principal().issuer() != discovery_.issuer()) return false;
  const auto& origins = verdict.response.principal().claim_origins();
  return std::none_of(origins.begin(), origins.end(), [](const gatehouse::auth::v1::ClaimOrigin& origin) {
    return origin.source() == gatehouse::auth::v1::CLAIM_SOURCE_USERINFO;
  });
}

absl::StatusOr<Verdict> UserinfoClaims::WithUserinfo(Verdict verdict, absl::string_view token, absl::Time deadline) {
  const absl::StatusOr<HttpResponse> response =
      AskUserinfo(token, std::min(timeout_, deadline - clock_.Now()), discovery_, client_);
  if (!response.ok()) return response.status();
  if (response->status == 400 || response->status == 401 || response->status == 403) return verdict;
  const absl::StatusOr<Verdict> userinfo = JudgeUserinfo(*response, discovery_.issuer());
  if (!userinfo.ok()) return userinfo.status();
  auto& principal = *verdict.response.mutable_principal();
  // OpenID Connect Core 1.0, section 5.3.2: claims of another subject must not be used.
  if (!userinfo->accepted() || userinfo->response.principal().subject() != principal.subject()) {
    return absl::UnavailableError("userinfo: the answer is of another subject than the token, or of none");
  }
  std::vector<std::string> added;
  std::string claims = MergeJsonObjects(principal.claims_json(), userinfo->response.principal().claims_json(), added);
  if (claims.size() > kMaxClaimsBytes) return absl::UnavailableError("userinfo: there are too many claims");
  principal.set_claims_json(std::move(claims));
  gatehouse::auth::v1::ClaimOrigin& origin = *principal.add_claim_origins();
  origin.set_source(gatehouse::auth::v1::CLAIM_SOURCE_USERINFO);
  for (std::string& name : added) origin.add_claims(std::move(name));
  return verdict;
}

}  // namespace auth_service
