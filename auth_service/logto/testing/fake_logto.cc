#include "auth_service/logto/testing/fake_logto.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace auth_service {
namespace {

using nlohmann::json;

std::string PathOf(const HttpRequest& request) {
  return std::string(absl::StripPrefix(request.url, FakeLogto::kEndpoint));
}

std::string LineOf(const HttpRequest& request) {
  return absl::StrCat(HttpMethodName(request.method), " ", PathOf(request));
}

// The shape of the Management API's errors.
HttpResponse ApiError(int status, const std::string& code, const json& data = nullptr) {
  return {status, json{{"message", "An explanation."}, {"code", code}, {"data", data}}.dump()};
}

// The shape of the token endpoint's.
HttpResponse OidcError(int status, const std::string& error) {
  return {status,
          json{{"code", "oidc." + error}, {"message", "m"}, {"error", error}, {"error_description", "d"}}.dump()};
}

HttpResponse InvalidInput() {
  return ApiError(400, "guard.invalid_input", {{"type", "body"}, {"issues", json::array()}});
}

bool IsUserScope(const json& scope) {
  static const std::vector<std::string> known = {"profile",     "email",      "phone", "address",
                                                 "custom_data", "identities", "roles"};
  return scope.is_string() && std::find(known.begin(), known.end(), scope.get<std::string>()) != known.end();
}

// Whether `body` has an array of strings under `name`.
bool HasTexts(const json& body, const char* name) {
  return body.contains(name) && body[name].is_array() &&
         std::all_of(body[name].begin(), body[name].end(), [](const json& each) { return each.is_string(); });
}

}  // namespace

void FakeLogto::AddUser(const std::string& id, const json& entry) {
  json user = {{"id", id},
               {"username", nullptr},
               {"primaryEmail", nullptr},
               {"primaryPhone", nullptr},
               {"name", nullptr},
               {"avatar", nullptr},
               {"isSuspended", false},
               {"profile", json::object()},
               {"identities", json::object()},
               {"customData", json::object()}};
  user.update(entry);
  absl::MutexLock lock(&mutex_);
  users_[id] = std::move(user);
}

void FakeLogto::Suspend(const std::string& id) {
  absl::MutexLock lock(&mutex_);
  users_[id]["isSuspended"] = true;
}

void FakeLogto::DeleteUser(const std::string& id) {
  absl::MutexLock lock(&mutex_);
  users_.erase(id);
}

void FakeLogto::ForgetTokens() {
  absl::MutexLock lock(&mutex_);
  tokens_.clear();
}

void FakeLogto::SetSecret(const std::string& secret) {
  absl::MutexLock lock(&mutex_);
  secret_ = secret;
}

void FakeLogto::SetApplicationSecrets(const json& secrets) {
  absl::MutexLock lock(&mutex_);
  application_secrets_ = secrets;
}

void FakeLogto::Fail(const std::string& method_and_path, absl::StatusOr<HttpResponse> answer, int times) {
  absl::MutexLock lock(&mutex_);
  failures_.push_back({method_and_path, std::move(answer), times});
}

void FakeLogto::Hold() {
  absl::MutexLock lock(&mutex_);
  held_ = true;
}

void FakeLogto::Release() {
  absl::MutexLock lock(&mutex_);
  held_ = false;
}

void FakeLogto::AwaitRequests(size_t count) {
  absl::MutexLock lock(&mutex_);
  const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return requests_.size() >= count; };
  mutex_.Await(absl::Condition(&reached));
}

std::map<std::string, FakeLogto::Application> FakeLogto::applications() const {
  absl::MutexLock lock(&mutex_);
  return applications_;
}

std::vector<HttpRequest> FakeLogto::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

std::vector<std::string> FakeLogto::calls() const {
  std::vector<std::string> lines;
  for (const HttpRequest& request : requests()) lines.push_back(LineOf(request));
  return lines;
}

int FakeLogto::CountOf(absl::string_view method_and_path) const {
  const std::vector<std::string> all = calls();
  return static_cast<int>(std::count_if(
      all.begin(), all.end(), [&](const std::string& line) { return absl::StartsWith(line, method_and_path); }));
}

absl::StatusOr<HttpResponse> FakeLogto::Send(const HttpRequest& request) {
  absl::MutexLock lock(&mutex_);
  requests_.push_back(request);
  const auto released = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !held_; };
  mutex_.Await(absl::Condition(&released));
  for (Failure& failure : failures_) {
    if (failure.times > 0 && absl::StartsWith(LineOf(request), failure.method_and_path)) {
      --failure.times;
      return failure.answer;
    }
  }
  const std::string path = PathOf(request);
  if (path == "/oidc/token" && request.method == HttpMethod::kPost) return Token(request);
  if (absl::StartsWith(path, "/api/")) return Api(request, absl::StripPrefix(path, "/api/"));
  return HttpResponse{404, "Not Found"};
}

HttpResponse FakeLogto::Token(const HttpRequest& request) {
  if (request.basic_user.empty()) return OidcError(400, "invalid_request");
  if (request.basic_user != kClientId) return OidcError(400, "invalid_client");
  if (request.basic_password != secret_) return OidcError(401, "invalid_client");
  if (request.content_type != "application/x-www-form-urlencoded") return OidcError(400, "invalid_request");
  const std::vector<std::string> form = absl::StrSplit(request.body, '&');
  const auto has = [&](const char* pair) { return std::find(form.begin(), form.end(), pair) != form.end(); };
  if (!has("grant_type=client_credentials")) return OidcError(400, "unsupported_grant_type");
  if (!has("resource=https%3A%2F%2Fdefault.logto.app%2Fapi")) return OidcError(400, "invalid_target");
  if (!has("scope=all")) return OidcError(400, "invalid_scope");
  const std::string token = absl::StrCat("header.payload.signature-", ++tokens_issued_);
  tokens_[token] = clock_.Now() + absl::Seconds(3600);
  return {200, json{{"access_token", token}, {"expires_in", 3600}, {"token_type", "Bearer"}, {"scope", "all"}}.dump()};
}

HttpResponse FakeLogto::Api(const HttpRequest& request, absl::string_view path) {
  if (request.bearer_token.empty()) return ApiError(401, "auth.authorization_header_missing");
  const auto token = tokens_.find(request.bearer_token);
  if (token == tokens_.end() || clock_.Now() >= token->second) {
    return ApiError(401, "auth.unauthorized", {{"payload", "what the token says, s3cret or not"}});
  }
  const bool has_body = request.method == HttpMethod::kPost || request.method == HttpMethod::kPut;
  if (has_body != (request.content_type == "application/json")) return InvalidInput();
  const std::vector<std::string> parts = absl::StrSplit(path, '/');
  if (parts.size() == 2 && parts[0] == "users" && request.method == HttpMethod::kGet) return User(parts[1]);
  if (parts.size() == 1 && parts[0] == "applications" && request.method == HttpMethod::kPost) return Create(request);
  if (parts.size() >= 2 && parts[0] == "applications") {
    return OfApplication(request, parts[1], parts.size() == 2 ? "" : parts[2]);
  }
  return {404, "Not Found"};
}

HttpResponse FakeLogto::User(absl::string_view id) {
  const auto user = users_.find(id);
  if (user == users_.end()) return ApiError(404, "entity.not_exists_with_id");
  return {200, user->second.dump()};
}

HttpResponse FakeLogto::Create(const HttpRequest& request) {
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object() || !body.contains("name") || !body["name"].is_string()) return InvalidInput();
  const size_t name_length = body["name"].get_ref<const std::string&>().size();
  if (name_length == 0 || name_length > 256) return InvalidInput();
  const std::string type = body.value("type", "");
  if (type == "MachineToMachine") return ApiError(400, "application.invalid_third_party_application_type");
  if (type != "Native" && type != "SPA" && type != "Traditional") return InvalidInput();
  if (body.contains("oidcClientMetadata") && !(HasTexts(body["oidcClientMetadata"], "redirectUris") &&
                                               HasTexts(body["oidcClientMetadata"], "postLogoutRedirectUris"))) {
    return InvalidInput();
  }
  const std::string id = absl::StrCat("app", std::string(16, 'x'), 10 + applications_created_++);
  applications_[id].created = body;
  json answer = body;
  answer["id"] = id;
  answer["tenantId"] = "default";
  return {200, answer.dump()};
}

HttpResponse FakeLogto::OfApplication(const HttpRequest& request, const std::string& id, absl::string_view what) {
  const auto found = applications_.find(id);
  if (found == applications_.end()) return ApiError(404, "entity.not_exists_with_id");
  Application& application = found->second;
  if (what.empty() && request.method == HttpMethod::kDelete) {
    applications_.erase(found);
    return {204, ""};
  }
  if (what == "secrets" && request.method == HttpMethod::kGet) {
    if (application.created["type"] != "Traditional") return {200, "[]"};
    if (!application_secrets_.is_null()) return {200, application_secrets_.dump()};
    return {200, json::array({{{"tenantId", "default"},
                               {"applicationId", id},
                               {"name", "Default secret"},
                               {"value", "secret-of-" + id},
                               {"createdAt", 1},
                               {"expiresAt", nullptr}}})
                     .dump()};
  }
  const json body = json::parse(request.body, nullptr, false);
  if (what == "user-consent-scopes" && request.method == HttpMethod::kPost) {
    if (!body.is_object()) return InvalidInput();
    if (application.created["isThirdParty"] != true) return ApiError(422, "application.third_party_application_only");
    for (const json& scope : body.value("userScopes", json::array())) {
      if (!IsUserScope(scope)) return InvalidInput();
    }
    for (const json& scope : body.value("resourceScopes", json::array())) {
      if (scope != kKnownResourceScope) return ApiError(422, "application.user_consent_scopes_not_found");
    }
    for (const json& scope : body.value("userScopes", json::array())) application.user_scopes.push_back(scope);
    for (const json& scope : body.value("resourceScopes", json::array())) application.resource_scopes.push_back(scope);
    return {201, "Created"};
  }
  if (what == "sign-in-experience" && request.method == HttpMethod::kPut) {
    if (!body.is_object()) return InvalidInput();
    application.sign_in_experience = body;
    return {201, body.dump()};
  }
  return {404, "Not Found"};
}

FakeLogtoCredentials::FakeLogtoCredentials() {
  const std::string folder = std::getenv("TEST_TMPDIR");
  client_id_file = folder + "/logto_client_id";
  client_secret_file = folder + "/logto_client_secret";
  std::ofstream(client_id_file) << FakeLogto::kClientId << "\n";
  SetSecret(FakeLogto::kClientSecret);
}

void FakeLogtoCredentials::SetSecret(const std::string& secret) const {
  std::ofstream(client_secret_file) << secret << "\n";
}

}  // namespace auth_service
