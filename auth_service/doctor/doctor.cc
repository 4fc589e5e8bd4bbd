#include "auth_service/doctor/doctor.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "auth_service/doctor/client_checks.h"
#include "auth_service/doctor/key_checks.h"
#include "auth_service/doctor/metadata_checks.h"
#include "auth_service/doctor/token_checks.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/provider/url.h"

namespace auth_service {
namespace {

bool IsLoopbackHttp(const std::string& text) {
  const absl::StatusOr<Url> url = ParseUrl(text);
  return url.ok() && url->scheme == "http" && url->IsLoopback();
}

Finding CheckHttps(const std::string& issuer, const std::string& resource) {
  for (const auto& [what, text] : {std::pair("the issuer", issuer), std::pair("the resource", resource)}) {
    const absl::StatusOr<Url> url = ParseUrl(text);
    if (!url.ok()) {
      return Failure("urls", absl::StrCat(what, " ", url.status().message(), ", got ", Quoted(text)),
                     "Give absolute URLs, like https://id.example.com/oidc and https://mcp.example.com/mcp.");
    }
    if (url->scheme != "https" && !url->IsLoopback()) {
      return Failure("urls", absl::StrCat(what, " is not https: ", Quoted(text)),
                     "Serve it over TLS; tokens travel there.");
    }
  }
  if (IsLoopbackHttp(issuer) || IsLoopbackHttp(resource)) {
    return Ok("urls", "plain http on loopback, which is for development");
  }
  return Ok("urls", "issuer and resource are https");
}

void Append(Findings more, Findings& findings) {
  for (Finding& finding : more) findings.push_back(std::move(finding));
}

void CheckClientsAndTokens(const DoctorOptions& options, const nlohmann::json& document, const Keys& keys, Probe& probe,
                           const common::Clock& clock, Findings& findings) {
  const auto endpoint = [&](const char* name) { return std::string(StringMember(document, name)); };
  if (options.client_id.empty()) {
    findings.push_back(
        Skipped("client", "no client was named",
                "Give --client_id (and --redirect_uri) of an agent to see whether it can sign users in and "
                "whether the resource is registered."));
  } else {
    ClientQuestion question;
    question.authorization_endpoint = endpoint("authorization_endpoint");
    question.client_id = options.client_id;
    question.redirect_uri = options.redirect_uri;
    question.resource = options.resource;
    question.scopes = options.scopes;
    Append(CheckClient(probe, question), findings);
  }

  std::string token = options.token;
  if (!options.machine.given()) {
    findings.push_back(Skipped("machine_token", "no credentials were given",
                               "Give --client_id_file and --client_secret_file of a machine-to-machine application to "
                               "see which kind of token comes back for the resource."));
  } else {
    GrantedToken issued = RequestToken(probe, "machine_token", endpoint("token_endpoint"), options.machine,
                                       options.resource, /*scope=*/"");
    findings.push_back(std::move(issued.finding));
    if (token.empty()) token = std::move(issued.token);
  }
  findings.push_back(CheckIntrospection(probe, endpoint("introspection_endpoint"), options.introspection));
  ManagementAccess api;
  api.endpoint = options.logto_endpoint.empty() ? options.issuer : options.logto_endpoint;
  api.endpoint = std::string(absl::StripSuffix(absl::StripSuffix(api.endpoint, "/"), "/oidc"));
  api.api_resource = options.logto_api_resource;
  api.credentials = options.management;
  findings.push_back(CheckManagementApi(probe, endpoint("token_endpoint"), api));
  if (!api.access_token.empty()) findings.push_back(CheckPermissions(probe, api, options.resource));

  if (token.empty()) {
    findings.push_back(Skipped("token", "there is no token to look at",
                               "Put an access token of an agent into a file and name it with --token_file to see "
                               "whether it would be accepted and what whoami would show."));
    return;
  }
  TokenQuestion question{std::move(token), options.issuer};
  question.resource = options.resource;
  question.userinfo_endpoint = endpoint("userinfo_endpoint");
  question.introspection_endpoint = endpoint("introspection_endpoint");
  question.introspection = options.introspection;
  question.clock_skew = options.clock_skew;
  question.scope_claims = options.scope_claims;
  question.show_claims = options.show_claims;
  Append(CheckToken(probe, question, keys, api, clock), findings);
}

Findings ExamineAll(const DoctorOptions& options, Probe& probe, Probe& edge_probe, const common::Clock& clock) {
  Findings findings = {CheckHttps(options.issuer, options.resource)};
  if (findings.front().outcome == Outcome::kFailure) return findings;
  Discovered discovered = CheckDiscovery(probe, options.issuer, options.clock_skew, clock);
  Append(std::move(discovered.findings), findings);
  bool edge_registers = false;
  Finding edge = CheckEdge(edge_probe, options.issuer, options.resource, &edge_registers);
  const std::optional<nlohmann::json> document = ParseJsonObject(discovered.document_json);
  if (document.has_value()) {
    findings.push_back(CheckEndpoints(*document, options.issuer, options.provider_hosts));
    findings.push_back(CheckGrants(*document));
    findings.push_back(CheckPkce(*document));
    findings.push_back(CheckIssParameter(*document));
    findings.push_back(CheckRegistration(*document, edge_registers));
    findings.push_back(CheckScopes(*document, options.scopes));
  }
  findings.push_back(std::move(edge));
  if (!document.has_value() || !discovered.trusted) {
    findings.push_back(Skipped("keys", "there is no metadata of this issuer; nothing else is asked"));
    return findings;
  }
  std::vector<std::string> named;
  if (!options.logto_endpoint.empty()) named.push_back(options.logto_endpoint);
  probe.LimitTo(options.issuer, options.provider_hosts, discovered.is_internal, std::move(named));
  const std::string jwks_uri(StringMember(*document, "jwks_uri"));
  CheckedKeys keys;
  if (!jwks_uri.empty()) {
    keys = CheckKeys(probe, jwks_uri);
    findings.push_back(keys.finding);
  }
  CheckClientsAndTokens(options, *document, keys.keys, probe, clock, findings);
  return findings;
}

}  // namespace

Findings Examine(const DoctorOptions& options, HttpClient& client, const common::Clock& clock) {
  Probe probe(client, options.timeout, IsLoopbackHttp(options.issuer));
  Probe edge_probe(client, options.timeout, IsLoopbackHttp(options.resource));
  for (const std::string* secret :
       {&options.machine.secret, &options.introspection.secret, &options.management.secret, &options.token}) {
    probe.Conceal(*secret);
  }
  Findings findings = ExamineAll(options, probe, edge_probe, clock);
  for (Finding& finding : findings) {
    finding.text = probe.Redacted(finding.text);
    finding.advice = probe.Redacted(finding.advice);
  }
  return findings;
}

}  // namespace auth_service
