#include "auth_service/logto/management_api.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/provider/not_sent.h"

namespace auth_service {
namespace {

using nlohmann::json;

constexpr size_t kMaxAnswerBytes = 256 * 1024;
constexpr size_t kMaxIdBytes = 128;
constexpr size_t kMaxSecretBytes = 1024;
constexpr size_t kMaxSecrets = 100;

const char* TypeName(LogtoApplicationType type) {
  switch (type) {
    case LogtoApplicationType::kNative:
      return "Native";
    case LogtoApplicationType::kSpa:
      return "SPA";
    case LogtoApplicationType::kTraditional:
      return "Traditional";
  }
  return "Native";
}

std::string Write(const json& body) { return body.dump(-1, ' ', false, json::error_handler_t::replace); }

absl::Status NoId() { return absl::InvalidArgumentError("not an id of Logto"); }

// What an answer that is no success means. A 404 says that there is no such thing only if Logto says so: a wrong
// address, or a proxy, answers 404 too.
absl::Status StatusOf(const HttpResponse& response) {
  const std::string code = LogtoErrorCode(response.body);
  const std::string message =
      absl::StrCat("Management API: HTTP status ", response.status, code.empty() ? "" : ", ", code);
  if (response.status == 404 && absl::StartsWith(code, "entity.not_")) return absl::NotFoundError(message);
  if (response.status == 400 || response.status == 422) return absl::InvalidArgumentError(message);
  return absl::UnavailableError(message);
}

}  // namespace

bool IsLogtoId(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxIdBytes && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
}

std::string LogtoErrorCode(absl::string_view body) {
  const std::optional<json> answer = ParseJsonObject(body);
  if (!answer.has_value()) return "";
  const absl::string_view code = StringMember(*answer, "code");
  const bool plain = !code.empty() && code.size() <= 100 && std::all_of(code.begin(), code.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_';
  });
  return plain ? std::string(code) : "";
}

absl::StatusOr<std::string> ParseApplicationId(absl::string_view body) {
  const std::optional<json> answer = ParseJsonObject(body);
  const absl::string_view id = answer.has_value() ? StringMember(*answer, "id") : absl::string_view();
  if (!IsLogtoId(id)) return absl::UnavailableError("Management API: the answer has no id of an application");
  return std::string(id);
}

absl::StatusOr<std::vector<LogtoSecret>> ParseApplicationSecrets(absl::string_view body, absl::Time now) {
  const absl::Status wrong = absl::UnavailableError("Management API: the answer is no list of secrets");
  const std::optional<json> answer = ParseJsonArray(body);
  if (!answer.has_value() || answer->size() > kMaxSecrets) return wrong;
  std::vector<LogtoSecret> secrets;
  for (const json& one : *answer) {
    if (!one.is_object()) return wrong;
    const absl::string_view value = StringMember(one, "value");
    if (value.empty() || value.size() > kMaxSecretBytes) return wrong;
    LogtoSecret secret{std::string(value)};
    const auto expires_at = one.find("expiresAt");  // milliseconds
    if (expires_at != one.end() && !expires_at->is_null()) {
      if (!expires_at->is_number_integer()) return wrong;
      secret.expire_time = absl::FromUnixMillis(expires_at->get<int64_t>());
    }
    if (now < secret.expire_time) secrets.push_back(std::move(secret));
  }
  return secrets;
}

ManagementApi::ManagementApi(const ManagementApiOptions& options, HttpClient& client, const common::Clock& clock)
    : base_(absl::StrCat(options.endpoint, "/api")),
      timeout_(options.timeout),
      client_(client),
      clock_(clock),
      token_({absl::StrCat(options.endpoint, "/oidc/token"), options.api_resource, options.client_id_file,
              options.client_secret_file, options.timeout},
             client, clock) {}

absl::StatusOr<std::string> ManagementApi::Call(HttpMethod method, const std::string& path, const std::string& body,
                                                absl::Time deadline) {
  std::string rejected;
  while (true) {
    absl::StatusOr<std::string> token = token_.Get(deadline, rejected);
    if (!token.ok()) return NotSent(token.status());
    HttpRequest request;
    request.endpoint = ProviderEndpoint::kManagementApi;
    request.method = method;
    request.url = absl::StrCat(base_, path);
    request.may_be_internal = true;  // the operator has named it
    request.bearer_token = *std::move(token);
    if (!body.empty()) {
      request.content_type = "application/json";
      request.body = body;
    }
    request.timeout = std::min(timeout_, deadline - clock_.Now());
    request.max_response_bytes = kMaxAnswerBytes;
    if (request.timeout <= absl::ZeroDuration()) {
      return NotSent(absl::UnavailableError("no time left to ask the Management API"));
    }
    absl::StatusOr<HttpResponse> response = client_.Send(request);
    if (!response.ok()) {
      const absl::Status error = absl::UnavailableError(absl::StrCat("Management API: ", response.status().message()));
      return WasNotSent(response.status()) ? NotSent(error) : error;
    }
    if (response->status >= 200 && response->status < 300) return std::move(response->body);
    if (response->status != 401 || !rejected.empty()) return StatusOf(*response);
    rejected = request.bearer_token;  // revoked, or of a key that is gone: a new one may do
  }
}

absl::StatusOr<LogtoUser> ManagementApi::GetUser(absl::string_view id, absl::Time deadline) {
  if (!IsLogtoId(id)) return NoId();
  const absl::StatusOr<std::string> body = Call(HttpMethod::kGet, absl::StrCat("/users/", id), "", deadline);
  if (!body.ok()) return body.status();
  absl::StatusOr<LogtoUser> user = ParseLogtoUser(*body, id);
  if (!user.ok()) return absl::UnavailableError(absl::StrCat("Management API: user: ", user.status().message()));
  return user;
}

absl::StatusOr<std::string> ManagementApi::CreateApplication(const NewLogtoApplication& application,
                                                             absl::Time deadline) {
  json body = {
      {"name", application.name},
      {"type", TypeName(application.type)},
      {"isThirdParty", true},
      {"oidcClientMetadata", {{"redirectUris", application.redirect_uris}, {"postLogoutRedirectUris", json::array()}}},
  };
  if (!application.description.empty()) body["description"] = application.description;
  if (application.always_issue_refresh_token && application.type != LogtoApplicationType::kNative) {
    body["customClientMetadata"] = {{"alwaysIssueRefreshToken", true}};
  }
  for (const auto& [name, value] : application.custom_data) {
    if (!value.empty()) body["customData"][name] = value;
  }
  const absl::StatusOr<std::string> answer = Call(HttpMethod::kPost, "/applications", Write(body), deadline);
  if (!answer.ok()) return answer.status();
  return ParseApplicationId(*answer);
}

absl::Status ManagementApi::AddUserConsentScopes(absl::string_view application_id, const LogtoConsentScopes& scopes,
                                                 absl::Time deadline) {
  if (!IsLogtoId(application_id)) return NoId();
  const json body = {{"userScopes", scopes.user_scopes}, {"resourceScopes", scopes.resource_scope_ids}};
  return Call(HttpMethod::kPost, absl::StrCat("/applications/", application_id, "/user-consent-scopes"), Write(body),
              deadline)
      .status();
}

absl::Status ManagementApi::SetSignInExperience(absl::string_view application_id, const LogtoBranding& branding,
                                                absl::Time deadline) {
  if (!IsLogtoId(application_id)) return NoId();
  json body = json::object();
  if (!branding.display_name.empty()) body["displayName"] = branding.display_name;
  if (!branding.terms_of_use_uri.empty()) body["termsOfUseUrl"] = branding.terms_of_use_uri;
  if (!branding.privacy_policy_uri.empty()) body["privacyPolicyUrl"] = branding.privacy_policy_uri;
  if (!branding.logo_uri.empty()) body["branding"] = {{"logoUrl", branding.logo_uri}};
  return Call(HttpMethod::kPut, absl::StrCat("/applications/", application_id, "/sign-in-experience"), Write(body),
              deadline)
      .status();
}

absl::StatusOr<std::vector<LogtoSecret>> ManagementApi::GetApplicationSecrets(absl::string_view application_id,
                                                                              absl::Time deadline) {
  if (!IsLogtoId(application_id)) return NoId();
  const absl::StatusOr<std::string> body =
      Call(HttpMethod::kGet, absl::StrCat("/applications/", application_id, "/secrets"), "", deadline);
  if (!body.ok()) return body.status();
  return ParseApplicationSecrets(*body, clock_.Now());
}

absl::Status ManagementApi::DeleteApplication(absl::string_view application_id, absl::Time deadline) {
  if (!IsLogtoId(application_id)) return NoId();
  const absl::Status status =
      Call(HttpMethod::kDelete, absl::StrCat("/applications/", application_id), "", deadline).status();
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

}  // namespace auth_service
