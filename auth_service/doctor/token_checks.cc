#include "auth_service/doctor/token_checks.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "auth_service/doctor/client_checks.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/logto/logto_user.h"
#include "auth_service/logto/management_api.h"
#include "auth_service/token/jwt_verifier.h"
#include "auth_service/token/token_form.h"

namespace auth_service {
namespace {

using nlohmann::json;

// A token that no provider has issued.
constexpr char kUnknownToken[] = "gatehouse-doctor-asks-about-a-token-that-does-not-exist";
constexpr char kManagementScope[] = "all";
constexpr size_t kResourcesOnAPage = 100;
constexpr int kMaxResourcePages = 3;

// The keys as they were fetched.
class FixedKeys final : public KeySource {
 public:
  explicit FixedKeys(const Keys& keys) : keys_(std::make_shared<const Keys>(keys)) {}
  std::shared_ptr<const Keys> current() const override { return keys_; }
  absl::Status RefreshForUnknownKey(absl::string_view, absl::Duration) override { return absl::OkStatus(); }

 private:
  const std::shared_ptr<const Keys> keys_;
};

// A part of a JWT that nobody has verified.
std::optional<json> UnverifiedPart(absl::string_view part) {
  const std::optional<std::string> text = DecodeBase64Url(part);
  return text.has_value() ? ParseJsonObject(*text) : std::nullopt;
}

// The names of the members, or names and values.
std::string ShowClaims(const json& claims, bool values) {
  std::vector<std::string> shown;
  for (const auto& [name, value] : claims.items()) {
    shown.push_back(values ? absl::StrCat(name, "=", value.dump(-1, ' ', true, json::error_handler_t::replace)) : name);
  }
  return shown.empty() ? "nothing" : absl::StrJoin(shown, ", ");
}

std::string AudienceText(const json& claims) {
  const auto audience = claims.find("aud");
  return audience == claims.end() ? "no aud" : absl::StrCat("aud ", audience->dump().substr(0, 300));
}

// What a person can do about a refusal.
std::string RefusalAdvice(gatehouse::auth::v1::RefusalReason reason, const TokenQuestion& question) {
  using namespace gatehouse::auth::v1;  // NOLINT(google-build-using-namespace): the enumerators only
  switch (reason) {
    case REFUSAL_REASON_WRONG_AUDIENCE:
    case REFUSAL_REASON_MISSING_CLAIM:
      return absl::StrCat(
          "The client must send resource=", question.resource,
          " in the authorization request and in the token request; clients do so by themselves once the "
          "edge's metadata names that URL, byte for byte.");
    case REFUSAL_REASON_WRONG_ISSUER:
      return "Make --issuers of auth_service the token's iss, or take a token of this provider.";
    case REFUSAL_REASON_EXPIRED:
    case REFUSAL_REASON_NOT_YET_VALID:
      return "Take a fresh token; if it is fresh, set the clocks.";
    case REFUSAL_REASON_WRONG_TYPE:
      return "That is an ID token or another JWT that is no access token: give the access_token of the token answer.";
    case REFUSAL_REASON_UNKNOWN_KEY:
    case REFUSAL_REASON_BAD_SIGNATURE:
      return "It was signed with a key that is not published (any more), or changed on its way: take a fresh token.";
    case REFUSAL_REASON_ALGORITHM_NOT_ALLOWED:
      return "Let the provider sign with ES256, ES384, ES512, RS or PS.";
    default:
      return "Take a fresh access token from the client, without the word Bearer.";
  }
}

Finding JudgeJwt(const TokenQuestion& question, const JwsParts& parts, const json& claims, const Keys& keys,
                 const common::Clock& clock) {
  const std::optional<json> header = UnverifiedPart(parts.header);
  std::string text =
      absl::StrCat("a JWT: ",
                   header.has_value() ? absl::StrCat("typ ", Quoted(StringMember(*header, "typ")), ", alg ",
                                                     Quoted(StringMember(*header, "alg")), ", ")
                                      : "",
                   AudienceText(claims), ", scope ", Quoted(StringMember(claims, "scope")));
  FixedKeys source(keys);
  JwtVerifier verifier(question.issuer, question.clock_skew, source, clock);
  const std::optional<Verdict> verdict = verifier.VerifyLocally(question.token, question.resource);
  if (!verdict.has_value()) {
    return Failure("token", absl::StrCat(text, "; auth_service would refuse it: unknown_key"),
                   RefusalAdvice(gatehouse::auth::v1::REFUSAL_REASON_UNKNOWN_KEY, question));
  }
  if (verdict->accepted()) return Ok("token", absl::StrCat(text, "; auth_service would accept it"));
  return Failure(
      "token",
      absl::StrCat(text, "; auth_service would refuse it: ", RefusalDescription(verdict->response.refusal().reason())),
      RefusalAdvice(verdict->response.refusal().reason(), question));
}

// What introspection says of an opaque token.
Finding JudgeOpaque(Probe& probe, const TokenQuestion& question) {
  const std::string text =
      absl::StrCat("an opaque token of ", question.token.size(), " characters: it names no audience");
  const std::string advice = absl::StrCat(
      "Have the client send resource=", question.resource,
      " in the token request too, and it gets a JWT. Otherwise: auth_service --opaque_tokens=introspection, with "
      "--allowed_client_ids, which accepts any token of those clients, whatever it was issued for.");
  if (!question.introspection.given() || question.introspection_endpoint.empty()) {
    return Warning("token", text, advice);
  }
  const absl::StatusOr<HttpResponse> response =
      probe.PostForm(question.introspection_endpoint, {{"token", question.token}}, question.introspection);
  if (!response.ok())
    return Warning("token", absl::StrCat(text, "; introspection: ", response.status().message()), advice);
  const std::optional<json> answer = ParseJsonObject(response->body);
  if (response->status != 200 || !answer.has_value()) {
    return Warning("token", absl::StrCat(text, "; introspection: ", ReadOAuthError(*response).text), advice);
  }
  if (!answer->value("active", json(false)).is_boolean() || !answer->value("active", json(false)).get<bool>()) {
    return Failure("token", absl::StrCat(text, "; introspection says that it is not active"),
                   "It is expired, revoked or of another provider: take a fresh one.");
  }
  return Warning("token",
                 absl::StrCat(text, "; introspection says: active, client ", Quoted(StringMember(*answer, "client_id")),
                              ", scope ", Quoted(StringMember(*answer, "scope"))),
                 advice);
}

Finding WhoamiByUserinfo(Probe& probe, const TokenQuestion& question, bool is_jwt) {
  const std::string check = "whoami.userinfo";
  if (question.userinfo_endpoint.empty()) return Skipped(check, "the provider has no userinfo endpoint");
  const absl::StatusOr<HttpResponse> response = probe.Get(question.userinfo_endpoint, question.token);
  if (!response.ok()) return Skipped(check, absl::StrCat("userinfo: ", response.status().message()));
  const std::optional<json> claims = ParseJsonObject(response->body);
  if (response->status == 200 && claims.has_value()) {
    return Ok(check, absl::StrCat("with --profile=userinfo whoami shows ", ShowClaims(*claims, question.show_claims)));
  }
  const std::string text = absl::StrCat("userinfo refuses this token: ", ReadOAuthError(*response).text);
  if (is_jwt) {
    return Warning(check, text,
                   "Logto's userinfo takes no JWT that is for a resource. For names and addresses: --profile=logto, or "
                   "custom claims in the token (Console > Custom JWT).");
  }
  if (response->status == 403) {
    return Warning(check, text, "The client must ask for the scope openid.");
  }
  return Warning(check, text, "Take a fresh token; the provider does not say more.");
}

Finding WhoamiByDirectory(Probe& probe, const TokenQuestion& question, const json& claims,
                          const ManagementAccess& api) {
  const std::string check = "whoami.logto";
  if (!api.credentials.given()) {
    return Skipped(check, "no credentials for the Management API",
                   "Give --logto_client_id_file and --logto_client_secret_file to see what --profile=logto finds.");
  }
  if (api.access_token.empty()) return Skipped(check, "there is no token for the Management API");
  const std::string subject(StringMember(claims, "sub"));
  if (subject == StringMember(claims, "client_id")) {
    return Skipped(check, "it is the token of an application itself, which has no user",
                   "Name the token of a user with --token_file to see what --profile=logto finds.");
  }
  if (!IsLogtoId(subject)) return Skipped(check, "the token's subject is no id of Logto");
  const absl::StatusOr<HttpResponse> response =
      probe.Get(absl::StrCat(api.endpoint, "/api/users/", subject), api.access_token);
  if (!response.ok()) return Skipped(check, absl::StrCat("the Management API: ", response.status().message()));
  if (response->status == 404) {
    return Warning(check, "the directory has no such user, so auth_service would refuse the token",
                   "The user was deleted, or is of another tenant: sign in again.");
  }
  const absl::StatusOr<LogtoUser> user = ParseLogtoUser(response->body, subject);
  if (response->status != 200 || !user.ok()) {
    return Failure(check, absl::StrCat("the Management API cannot read the user: HTTP status ", response->status),
                   "Check that the application has the role \"Logto Management API access\".");
  }
  if (user->suspended) {
    return Warning(check, "the user is suspended, so auth_service would refuse the token",
                   "Console > User management > the user > Reactivate, if that was not meant.");
  }
  absl::flat_hash_set<absl::string_view> released;
  for (const absl::string_view scope : absl::StrSplit(StringMember(claims, "scope"), ' ', absl::SkipEmpty())) {
    question.scope_claims.AddClaimsOf(scope, released);
  }
  std::vector<std::string> shown;
  for (const LogtoUser::Claim& claim : user->claims) {
    if (!released.contains(claim.name) || claims.contains(claim.name)) continue;
    shown.push_back(question.show_claims ? absl::StrCat(claim.name, "=", claim.json) : claim.name);
  }
  if (shown.empty()) {
    return Warning(check,
                   absl::StrCat("with --profile=logto whoami shows no more than the token: its scopes ",
                                Quoted(StringMember(claims, "scope")), " release nothing"),
                   "Add permissions to the API resource, give them to the user by a role and to the application, and "
                   "name them in --scope_claims: docs/logto.md, step 6.");
  }
  return Ok(check, absl::StrCat("with --profile=logto whoami shows also ", absl::StrJoin(shown, ", ")));
}

}  // namespace

GrantedToken RequestToken(Probe& probe, const std::string& check, const std::string& token_endpoint,
                          const ClientCredentials& credentials, const std::string& resource, const std::string& scope) {
  GrantedToken issued;
  Parameters parameters = {{"grant_type", "client_credentials"}, {"resource", resource}};
  if (!scope.empty()) parameters.emplace_back("scope", scope);
  const absl::StatusOr<HttpResponse> response = probe.PostForm(token_endpoint, parameters, credentials);
  if (!response.ok()) {
    issued.finding = Failure(check, absl::StrCat("the token endpoint gives no answer: ", response.status().message()),
                             "Mend the provider: no client gets a token.");
    return issued;
  }
  const std::optional<json> answer = ParseJsonObject(response->body);
  if (response->status == 200 && answer.has_value()) issued.token = std::string(StringMember(*answer, "access_token"));
  if (!issued.token.empty()) {
    probe.Conceal(issued.token);
    const bool is_jwt = FormOf(issued.token) == TokenForm::kJwt;
    issued.finding = is_jwt ? Ok(check, absl::StrCat("a JWT comes back for ", resource))
                            : Warning(check, absl::StrCat("an opaque token comes back for ", resource),
                                      "The provider did not heed `resource` (RFC 8707): give the client a fixed "
                                      "audience there, or accept opaque tokens.");
    return issued;
  }
  const OAuthError error = ReadOAuthError(*response);
  const std::string text = absl::StrCat("no token for ", resource, ": ", error.text);
  if (error.error == "invalid_target") {
    issued.finding = Failure(check, text, ResourceAdvice(resource));
  } else if (error.error == "invalid_client") {
    issued.finding =
        Failure(check, text,
                "Copy id and secret again. With Logto: Console > Applications > the machine-to-machine app "
                "> App ID and App secrets; each file holds one of them and nothing else.");
  } else if (error.error == "unauthorized_client" || error.error == "unsupported_grant_type") {
    issued.finding = Failure(check, text,
                             "Use a client that may use the client credentials grant. With Logto: one of the type "
                             "Machine-to-machine.");
  } else {
    issued.finding = Failure(check, text, "The provider's message says what it misses.");
  }
  return issued;
}

Finding CheckIntrospection(Probe& probe, const std::string& introspection_endpoint,
                           const ClientCredentials& credentials) {
  const std::string check = "introspection";
  if (!credentials.given()) {
    return Skipped(check, "no credentials for it",
                   "Give --introspection_client_id_file and --introspection_client_secret_file to see whether "
                   "--opaque_tokens=introspection would work.");
  }
  if (introspection_endpoint.empty()) {
    return Failure(check, "the provider has no introspection endpoint", "Use --opaque_tokens=refuse or userinfo.");
  }
  const absl::StatusOr<HttpResponse> response =
      probe.PostForm(introspection_endpoint, {{"token", kUnknownToken}}, credentials);
  if (!response.ok()) {
    return Failure(check, absl::StrCat("it gives no answer: ", response.status().message()), "Mend the provider.");
  }
  const std::optional<json> answer = ParseJsonObject(response->body);
  if (response->status == 200 && answer.has_value() && answer->contains("active")) {
    return Ok(check, "the credentials may introspect tokens");
  }
  return Failure(check, absl::StrCat("it refuses these credentials: ", ReadOAuthError(*response).text),
                 "Copy id and secret again. With Logto any application with a secret will do; a machine-to-machine app "
                 "of its own is best.");
}

Finding CheckManagementApi(Probe& probe, const std::string& token_endpoint, ManagementAccess& api) {
  const std::string check = "management_api";
  if (!api.credentials.given()) {
    return Skipped(check, "no credentials for it",
                   "Give --logto_client_id_file and --logto_client_secret_file to see whether --profile=logto and "
                   "--registration=logto would work.");
  }
  GrantedToken issued = RequestToken(probe, check, token_endpoint, api.credentials, api.api_resource, kManagementScope);
  if (issued.token.empty()) {
    if (absl::StrContains(issued.finding.text, "invalid_target")) {
      issued.finding.advice =
          "Set --logto_api_resource to the identifier of your tenant's Management API: Console > API resources > Logto "
          "Management API.";
    }
    return issued.finding;
  }
  const std::string role_advice =
      "Give the application the role. With Logto: Console > Applications > the machine-to-machine app > Roles > Assign "
      "> "
      "Logto Management API access.";
  if (const std::optional<JwsParts> parts = SplitJws(issued.token); parts.has_value()) {
    const std::optional<json> claims = UnverifiedPart(parts->payload);
    const std::vector<absl::string_view> scopes =
        absl::StrSplit(claims.has_value() ? StringMember(*claims, "scope") : absl::string_view(), ' ');
    if (std::find(scopes.begin(), scopes.end(), kManagementScope) == scopes.end()) {
      return Failure(check, "the token for the Management API lacks the scope \"all\"", role_advice);
    }
  }
  const absl::StatusOr<HttpResponse> response =
      probe.Get(absl::StrCat(api.endpoint, "/api/applications?page=1&page_size=1"), issued.token);
  if (!response.ok()) {
    return Failure(check, absl::StrCat("it gives no answer: ", response.status().message()),
                   "Check --logto_endpoint: the tenant's endpoint, without /oidc.");
  }
  if (response->status == 404) {
    return Failure(check, absl::StrCat("there is no Management API at ", api.endpoint),
                   "Check --logto_endpoint: the tenant's endpoint, without /oidc.");
  }
  if (response->status != 200) {
    return Failure(check, absl::StrCat("it refuses the token: HTTP status ", response->status), role_advice);
  }
  api.access_token = std::move(issued.token);
  return Ok(check, "the credentials may read users and create applications");
}

Finding CheckPermissions(Probe& probe, const ManagementAccess& api, const std::string& resource) {
  const std::string check = "permissions";
  const auto list = [&](const std::string& path) -> absl::StatusOr<json> {
    const absl::StatusOr<HttpResponse> response = probe.Get(absl::StrCat(api.endpoint, "/api", path), api.access_token);
    if (!response.ok()) return response.status();
    std::optional<json> answer = ParseJsonArray(response->body);
    if (response->status != 200 || !answer.has_value()) {
      return absl::UnavailableError(absl::StrCat("HTTP status ", response->status));
    }
    return *std::move(answer);
  };
  const auto no_answer = [&](const absl::Status& status) {
    return Skipped(check, absl::StrCat("the Management API does not list it: ", status.message()));
  };
  std::string id;
  std::string similar;
  for (int page = 1; page <= kMaxResourcePages && id.empty(); ++page) {
    const absl::StatusOr<json> resources =
        list(absl::StrCat("/resources?page=", page, "&page_size=", kResourcesOnAPage));
    if (!resources.ok()) return no_answer(resources.status());
    for (const json& one : *resources) {
      if (!one.is_object()) continue;
      const absl::string_view indicator = StringMember(one, "indicator");
      if (indicator == resource) id = std::string(StringMember(one, "id"));
      if (absl::EqualsIgnoreCase(absl::StripSuffix(indicator, "/"), absl::StripSuffix(resource, "/"))) {
        similar = std::string(indicator);
      }
    }
    if (resources->size() < kResourcesOnAPage) break;
  }
  if (!IsLogtoId(id)) {
    return Failure(check,
                   absl::StrCat("the tenant has no API resource ", Quoted(resource),
                                similar.empty() ? "" : absl::StrCat("; it has ", Quoted(similar))),
                   ResourceAdvice(resource));
  }
  const absl::StatusOr<json> scopes = list(absl::StrCat("/resources/", id, "/scopes"));
  if (!scopes.ok()) return no_answer(scopes.status());
  std::vector<std::string> named;
  for (const json& scope : *scopes) {
    if (!scope.is_object()) continue;
    named.push_back(absl::StrCat(StringMember(scope, "name"), "=", StringMember(scope, "id")));
  }
  if (named.empty()) {
    return Warning(check, "the API resource has no permissions",
                   "Add one for each scope that a tool requires, and for what --scope_claims releases: Console > API "
                   "resources > the resource > Permissions.");
  }
  return Ok(check,
            absl::StrCat("the API resource has (for --registration_resource_scope_ids) ", absl::StrJoin(named, ",")));
}

Findings CheckToken(Probe& probe, const TokenQuestion& question, const Keys& keys, const ManagementAccess& api,
                    const common::Clock& clock) {
  const TokenForm form = FormOf(question.token);
  if (form == TokenForm::kMalformed) {
    return {Failure("token", "not the characters of a bearer token, or more than 8192 of them",
                    "Put the access token alone into the file: no quotes, no \"Bearer\", one line.")};
  }
  Findings findings;
  json claims = json::object();
  if (form == TokenForm::kOpaque) {
    findings.push_back(JudgeOpaque(probe, question));
    findings.push_back(Skipped("whoami.token", "an opaque token says nothing itself"));
  } else {
    const JwsParts parts = *SplitJws(question.token);
    if (std::optional<json> payload = UnverifiedPart(parts.payload); payload.has_value()) claims = *std::move(payload);
    findings.push_back(JudgeJwt(question, parts, claims, keys, clock));
    if (StringMember(claims, "iss") != question.issuer) return findings;  // none of our provider's business
    findings.push_back(Ok(
        "whoami.token", absl::StrCat("with --profile=token whoami shows ", ShowClaims(claims, question.show_claims))));
  }
  findings.push_back(WhoamiByUserinfo(probe, question, form == TokenForm::kJwt));
  if (form == TokenForm::kJwt) findings.push_back(WhoamiByDirectory(probe, question, claims, api));
  return findings;
}

}  // namespace auth_service
