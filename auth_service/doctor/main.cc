// gatehouse-doctor: says whether agents could use a Gatehouse with this provider, and if not, what to do. README.md of
// auth_service has the flags. Exit code 0: nothing failed; 1: something did; 2: a mistake in the command line.

#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "auth_service/doctor/doctor.h"
#include "auth_service/doctor/report.h"
#include "auth_service/logto/scope_claims.h"
#include "auth_service/provider/curl_http_client.h"
#include "auth_service/provider/url.h"
#include "common/clock.h"
#include "common/command_line.h"
#include "common/read_file.h"
#include "common/secret_file.h"

ABSL_FLAG(std::string, issuer, "", "issuer identifier of the OIDC provider; required");
ABSL_FLAG(std::string, resource, "", "public URL of the edge's MCP endpoint; required");
ABSL_FLAG(std::vector<std::string>, scopes, auth_service::DoctorOptions().scopes, "scopes that agents will ask for");
ABSL_FLAG(std::string, client_id, "", "an agent's client id: can it sign users in, is the resource registered");
ABSL_FLAG(std::string, redirect_uri, auth_service::DoctorOptions().redirect_uri, "a redirect URI of that client");
ABSL_FLAG(std::string, client_id_file, "", "file with the id of a client that may use the client credentials grant");
ABSL_FLAG(std::string, client_secret_file, "", "file with its secret");
ABSL_FLAG(std::string, token_file, "", "file with an access token to judge");
ABSL_FLAG(std::string, introspection_client_id_file, "", "as for auth_service");
ABSL_FLAG(std::string, introspection_client_secret_file, "", "as for auth_service");
ABSL_FLAG(std::string, logto_endpoint, "", "as for auth_service; empty: the issuer without its /oidc");
ABSL_FLAG(std::string, logto_api_resource, auth_service::DoctorOptions().logto_api_resource, "as for auth_service");
ABSL_FLAG(std::string, logto_client_id_file, "", "as for auth_service");
ABSL_FLAG(std::string, logto_client_secret_file, "", "as for auth_service");
ABSL_FLAG(std::vector<std::string>, scope_claims, {}, "as for auth_service");
ABSL_FLAG(std::vector<std::string>, provider_hosts, {}, "as for auth_service");
ABSL_FLAG(std::string, provider_ca_file, "", "as for auth_service");
ABSL_FLAG(absl::Duration, clock_skew, auth_service::DoctorOptions().clock_skew, "as for auth_service");
ABSL_FLAG(absl::Duration, timeout, auth_service::DoctorOptions().timeout, "for each request, 100ms to 60s");
ABSL_FLAG(bool, show_claims, false, "show the values of claims, not their names alone");
ABSL_FLAG(bool, json, false, "print one JSON object");

namespace auth_service {
namespace {

constexpr size_t kMaxCaFileBytes = 16 << 20;

// Sets `value` unless `path` is empty.
absl::Status ReadInto(absl::string_view flag, const std::string& path, std::string& value) {
  if (path.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> line = common::ReadSecretFile(flag, path);
  if (!line.ok()) return line.status();
  value = *std::move(line);
  return absl::OkStatus();
}

absl::StatusOr<DoctorOptions> OptionsFromFlags() {
  DoctorOptions options;
  options.issuer = absl::GetFlag(FLAGS_issuer);
  options.resource = absl::GetFlag(FLAGS_resource);
  options.scopes = absl::GetFlag(FLAGS_scopes);
  options.client_id = absl::GetFlag(FLAGS_client_id);
  options.redirect_uri = absl::GetFlag(FLAGS_redirect_uri);
  options.logto_endpoint = absl::GetFlag(FLAGS_logto_endpoint);
  options.logto_api_resource = absl::GetFlag(FLAGS_logto_api_resource);
  options.provider_hosts = absl::GetFlag(FLAGS_provider_hosts);
  options.clock_skew = absl::GetFlag(FLAGS_clock_skew);
  options.timeout = absl::GetFlag(FLAGS_timeout);
  options.show_claims = absl::GetFlag(FLAGS_show_claims);
  if (options.issuer.empty()) return absl::InvalidArgumentError("--issuer must be set, like https://t.logto.app/oidc");
  if (options.resource.empty()) {
    return absl::InvalidArgumentError("--resource must be set to the edge's URL, like https://mcp.example.com/mcp");
  }
  if (absl::Status status = CheckProviderHosts(options.provider_hosts); !status.ok()) return status;
  if (options.timeout < absl::Milliseconds(100) || options.timeout > absl::Minutes(1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--timeout must be in [100ms, 60s], got ", absl::FormatDuration(options.timeout)));
  }
  for (const absl::Status& status : {
           ReadInto("client_id_file", absl::GetFlag(FLAGS_client_id_file), options.machine.id),
           ReadInto("client_secret_file", absl::GetFlag(FLAGS_client_secret_file), options.machine.secret),
           ReadInto("token_file", absl::GetFlag(FLAGS_token_file), options.token),
           ReadInto("introspection_client_id_file", absl::GetFlag(FLAGS_introspection_client_id_file),
                    options.introspection.id),
           ReadInto("introspection_client_secret_file", absl::GetFlag(FLAGS_introspection_client_secret_file),
                    options.introspection.secret),
           ReadInto("logto_client_id_file", absl::GetFlag(FLAGS_logto_client_id_file), options.management.id),
           ReadInto("logto_client_secret_file", absl::GetFlag(FLAGS_logto_client_secret_file),
                    options.management.secret),
       }) {
    if (!status.ok()) return status;
  }
  for (const auto& [flag, credentials] :
       {std::pair("", &options.machine), std::pair("introspection_", &options.introspection),
        std::pair("logto_", &options.management)}) {
    if (credentials->id.empty() != credentials->secret.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", flag, "client_id_file and --", flag, "client_secret_file belong together"));
    }
  }
  absl::StatusOr<ScopeClaims> scope_claims = ScopeClaims::Create(absl::GetFlag(FLAGS_scope_claims));
  if (!scope_claims.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--scope_claims ", scope_claims.status().message()));
  }
  options.scope_claims = *std::move(scope_claims);
  return options;
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "gatehouse-doctor: %s\n", std::string(status.message()).c_str());
  return 2;
}

int Run(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Looks at an OIDC provider and says whether agents could use a Gatehouse behind it.\n"
      "gatehouse-doctor --issuer=https://t.logto.app/oidc --resource=https://mcp.example.com/mcp [--client_id=ID]");
  if (const absl::Status status = common::ParseFlags(argc, argv); !status.ok()) return Fail(status);
  const absl::StatusOr<DoctorOptions> options = OptionsFromFlags();
  if (!options.ok()) return Fail(options.status());
  const std::string ca_file = absl::GetFlag(FLAGS_provider_ca_file);
  if (!ca_file.empty()) {
    if (const auto content = common::ReadFile("--provider_ca_file", ca_file, kMaxCaFileBytes); !content.ok()) {
      return Fail(content.status());
    }
  }
  CurlHttpClient client(ca_file);
  const common::SystemClock clock;
  const Findings findings = Examine(*options, client, clock);
  const std::string report = absl::GetFlag(FLAGS_json) ? JsonReport(options->issuer, options->resource, findings)
                                                       : TextReport(options->issuer, options->resource, findings);
  std::fwrite(report.data(), 1, report.size(), stdout);
  return Healthy(findings) ? 0 : 1;
}

}  // namespace
}  // namespace auth_service

int main(int argc, char** argv) { return auth_service::Run(argc, argv); }
