// Looks at an OIDC provider from the outside and says whether agents could use a Gatehouse behind it, and if not, what
// to do. Asks, and changes nothing there.

#ifndef GATEHOUSE_AUTH_SERVICE_DOCTOR_DOCTOR_H_
#define GATEHOUSE_AUTH_SERVICE_DOCTOR_DOCTOR_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "auth_service/doctor/finding.h"
#include "auth_service/doctor/probe.h"
#include "auth_service/logto/scope_claims.h"
#include "auth_service/provider/http_client.h"
#include "common/clock.h"

namespace auth_service {

// What to look at. Only the first two are needed; what is missing skips the checks that need it.
struct DoctorOptions {
  std::string issuer;
  std::string resource;  // the public URL of the MCP endpoint
  std::vector<std::string> scopes = {"openid", "profile", "email"};
  // An agent, as the provider knows it.
  std::string client_id;
  std::string redirect_uri = "http://127.0.0.1/callback";
  // A confidential client that may have a token for the resource by the client credentials grant.
  ClientCredentials machine;
  // A user's token to judge; without it, the machine's.
  std::string token;
  ClientCredentials introspection;
  ClientCredentials management;
  std::string logto_endpoint;  // empty: the issuer without its /oidc
  std::string logto_api_resource = "https://default.logto.app/api";
  std::vector<std::string> provider_hosts;  // as for auth_service
  ScopeClaims scope_claims = *ScopeClaims::Create({});
  bool show_claims = false;
  absl::Duration timeout = absl::Seconds(5);  // of each request, of which there are at most 24
  absl::Duration clock_skew = absl::Seconds(30);
};

// All findings, in the order of the checks. No text in them holds a token or a secret of `options`, or a token that was
// issued on the way, even if the provider repeats it. Blocks.
Findings Examine(const DoctorOptions& options, HttpClient& client, const common::Clock& clock);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_DOCTOR_DOCTOR_H_
