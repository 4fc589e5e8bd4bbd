#include "auth_service/token/introspection_verifier.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/provider/url.h"
#include "auth_service/token/claims.h"
#include "common/log.h"
#include "common/secret_file.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::Principal;
using nlohmann::json;

constexpr absl::Duration kComplaintInterval = absl::Minutes(1);

std::string Excerpt(absl::string_view text) { return absl::StrCat("introspection: '", text.substr(0, 128), "'"); }

// Whether `claims` has a member `name` that says something: null counts as absent.
bool Has(const json& claims, const char* name) {
  const auto member = claims.find(name);
  return member != claims.end() && !member->is_null();
}

absl::StatusOr<Verdict> JudgeError(const HttpResponse& response) {
  const std::optional<json> body = ParseJsonObject(response.body);
  const absl::string_view error = body.has_value() ? StringMember(*body, "error") : absl::string_view();
  // RFC 7662 has no word for a token that the endpoint does not read; Logto says this of JWTs.
  if (response.status == 400 && error == "unsupported_token_type") {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE, "introspection: unsupported_token_type");
  }
  if (response.status == 401 || response.status == 403 || error == "invalid_client") {
    return absl::UnauthenticatedError(absl::StrCat("introspection: HTTP status ", response.status,
                                                   ": the provider refuses the credentials of this service"));
  }
  return absl::UnavailableError(absl::StrCat("introspection: HTTP status ", response.status));
}

}  // namespace

std::optional<Verdict> IntrospectionVerifier::VerifyLocally(absl::string_view, absl::string_view) {
  return std::nullopt;
}

absl::StatusOr<Verdict> IntrospectionVerifier::VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                                                  absl::Time deadline) {
  const std::shared_ptr<const ProviderMetadata> metadata = discovery_.current();
  if (metadata == nullptr) return absl::UnavailableError("the issuer's metadata has not been fetched yet");
  if (metadata->introspection_endpoint.empty()) {
    return absl::UnavailableError("the issuer names no introspection_endpoint");
  }
  const absl::StatusOr<std::string> id =
      common::ReadSecretFile("introspection_client_id_file", options_.client_id_file);
  if (!id.ok()) return absl::UnavailableError(id.status().message());
  const absl::StatusOr<std::string> secret =
      common::ReadSecretFile("introspection_client_secret_file", options_.client_secret_file);
  if (!secret.ok()) return absl::UnavailableError(secret.status().message());

  HttpRequest request;
  request.endpoint = ProviderEndpoint::kIntrospection;
  request.method = HttpMethod::kPost;
  request.url = metadata->introspection_endpoint;
  request.may_be_internal = metadata->is_internal;
  request.basic_user = *id;
  request.basic_password = *secret;
  request.content_type = "application/x-www-form-urlencoded";
  request.body = absl::StrCat("token=", FormEncode(token), "&token_type_hint=access_token");
  request.timeout = std::min(options_.timeout, deadline - clock_.Now());
  request.max_response_bytes = kMaxClaimsBytes;
  if (request.timeout <= absl::ZeroDuration()) return absl::UnavailableError("no time left to ask the provider");
  const absl::StatusOr<HttpResponse> response = client_.Send(request);
  if (!response.ok()) return absl::UnavailableError(absl::StrCat("introspection: ", response.status().message()));
  absl::StatusOr<Verdict> verdict =
      JudgeIntrospection(*response, discovery_.issuer(), resource, clock_.Now(), options_.clock_skew);
  if (verdict.status().code() == absl::StatusCode::kUnauthenticated) {
    ComplainOfCredentials(response->status);
    return absl::UnavailableError(verdict.status().message());
  }
  return verdict;
}

void IntrospectionVerifier::ComplainOfCredentials(int status) {
  {
    absl::MutexLock lock(&mutex_);
    if (clock_.Now() < next_complaint_time_) return;
    next_complaint_time_ = clock_.Now() + kComplaintInterval;
  }
  common::Log(common::Severity::kError, "introspection_credentials_refused",
              {{"issuer", discovery_.issuer()},
               {"status", status},
               {"message", absl::StrCat("no opaque token can be checked: the provider refuses the credentials of "
                                        "--introspection_client_id_file=",
                                        options_.client_id_file,
                                        " and --introspection_client_secret_file=", options_.client_secret_file)}});
}

absl::StatusOr<Verdict> JudgeIntrospection(const HttpResponse& response, absl::string_view issuer,
                                           absl::string_view resource, absl::Time now, absl::Duration clock_skew) {
  if (response.status != 200) return JudgeError(response);
  if (response.body.size() > kMaxClaimsBytes) return absl::UnavailableError("introspection: the answer is too long");
  const std::optional<json> claims = ParseJsonObject(response.body);
  if (!claims.has_value()) return absl::UnavailableError("introspection: the answer is no JSON object");
  const auto active = claims->find("active");
  if (active == claims->end() || !active->is_boolean()) {
    return absl::UnavailableError("introspection: the answer does not say whether the token is active");
  }
  if (!active->get<bool>()) return Refuse(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE, "introspection: not active");
  Verdict verdict;
  Principal& principal = *verdict.response.mutable_principal();
  principal.set_issuer(std::string(issuer));
  principal.set_subject(std::string(StringMember(*claims, "sub")));
  principal.set_client_id(std::string(StringMember(*claims, "client_id")));
  const auto refuse = [&principal](gatehouse::auth::v1::RefusalReason reason, std::string detail) {
    return RefuseTokenOf(principal, reason, std::move(detail));
  };
  const auto missing = [&refuse](absl::string_view what) {
    return refuse(gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM, absl::StrCat("introspection: ", what));
  };

  if (Has(*claims, "iss") && (*claims)["iss"] != std::string(issuer)) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_WRONG_ISSUER, Excerpt((*claims)["iss"].dump()));
  }
  if (const absl::string_view type = StringMember(*claims, "token_type"); !absl::EqualsIgnoreCase(type, "Bearer")) {
    return refuse(gatehouse::auth::v1::REFUSAL_REASON_WRONG_TYPE, absl::StrCat(Excerpt(type), " is its token_type"));
  }
  const bool audience_known = Has(*claims, "aud");
  if (audience_known && !AudienceContains((*claims)["aud"], resource)) {
    return refuse(gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE,
                  absl::StrCat(Excerpt((*claims)["aud"].dump()), ", not '", resource, "'"));
  }
  const std::optional<absl::Time> expire_time = TimeMember(*claims, "exp");
  if (Has(*claims, "exp") && !expire_time.has_value()) return missing("exp is no time in seconds");
  if (expire_time.has_value() && now >= *expire_time + clock_skew) {
    return refuse(gatehouse::auth::v1::REFUSAL_REASON_EXPIRED,
                  absl::StrCat("introspection: exp ", absl::FormatTime(*expire_time, absl::UTCTimeZone())));
  }
  if (Has(*claims, "nbf")) {
    const std::optional<absl::Time> time = TimeMember(*claims, "nbf");
    if (!time.has_value()) return missing("nbf is no time in seconds");
    if (now + clock_skew < *time) {
      return refuse(gatehouse::auth::v1::REFUSAL_REASON_NOT_YET_VALID,
                    absl::StrCat("introspection: nbf ", absl::FormatTime(*time, absl::UTCTimeZone())));
    }
  }
  if (principal.subject().empty()) return missing("sub is missing, empty or no string");
  // Providers leave `scope` out when there is none.
  if (Has(*claims, "scope") && !AppendScopes((*claims)["scope"], principal)) {
    return missing("scope is neither a string nor an array of scopes, or holds what is none");
  }
  principal.set_scopes_known(true);
  principal.set_claims_json(CompactJson(response.body));
  if (expire_time.has_value()) SetTimestamp(*expire_time, *principal.mutable_expire_time());
  AddClaimOrigin(*claims, gatehouse::auth::v1::CLAIM_SOURCE_INTROSPECTION, principal);
  principal.set_token_kind(gatehouse::auth::v1::TOKEN_KIND_OPAQUE);
  principal.set_audience_known(audience_known);
  return verdict;
}

}  // namespace auth_service
