#include "auth_service/token/opaque_verifier.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/token/claims.h"

namespace auth_service {
namespace {

absl::Status NoVerdict(int status) { return absl::UnavailableError(absl::StrCat("userinfo: HTTP status ", status)); }

// Only OAuth's own words (RFC 6750, section 3.1) refuse a token: a firewall or a gateway on the way has these statuses
// too, and knows nothing of it.
absl::StatusOr<Verdict> JudgeError(const HttpResponse& response) {
  const std::optional<nlohmann::json> body = ParseJsonObject(response.body);
  const absl::string_view error = body.has_value() ? StringMember(*body, "error") : absl::string_view();
  const auto inactive = [&](absl::string_view what) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE,
                  absl::StrCat("userinfo status ", response.status, what.empty() ? "" : ", ", what));
  };
  switch (response.status) {
    case 400:
      // invalid_client: at Logto, the client that the token was issued to is gone.
      if (error == "invalid_client" || error == "invalid_token" || error == "invalid_request") return inactive(error);
      break;
    case 401:
      // Without a body: what it has to say stands in WWW-Authenticate.
      if (error == "invalid_token" || response.body.empty()) return inactive(error);
      break;
    case 403:
      if (error != "insufficient_scope") break;
      return Refuse(gatehouse::auth::v1::REFUSAL_REASON_INSUFFICIENT_SCOPE_AT_PROVIDER, "userinfo status 403");
  }
  return NoVerdict(response.status);
}

}  // namespace

std::optional<Verdict> OpaqueVerifier::VerifyLocally(absl::string_view, absl::string_view) {
  if (accept_) return std::nullopt;
  return Refuse(gatehouse::auth::v1::REFUSAL_REASON_OPAQUE_NOT_ALLOWED, "--opaque_tokens=refuse");
}

absl::StatusOr<Verdict> OpaqueVerifier::VerifyWithProvider(absl::string_view token, absl::string_view,
                                                           absl::Time deadline) {
  const absl::StatusOr<HttpResponse> response =
      AskUserinfo(token, std::min(timeout_, deadline - clock_.Now()), discovery_, client_);
  if (!response.ok()) return response.status();
  return JudgeUserinfo(*response, discovery_.issuer());
}

absl::StatusOr<HttpResponse> AskUserinfo(absl::string_view token, absl::Duration timeout, const Discovery& discovery,
                                         HttpClient& client) {
  const std::shared_ptr<const ProviderMetadata> metadata = discovery.current();
  if (metadata == nullptr) return absl::UnavailableError("the issuer's metadata has not been fetched yet");
  if (metadata->userinfo_endpoint.empty()) return absl::UnavailableError("the issuer names no userinfo_endpoint");
  HttpRequest request;
  request.endpoint = ProviderEndpoint::kUserinfo;
  request.url = metadata->userinfo_endpoint;
  request.may_be_internal = metadata->is_internal;
  request.bearer_token = std::string(token);
  request.timeout = timeout;
  request.max_response_bytes = kMaxClaimsBytes;
  if (request.timeout <= absl::ZeroDuration()) return absl::UnavailableError("no time left to ask the provider");
  absl::StatusOr<HttpResponse> response = client.Send(request);
  if (!response.ok()) return absl::UnavailableError(absl::StrCat("userinfo: ", response.status().message()));
  return response;
}

absl::StatusOr<Verdict> JudgeUserinfo(const HttpResponse& response, absl::string_view issuer) {
  switch (response.status) {
    case 200:
      break;
    case 400:
    case 401:
    case 403:
      return JudgeError(response);
    default:
      return NoVerdict(response.status);
  }
  if (response.body.size() > kMaxClaimsBytes) return absl::UnavailableError("userinfo: the answer is too long");
  const std::optional<nlohmann::json> claims = ParseJsonObject(response.body);
  if (!claims.has_value()) return absl::UnavailableError("userinfo: the answer is no JSON object");
  const absl::string_view subject = StringMember(*claims, "sub");
  if (subject.empty()) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM, "userinfo: sub is missing, empty or no string");
  }
  Verdict verdict;
  auto& principal = *verdict.response.mutable_principal();
  principal.set_issuer(std::string(issuer));
  principal.set_subject(std::string(subject));
  principal.set_scopes_known(false);
  principal.set_claims_json(CompactJson(response.body));
  AddClaimOrigin(*claims, gatehouse::auth::v1::CLAIM_SOURCE_USERINFO, principal);
  principal.set_token_kind(gatehouse::auth::v1::TOKEN_KIND_OPAQUE);
  principal.set_audience_known(false);
  return verdict;
}

}  // namespace auth_service
