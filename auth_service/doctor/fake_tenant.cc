#include "auth_service/doctor/fake_tenant.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "auth_service/doctor/probe.h"
#include "auth_service/token/token_form.h"

namespace auth_service {
namespace {

using nlohmann::json;

constexpr char kManagementResource[] = "https://default.logto.app/api";

HttpResponse Json(int status, const json& body) { return HttpResponse{status, body.dump()}; }

HttpResponse Error(int status, const char* error, const char* description) {
  return Json(status, {{"code", absl::StrCat("oidc.", error)}, {"error", error}, {"error_description", description}});
}

}  // namespace

FakeTenant::FakeTenant(std::string the_issuer, std::string resource, const common::Clock& clock)
    : base(absl::StripSuffix(the_issuer, "/oidc")),
      issuer(std::move(the_issuer)),
      resources({resource}),
      clock_(clock),
      resource_(resource) {
  metadata = {{"issuer", issuer},
              {"authorization_endpoint", issuer + "/auth"},
              {"token_endpoint", issuer + "/token"},
              {"userinfo_endpoint", issuer + "/me"},
              {"jwks_uri", issuer + "/jwks"},
              {"introspection_endpoint", issuer + "/token/introspection"},
              {"code_challenge_methods_supported", {"S256"}},
              {"authorization_response_iss_parameter_supported", true},
              {"response_types_supported", {"code", "id_token", "code id_token", "none"}},
              {"grant_types_supported", {"implicit", "authorization_code", "refresh_token", "client_credentials"}},
              {"token_endpoint_auth_methods_supported", {"client_secret_basic", "client_secret_post", "none"}},
              {"scopes_supported", {"openid", "offline_access", "profile", "email", "phone"}}};
  jwks = {{"keys", {json::parse(key_.Jwk("k1", "\"alg\":\"ES384\",\"use\":\"sig\""))}}};
  users["alice-0001"] = {{"id", "alice-0001"},
                         {"username", "alice"},
                         {"name", "Alice Example"},
                         {"primaryEmail", "alice@example.com"},
                         {"isSuspended", false}};
}

std::string FakeTenant::Jwt(const std::string& user, const std::string& audience) const {
  const json claims = {{"jti", "j"},
                       {"sub", user},
                       {"iat", absl::ToUnixSeconds(clock_.Now())},
                       {"exp", absl::ToUnixSeconds(clock_.Now() + absl::Hours(1))},
                       {"scope", audience != kManagementResource ? resource_scope
                                 : machine_has_role              ? "all"
                                                                 : ""},
                       {"client_id", user == machine_id ? machine_id : client_id},
                       {"iss", issuer},
                       {"aud", audience}};
  return key_.Sign(R"({"alg":"ES384","typ":"at+jwt","kid":"k1"})", claims.dump());
}

absl::StatusOr<HttpResponse> FakeTenant::Send(const HttpRequest& request) {
  requests.push_back(request);
  const auto overridden = overrides.find(request.url);
  HttpResponse response = overridden == overrides.end() ? Answer(request) : overridden->second;
  if (response.status == 0) return absl::UnavailableError("connection refused");
  if (response.date.empty()) {
    response.date = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", clock_.Now(), absl::UTCTimeZone());
  }
  return response;
}

HttpResponse FakeTenant::Answer(const HttpRequest& request) const {
  const std::pair<std::string, std::string> url = absl::StrSplit(request.url, absl::MaxSplits('?', 1));
  const auto parameters = ReadForm(request.method == HttpMethod::kPost ? request.body : url.second);
  if (url.first == issuer + "/.well-known/openid-configuration" ||
      url.first == issuer + "/.well-known/oauth-authorization-server") {
    return Json(200, metadata);
  }
  if (url.first == issuer + "/jwks") return Json(200, jwks);
  if (url.first == issuer + "/auth") return Authorize(parameters);
  if (url.first == issuer + "/token") return Token(request, parameters);
  if (url.first == issuer + "/token/introspection") return Introspect(request, parameters);
  if (url.first == issuer + "/me") return Userinfo(request.bearer_token);
  if (absl::StartsWith(url.first, base + "/api/")) {
    return Management(url.first.substr(base.size() + 4), request.bearer_token);
  }
  const std::string origin = resource_.substr(0, resource_.find('/', resource_.find("://") + 3));
  if (!edge_is_up && absl::StartsWith(url.first, origin + "/")) return HttpResponse{0, ""};
  if (url.first == origin + "/.well-known/oauth-protected-resource/mcp") {
    return Json(200, {{"resource", resource_}, {"authorization_servers", {issuer}}});
  }
  return Error(404, "invalid_request", "unrecognized route or not allowed method");
}

HttpResponse FakeTenant::Authorize(const std::map<std::string, std::string>& parameters) const {
  const auto get = [&](const char* name) {
    const auto found = parameters.find(name);
    return found == parameters.end() ? "" : found->second;
  };
  if (get("client_id") != client_id) return Error(400, "invalid_client", "client is invalid");
  if (redirect_uris.count(get("redirect_uri")) == 0) {
    return Error(400, "invalid_redirect_uri",
                 "redirect_uri did not match any of the client's registered redirect_uris");
  }
  const auto redirect = [&](const Parameters& answer) {
    return HttpResponse{303, "", absl::StrCat(get("redirect_uri"), "?", FormBody(answer))};
  };
  if (get("code_challenge_method") != "S256") {
    return redirect({{"error", "invalid_request"}, {"error_description", "policy requires PKCE"}});
  }
  if (!get("resource").empty() && resources.count(get("resource")) == 0) {
    return redirect({{"error", "invalid_target"}, {"error_description", "resource indicator is missing, or unknown"}});
  }
  for (const absl::string_view scope : absl::StrSplit(get("scope"), ' ', absl::SkipEmpty())) {
    if (user_scopes.count(std::string(scope)) > 0) continue;
    return redirect({{"error", "invalid_scope"},
                     {"error_description", "requested scope is not allowed"},
                     {"scope", std::string(scope)}});
  }
  if (get("prompt") != "none") return HttpResponse{303, "", absl::StrCat("/sign-in?app_id=", client_id)};
  return redirect({{"error", "login_required"}, {"error_description", "End-User authentication is required"}});
}

HttpResponse FakeTenant::Token(const HttpRequest& request, const std::map<std::string, std::string>& parameters) const {
  if (request.basic_user != machine_id) return Error(400, "invalid_client", "invalid client");
  if (request.basic_password != machine_secret) return Error(401, "invalid_client", "client authentication failed");
  const std::string resource = parameters.count("resource") > 0 ? parameters.at("resource") : "";
  if (resource != kManagementResource && resources.count(resource) == 0) {
    return Error(400, "invalid_target", "resource indicator is missing, or unknown");
  }
  return Json(200, {{"access_token", Jwt(machine_id, resource)}, {"expires_in", 3600}, {"token_type", "Bearer"}});
}

HttpResponse FakeTenant::Introspect(const HttpRequest& request,
                                    const std::map<std::string, std::string>& parameters) const {
  if (request.basic_user != machine_id || request.basic_password != machine_secret) {
    return Error(401, "invalid_client", "client authentication failed");
  }
  const std::string token = parameters.count("token") > 0 ? parameters.at("token") : "";
  if (token != opaque_token) return Json(200, {{"active", false}});
  return Json(200, {{"active", true}, {"sub", "alice-0001"}, {"client_id", client_id}, {"scope", opaque_scope}});
}

HttpResponse FakeTenant::Userinfo(const std::string& token) const {
  if (token != opaque_token) return Error(401, "invalid_token", "invalid token provided");
  if (!absl::StrContains(opaque_scope, "openid")) {
    return Error(403, "insufficient_scope", "access token missing openid scope");
  }
  return Json(200, {{"sub", "alice-0001"}, {"name", "Alice Example"}, {"email", "alice@example.com"}});
}

HttpResponse FakeTenant::Management(const std::string& path, const std::string& token) const {
  const std::optional<JwsParts> parts = SplitJws(token);
  const std::optional<std::string> payload = parts.has_value() ? DecodeBase64Url(parts->payload) : std::nullopt;
  const json claims = payload.has_value() ? json::parse(*payload) : json::object();
  if (claims.value("aud", "") != kManagementResource || claims.value("scope", "") != "all") {
    return Json(401, {{"code", "auth.unauthorized"}, {"data", claims}});
  }
  if (path == "/applications") return Json(200, json::array());
  if (path == "/resources") {
    json list = json::array({{{"id", "management-api"}, {"indicator", kManagementResource}}});
    for (const std::string& indicator : resources) list.push_back({{"id", "resource-1"}, {"indicator", indicator}});
    return Json(200, list);
  }
  if (path == "/resources/resource-1/scopes") return Json(200, permissions);
  const auto user = users.find(std::string(absl::StripPrefix(path, "/users/")));
  if (user == users.end()) return Json(404, {{"code", "entity.not_found"}});
  return Json(200, user->second);
}

}  // namespace auth_service
