#include "auth_service/token/issuer_verifier.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/token/token_form.h"

namespace auth_service {

std::optional<Verdict> IssuerVerifier::VerifyLocally(absl::string_view token, absl::string_view resource) {
  std::variant<Verifier*, Verdict> chosen = Choose(token);
  if (Verdict* const refusal = std::get_if<Verdict>(&chosen)) return *std::move(refusal);
  return std::get<Verifier*>(chosen)->VerifyLocally(token, resource);
}

absl::StatusOr<Verdict> IssuerVerifier::VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                                           absl::Time deadline) {
  std::variant<Verifier*, Verdict> chosen = Choose(token);
  if (Verdict* const refusal = std::get_if<Verdict>(&chosen)) return *std::move(refusal);
  return std::get<Verifier*>(chosen)->VerifyWithProvider(token, resource, deadline);
}

std::variant<Verifier*, Verdict> IssuerVerifier::Choose(absl::string_view token) const {
  const std::optional<JwsParts> parts = SplitJws(token);
  if (!parts.has_value()) return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED, "not three parts");
  const std::optional<std::string> payload = DecodeBase64Url(parts->payload);
  if (!payload.has_value()) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED, "the payload is not base64url");
  }
  const std::optional<nlohmann::json> claims = ParseJsonObject(*payload);
  if (!claims.has_value()) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED,
                  "the claims set is no JSON object, or names one twice");
  }
  const auto issuer = claims->find("iss");
  if (issuer == claims->end() || !issuer->is_string()) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM, "iss is missing or no string");
  }
  const std::string& name = issuer->get_ref<const std::string&>();
  const auto verifier = verifiers_.find(name);
  if (verifier == verifiers_.end()) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_WRONG_ISSUER,
                  absl::StrCat("iss '", absl::string_view(name).substr(0, 128), "' is none of --issuers"));
  }
  return verifier->second;
}

}  // namespace auth_service
