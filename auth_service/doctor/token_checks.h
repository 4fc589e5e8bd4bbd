// What comes back for credentials, and what Gatehouse would make of a token.

#ifndef GATEHOUSE_AUTH_SERVICE_DOCTOR_TOKEN_CHECKS_H_
#define GATEHOUSE_AUTH_SERVICE_DOCTOR_TOKEN_CHECKS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth_service/doctor/finding.h"
#include "auth_service/doctor/probe.h"
#include "auth_service/logto/scope_claims.h"
#include "auth_service/provider/key_set.h"
#include "common/clock.h"

namespace auth_service {

struct GrantedToken {
  Finding finding;
  std::string token;  // empty: none came
};

// Asks for a token with the client credentials grant (RFC 6749, section 4.4). `check`: the name of the check; `scope`
// may be empty. The token is concealed.
GrantedToken RequestToken(Probe& probe, const std::string& check, const std::string& token_endpoint,
                          const ClientCredentials& credentials, const std::string& resource, const std::string& scope);

// Whether these credentials may introspect tokens (RFC 7662): asks about a token that does not exist.
Finding CheckIntrospection(Probe& probe, const std::string& introspection_endpoint,
                           const ClientCredentials& credentials);

// Logto's Management API and the credentials for it.
struct ManagementAccess {
  std::string endpoint;      // the tenant's, without a slash at the end: "https://t.logto.app"
  std::string api_resource;  // its audience
  ClientCredentials credentials;
  std::string access_token;  // once there is one
};

// Whether the credentials may read the directory. Sets `access_token`.
Finding CheckManagementApi(Probe& probe, const std::string& token_endpoint, ManagementAccess& api);

// What the tenant knows of `resource` and its permissions, with the ids that --registration_resource_scope_ids wants.
// `api` must have an access token.
Finding CheckPermissions(Probe& probe, const ManagementAccess& api, const std::string& resource);

// What a token is judged with.
struct TokenQuestion {
  std::string token;
  std::string issuer;
  std::string resource{};
  std::string userinfo_endpoint{};
  std::string introspection_endpoint{};
  ClientCredentials introspection{};
  absl::Duration clock_skew{};
  ScopeClaims scope_claims = *ScopeClaims::Create({});
  bool show_claims = false;  // values too; names alone otherwise
};

// The check token (its kind, and whether auth_service would accept it) and those of what whoami would show with each
// --profile: whoami.token, whoami.userinfo, whoami.logto. A JWT of another issuer is shown to nobody.
Findings CheckToken(Probe& probe, const TokenQuestion& question, const Keys& keys, const ManagementAccess& api,
                    const common::Clock& clock);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_DOCTOR_TOKEN_CHECKS_H_
