#include "auth_service/config.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "auth_service/logto/scope_claims.h"
#include "auth_service/provider/url.h"
#include "auth_service/registration/initial_access_token.h"
#include "auth_service/registration/registration_scopes.h"
#include "auth_service/registration/web_uri.h"
#include "common/flag_checks.h"
#include "common/scope_token.h"
#include "common/secret_file.h"

ABSL_FLAG(std::string, host, auth_service::Config().host, "address to serve gRPC on");
ABSL_FLAG(int32_t, port, auth_service::Config().port, "port to serve gRPC on; 0 takes a free one");
ABSL_FLAG(std::string, admin_host, auth_service::Config().admin_host, "address of /livez, /readyz and /metrics");
ABSL_FLAG(int32_t, admin_port, auth_service::Config().admin_port, "port of /livez, /readyz and /metrics");
ABSL_FLAG(absl::Duration, shutdown_grace, auth_service::Config().shutdown_grace,
          "how long calls under way may go on after SIGTERM");
ABSL_FLAG(std::string, log_severity, auth_service::Config().log_severity, "debug, info, warning or error");
ABSL_FLAG(std::vector<std::string>, issuers, {},
          "issuer identifiers of the OIDC providers: https, or http on loopback; opaque tokens are those of the first; "
          "required");
ABSL_FLAG(std::vector<std::string>, resources, {},
          "protected resources that tokens may be for: absolute URIs, byte for byte as clients ask for them; required");
ABSL_FLAG(std::vector<std::string>, scopes_supported, auth_service::Config().scopes_supported,
          "scopes_supported of the protected resource metadata");
ABSL_FLAG(
    std::string, opaque_tokens, auth_service::Config().opaque_tokens,
    "refuse, or accept opaque tokens that the first issuer's endpoint accepts, userinfo or introspection, though they "
    "name no audience");
ABSL_FLAG(std::string, introspection_client_id_file, "", "file with the client id to ask introspection with");
ABSL_FLAG(std::string, introspection_client_secret_file, "", "file with the client secret to ask introspection with");
ABSL_FLAG(
    std::vector<std::string>, allowed_client_ids, {},
    "OAuth clients whose tokens are good, ISSUER|ID or, of the first issuer, ID; empty: all. A token whose client "
    "cannot be told is refused");
ABSL_FLAG(
    std::string, profile, auth_service::Config().profile,
    "what the claims of a caller are made of: token; userinfo: the token and the userinfo endpoint; or logto: the "
    "token and Logto's user directory");
ABSL_FLAG(std::string, logto_endpoint, "",
          "address of the Logto tenant; empty: the first of --issuers without its /oidc");
ABSL_FLAG(std::string, logto_api_resource, auth_service::Config().logto_api_resource,
          "indicator of the tenant's Management API");
ABSL_FLAG(std::string, logto_client_id_file, "",
          "file with the client id of a machine-to-machine application that may use the Management API");
ABSL_FLAG(std::string, logto_client_secret_file, "", "file with the secret of that application");
ABSL_FLAG(std::vector<std::string>, scope_claims, {},
          "claims of the directory that a scope lets out, SCOPE=CLAIM+CLAIM with commas between them; adds to what "
          "Logto's own scopes let out");
ABSL_FLAG(std::string, registration, auth_service::Config().registration,
          "off, or logto: clients may register themselves, and become third-party applications of the tenant");
ABSL_FLAG(std::vector<std::string>, registration_user_scopes, auth_service::Config().registration_user_scopes,
          "scopes about the user that such clients may ask for");
ABSL_FLAG(std::vector<std::string>, registration_resource_scope_ids, {},
          "scopes of API resources that such clients may ask for, by id or NAME=ID");
ABSL_FLAG(std::string, registration_token_file, "",
          "file with the initial access token that a registration needs; empty: none is needed");
ABSL_FLAG(std::vector<std::string>, registration_allowed_hosts, {},
          "hosts that the redirect URIs of such clients may have; empty: any");
ABSL_FLAG(int32_t, registrations_per_hour, auth_service::Config().registrations_per_hour,
          "how many clients are registered within an hour");
ABSL_FLAG(int32_t, registrations_per_hour_per_address, auth_service::Config().registrations_per_hour_per_address,
          "how many of them from one address");
ABSL_FLAG(absl::Duration, clock_skew, auth_service::Config().clock_skew,
          "how far the issuer's clock may differ from this one");
ABSL_FLAG(absl::Duration, provider_timeout, auth_service::Config().provider_timeout, "for one request to the provider");
ABSL_FLAG(int32_t, provider_concurrency, auth_service::Config().provider_concurrency,
          "how many requests of one kind an issuer is sent at once");
ABSL_FLAG(int32_t, provider_failures_to_open, auth_service::Config().provider_failures_to_open,
          "after how many failures in a row an endpoint is left alone, for 0.5 s to 10 s");
ABSL_FLAG(int32_t, opaque_refusals_per_second, auth_service::Config().opaque_refusals_per_second,
          "how many unknown opaque tokens the provider may be asked about and refuse each second");
ABSL_FLAG(std::vector<std::string>, provider_hosts, {},
          "hosts that a provider's metadata may send this service to, beside the issuer's own");
ABSL_FLAG(std::string, provider_ca_file, "",
          "PEM file of the certificate authorities to trust for the provider; empty: the system's");
ABSL_FLAG(absl::Duration, metadata_refresh_interval, auth_service::Config().metadata_refresh_interval,
          "how often the provider's metadata and keys are fetched again");
ABSL_FLAG(absl::Duration, verdict_ttl, auth_service::Config().verdict_ttl,
          "how long a good token is remembered, at most until it expires; 0 for not at all");
ABSL_FLAG(absl::Duration, negative_verdict_ttl, auth_service::Config().negative_verdict_ttl,
          "how long a refused token is remembered; 0 for not at all");
ABSL_FLAG(absl::Duration, stale_if_unavailable, auth_service::Config().stale_if_unavailable,
          "how much longer a good token is accepted while the provider cannot be asked, at most until it expires");
ABSL_FLAG(int32_t, verdict_cache_size, auth_service::Config().verdict_cache_size,
          "how many good tokens are remembered");

namespace auth_service {
namespace {

using common::CheckRange;

constexpr size_t kMaxIssuers = 16;
constexpr size_t kMaxResources = 1000;
constexpr size_t kMaxResourceBytes = 2048;

absl::Status CheckIssuers(const std::vector<std::string>& issuers) {
  if (issuers.empty() || issuers.size() > kMaxIssuers) {
    return absl::InvalidArgumentError(
        absl::StrCat("--issuers must be set to the issuer of your OIDC provider, like "
                     "--issuers=https://id.example.com/oidc, or to at most ",
                     kMaxIssuers, " with commas between them, got ", issuers.size()));
  }
  absl::flat_hash_set<std::string> seen;
  for (const std::string& issuer : issuers) {
    absl::Status status = ParseUrl(issuer).status();
    if (status.ok()) status = CheckProviderUrl(issuer, /*allow_loopback_http=*/true);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--issuers: each ", status.message(), ", got \"", issuer, "\""));
    }
    if (!seen.insert(issuer).second) {
      return absl::InvalidArgumentError(absl::StrCat("--issuers must not name \"", issuer, "\" twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckResources(const std::vector<std::string>& resources) {
  if (resources.empty() || resources.size() > kMaxResources) {
    return absl::InvalidArgumentError(
        absl::StrCat("--resources must name 1 to ", kMaxResources,
                     " protected resources, like --resources=https://mcp.example.com/mcp, "
                     "got ",
                     resources.size()));
  }
  absl::flat_hash_set<std::string> seen;
  for (const std::string& resource : resources) {
    if (resource.size() > kMaxResourceBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("--resources: each must have at most ", kMaxResourceBytes, " bytes, one has ", resource.size()));
    }
    if (const absl::Status status = CheckProviderUrl(resource, /*allow_loopback_http=*/true);
        !status.ok() && !ParseUrl(resource).ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--resources: each ", status.message(), ", got \"", resource, "\""));
    }
    if (!seen.insert(resource).second) {
      return absl::InvalidArgumentError(absl::StrCat("--resources must not name \"", resource, "\" twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckScopes(const std::vector<std::string>& scopes) {
  for (const std::string& scope : scopes) {
    if (!common::IsScopeToken(scope)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--scopes_supported must be scopes with commas between them, got \"", scope, "\""));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckChoice(absl::string_view flag, absl::string_view value, absl::Span<const absl::string_view> choices,
                         absl::string_view text) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " must be ", text, ", got \"", value, "\""));
}

absl::Status CheckFile(absl::string_view flag, const std::string& path) {
  if (path.empty() || access(path.c_str(), R_OK) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " must name a file that can be read, got \"", path, "\""));
}

absl::Status CheckSecretFile(absl::string_view flag, const std::string& path, absl::string_view what_for) {
  if (!path.empty()) return CheckFile(flag, path);
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " must name a file for ", what_for));
}

// What the Management API needs, for the setting `what_for`.
absl::Status CheckLogto(const Config& config, absl::string_view what_for) {
  const std::string address = config.LogtoAddress();
  if (address.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("--logto_endpoint must be set for ", what_for,
                                                   ", as the first of --issuers does not end in /oidc"));
  }
  absl::StatusOr<Url> url = ParseUrl(address);
  absl::Status status = url.status();
  if (status.ok()) status = CheckProviderUrl(address, /*allow_loopback_http=*/true);
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--logto_endpoint ", status.message(), ", got \"", address, "\""));
  }
  if (config.logto_api_resource.empty()) return absl::InvalidArgumentError("--logto_api_resource must not be empty");
  status = CheckSecretFile("logto_client_id_file", config.logto_client_id_file, what_for);
  status.Update(CheckSecretFile("logto_client_secret_file", config.logto_client_secret_file, what_for));
  return status;
}

absl::Status CheckRegistration(const Config& config) {
  absl::Status status = CheckUserScopes(config.registration_user_scopes);
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--registration_user_scopes ", status.message()));
  }
  status = ParseResourceScopes(config.registration_resource_scope_ids).status();
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--registration_resource_scope_ids ", status.message()));
  }
  for (const std::string& host : config.registration_allowed_hosts) {
    if (!IsWebHost(host)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--registration_allowed_hosts must be hosts in lower case without a port, got \"", host, "\""));
    }
  }
  status = CheckFile("registration_token_file", config.registration_token_file);
  if (status.ok() && !config.registration_token_file.empty()) {
    status = ReadInitialAccessToken(config.registration_token_file).status();
  }
  return status;
}

absl::Status CheckScopeClaims(const std::vector<std::string>& scope_claims) {
  const absl::Status status = ScopeClaims::Create(scope_claims).status();
  return status.ok() ? status : absl::InvalidArgumentError(absl::StrCat("--scope_claims ", status.message()));
}

absl::Status CheckIntrospection(const Config& config) {
  for (const auto& [flag, path] :
       {std::pair("introspection_client_id_file", &config.introspection_client_id_file),
        std::pair("introspection_client_secret_file", &config.introspection_client_secret_file)}) {
    if (config.opaque_tokens != "introspection") continue;
    if (path->empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--opaque_tokens=introspection needs --", flag, ": the provider answers known clients only"));
    }
    if (const absl::Status status = common::ReadSecretFile(flag, *path).status(); !status.ok()) {
      return absl::InvalidArgumentError(status.message());
    }
  }
  return absl::OkStatus();
}

// RFC 6749, appendix A.1.
absl::Status CheckClientIds(const std::vector<std::string>& client_ids, const std::vector<std::string>& issuers) {
  for (const std::string& client_id : client_ids) {
    const bool valid = !client_id.empty() && client_id.size() <= kMaxResourceBytes &&
                       std::all_of(client_id.begin(), client_id.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
    if (!valid) {
      return absl::InvalidArgumentError(
          absl::StrCat("--allowed_client_ids must be client ids with commas between them, got \"", client_id, "\""));
    }
    const size_t bar = client_id.find('|');
    if (bar == std::string::npos) continue;
    if (bar + 1 == client_id.size() || std::count(issuers.begin(), issuers.end(), client_id.substr(0, bar)) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--allowed_client_ids must be ids, or ISSUER|ID with one of --issuers, got \"", client_id, "\""));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Config::Validate() const {
  for (const absl::Status& status : {
           CheckIssuers(issuers),
           CheckResources(resources),
           CheckScopes(scopes_supported),
           CheckChoice("opaque_tokens", opaque_tokens, {"refuse", "userinfo", "introspection"},
                       "refuse, userinfo or introspection"),
           CheckIntrospection(*this),
           CheckClientIds(allowed_client_ids, issuers),
           CheckChoice("profile", profile, {"token", "userinfo", "logto"}, "token, userinfo or logto"),
           CheckScopeClaims(scope_claims),
           CheckChoice("registration", registration, {"off", "logto"}, "off or logto"),
           CheckRegistration(*this),
           CheckRange("registrations_per_hour", registrations_per_hour, 1, 10'000),
           CheckRange("registrations_per_hour_per_address", registrations_per_hour_per_address, 1, 10'000),
           CheckRange("clock_skew", clock_skew, absl::ZeroDuration(), absl::Minutes(5)),
           CheckRange("provider_timeout", provider_timeout, absl::Milliseconds(10), absl::Minutes(1)),
           CheckRange("provider_concurrency", provider_concurrency, 1, 1000),
           CheckRange("provider_failures_to_open", provider_failures_to_open, 1, 1000),
           CheckRange("opaque_refusals_per_second", opaque_refusals_per_second, 1, 100'000),
           CheckProviderHosts(provider_hosts),
           CheckFile("provider_ca_file", provider_ca_file),
           CheckRange("metadata_refresh_interval", metadata_refresh_interval, absl::Seconds(1), absl::Hours(24)),
           CheckRange("verdict_ttl", verdict_ttl, absl::ZeroDuration(), absl::Hours(1)),
           CheckRange("negative_verdict_ttl", negative_verdict_ttl, absl::ZeroDuration(), absl::Minutes(1)),
           CheckRange("stale_if_unavailable", stale_if_unavailable, absl::ZeroDuration(), absl::Hours(1)),
           CheckRange("verdict_cache_size", verdict_cache_size, 0, 10'000'000),
           CheckRange("port", port, 0, 65535),
           CheckRange("admin_port", admin_port, 0, 65535),
           CheckRange("shutdown_grace", shutdown_grace, absl::ZeroDuration(), absl::Hours(1)),
           common::CheckLogSeverity(log_severity),
       }) {
    if (!status.ok()) return status;
  }
  if (profile == "logto") {
    if (const absl::Status status = CheckLogto(*this, "--profile=logto"); !status.ok()) return status;
  }
  if (registration == "logto") {
    if (const absl::Status status = CheckLogto(*this, "--registration=logto"); !status.ok()) return status;
  }
  if (host.empty()) return absl::InvalidArgumentError("--host must not be empty");
  if (admin_host.empty()) return absl::InvalidArgumentError("--admin_host must not be empty");
  if (port != 0 && port == admin_port) {
    return absl::InvalidArgumentError(absl::StrCat("--port and --admin_port must differ, both are ", port));
  }
  return absl::OkStatus();
}

std::string Config::LogtoAddress() const {
  if (!logto_endpoint.empty()) return std::string(absl::StripSuffix(logto_endpoint, "/"));
  if (issuers.empty() || !absl::EndsWith(issuers.front(), "/oidc")) return "";
  return std::string(absl::StripSuffix(issuers.front(), "/oidc"));
}

common::Severity Config::severity() const {
  return common::SeverityFromName(log_severity).value_or(common::Severity::kInfo);
}

Config ConfigFromFlags() {
  Config config;
  config.host = absl::GetFlag(FLAGS_host);
  config.port = absl::GetFlag(FLAGS_port);
  config.admin_host = absl::GetFlag(FLAGS_admin_host);
  config.admin_port = absl::GetFlag(FLAGS_admin_port);
  config.shutdown_grace = absl::GetFlag(FLAGS_shutdown_grace);
  config.log_severity = absl::GetFlag(FLAGS_log_severity);
  config.issuers = absl::GetFlag(FLAGS_issuers);
  config.resources = absl::GetFlag(FLAGS_resources);
  config.scopes_supported = absl::GetFlag(FLAGS_scopes_supported);
  config.opaque_tokens = absl::GetFlag(FLAGS_opaque_tokens);
  config.introspection_client_id_file = absl::GetFlag(FLAGS_introspection_client_id_file);
  config.introspection_client_secret_file = absl::GetFlag(FLAGS_introspection_client_secret_file);
  config.allowed_client_ids = absl::GetFlag(FLAGS_allowed_client_ids);
  config.profile = absl::GetFlag(FLAGS_profile);
  config.logto_endpoint = absl::GetFlag(FLAGS_logto_endpoint);
  config.logto_api_resource = absl::GetFlag(FLAGS_logto_api_resource);
  config.logto_client_id_file = absl::GetFlag(FLAGS_logto_client_id_file);
  config.logto_client_secret_file = absl::GetFlag(FLAGS_logto_client_secret_file);
  config.scope_claims = absl::GetFlag(FLAGS_scope_claims);
  config.registration = absl::GetFlag(FLAGS_registration);
  config.registration_user_scopes = absl::GetFlag(FLAGS_registration_user_scopes);
  config.registration_resource_scope_ids = absl::GetFlag(FLAGS_registration_resource_scope_ids);
  config.registration_token_file = absl::GetFlag(FLAGS_registration_token_file);
  config.registration_allowed_hosts = absl::GetFlag(FLAGS_registration_allowed_hosts);
  config.registrations_per_hour = absl::GetFlag(FLAGS_registrations_per_hour);
  config.registrations_per_hour_per_address = absl::GetFlag(FLAGS_registrations_per_hour_per_address);
  config.clock_skew = absl::GetFlag(FLAGS_clock_skew);
  config.provider_timeout = absl::GetFlag(FLAGS_provider_timeout);
  config.provider_concurrency = absl::GetFlag(FLAGS_provider_concurrency);
  config.provider_failures_to_open = absl::GetFlag(FLAGS_provider_failures_to_open);
  config.opaque_refusals_per_second = absl::GetFlag(FLAGS_opaque_refusals_per_second);
  config.provider_hosts = absl::GetFlag(FLAGS_provider_hosts);
  config.provider_ca_file = absl::GetFlag(FLAGS_provider_ca_file);
  config.metadata_refresh_interval = absl::GetFlag(FLAGS_metadata_refresh_interval);
  config.verdict_ttl = absl::GetFlag(FLAGS_verdict_ttl);
  config.negative_verdict_ttl = absl::GetFlag(FLAGS_negative_verdict_ttl);
  config.stale_if_unavailable = absl::GetFlag(FLAGS_stale_if_unavailable);
  config.verdict_cache_size = absl::GetFlag(FLAGS_verdict_cache_size);
  return config;
}

}  // namespace auth_service
