// A Logto tenant that a test plays, as far as the doctor looks at one. Its answers are those of a real server, odd ones
// included.

#ifndef GATEHOUSE_AUTH_SERVICE_DOCTOR_FAKE_TENANT_H_
#define GATEHOUSE_AUTH_SERVICE_DOCTOR_FAKE_TENANT_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "auth_service/provider/http_client.h"
#include "auth_service/token/test_keys.h"
#include "common/clock.h"
#include "nlohmann/json.hpp"

namespace auth_service {

// Change the members before it is asked. Not thread-safe.
class FakeTenant final : public HttpClient {
 public:
  // `issuer` must end in "/oidc".
  FakeTenant(std::string issuer, std::string resource, const common::Clock& clock);

  absl::StatusOr<HttpResponse> Send(const HttpRequest& request) override;

  // A token of `user` for `audience`.
  std::string Jwt(const std::string& user, const std::string& audience) const;

  std::string base;  // the tenant's endpoint
  std::string issuer;
  nlohmann::json metadata;  // what discovery answers
  nlohmann::json jwks;
  std::set<std::string> resources;
  std::string client_id = "agent";
  std::set<std::string> redirect_uris = {"http://127.0.0.1/callback"};
  std::set<std::string> user_scopes = {"openid", "offline_access", "profile", "email"};  // that the client may ask for
  std::string machine_id = "machine";
  std::string machine_secret = "machine-secret-0123456789";
  bool machine_has_role = true;  // the one for the Management API
  std::string opaque_token = "opaque-token-of-alice-0123456789";
  std::string opaque_scope = "openid profile email";
  std::string resource_scope = "email";                                                     // of JWTs for a resource
  nlohmann::json permissions = nlohmann::json::array({{{"id", "p1"}, {"name", "email"}}});  // of the resource
  std::map<std::string, nlohmann::json> users;
  bool edge_is_up = true;
  std::map<std::string, HttpResponse> overrides;  // answers by URL, before everything else

  std::vector<HttpRequest> requests;  // all that came

 private:
  HttpResponse Answer(const HttpRequest& request) const;
  HttpResponse Authorize(const std::map<std::string, std::string>& parameters) const;
  HttpResponse Token(const HttpRequest& request, const std::map<std::string, std::string>& parameters) const;
  HttpResponse Introspect(const HttpRequest& request, const std::map<std::string, std::string>& parameters) const;
  HttpResponse Userinfo(const std::string& token) const;
  HttpResponse Management(const std::string& path, const std::string& token) const;

  const common::Clock& clock_;
  const std::string resource_;
  const TestKey key_{"ES384"};
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_DOCTOR_FAKE_TENANT_H_
