// The settings of auth_service, and the flags that they come from. README.md has the table.

#ifndef GATEHOUSE_AUTH_SERVICE_CONFIG_H_
#define GATEHOUSE_AUTH_SERVICE_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/log.h"

namespace auth_service {

struct Config {
  // Where to serve gRPC; port 0 takes a free one.
  std::string host = "127.0.0.1";
  int port = 50051;
  // Where to serve /livez, /readyz and /metrics.
  std::string admin_host = "127.0.0.1";
  int admin_port = 9091;
  // How long calls under way may go on after SIGTERM.
  absl::Duration shutdown_grace = absl::Seconds(20);
  // One of debug, info, warning, error.
  std::string log_severity = "info";

  // The issuer identifiers of the OIDC providers whose tokens are good here: https, or http on loopback. The first is
  // the one that opaque tokens, userinfo and the directory belong to, and without which this service is not ready.
  std::vector<std::string> issuers;
  // The protected resources that tokens may be for, byte for byte as clients ask for them.
  std::vector<std::string> resources;
  // What the protected resource metadata lists as `scopes_supported`.
  std::vector<std::string> scopes_supported = {"openid", "profile", "email"};
  // "refuse", or ask the first issuer's "userinfo" or "introspection" endpoint. An opaque token names no audience.
  std::string opaque_tokens = "refuse";
  // Files with the credentials that introspection is asked with.
  std::string introspection_client_id_file;
  std::string introspection_client_secret_file;
  // The OAuth clients whose tokens are good; empty: all.
  std::vector<std::string> allowed_client_ids;
  // What the claims of a principal are made of: "token", the token alone; "userinfo", completed from the first
  // issuer's userinfo endpoint; "logto", from Logto's user directory.
  std::string profile = "token";
  // Of the Logto tenant: its address (empty: the first issuer without "/oidc"), the indicator of its Management API,
  // and files with the credentials of a machine-to-machine application. Needed for profile "logto".
  std::string logto_endpoint;
  std::string logto_api_resource = "https://default.logto.app/api";
  std::string logto_client_id_file;
  std::string logto_client_secret_file;
  // Which claims of the directory a scope lets out: each "SCOPE=CLAIM+CLAIM". See logto/scope_claims.h.
  std::vector<std::string> scope_claims;
  // Whether clients of third parties may be registered: "off", or "logto": as applications of the tenant.
  std::string registration = "off";
  // The scopes about the user, and those of API resources by id or NAME=ID, that such clients may ask for.
  std::vector<std::string> registration_user_scopes = {"profile", "email"};
  std::vector<std::string> registration_resource_scope_ids;
  // File with the initial access token that a registration needs; empty: none.
  std::string registration_token_file;
  // The hosts that redirect URIs may have; empty: any.
  std::vector<std::string> registration_allowed_hosts;
  // How many clients are registered within an hour, in all and from one address.
  int registrations_per_hour = 60;
  int registrations_per_hour_per_address = 10;
  // How far the clocks of this service and the issuer may differ.
  absl::Duration clock_skew = absl::Seconds(30);
  // For one request to the provider.
  absl::Duration provider_timeout = absl::Seconds(5);
  // How many requests of one kind an issuer is sent at once; how many failures in a row make it be left alone for a
  // moment; how many refusals of unknown opaque tokens it may cost a second.
  int provider_concurrency = 64;
  int provider_failures_to_open = 10;
  int opaque_refusals_per_second = 100;
  // Hosts besides its issuer's own that the endpoints of a provider may be at.
  std::vector<std::string> provider_hosts;
  // PEM file of the certificate authorities to trust for the provider in place of the system's; empty: the system's.
  std::string provider_ca_file;
  // How often metadata and keys are fetched again.
  absl::Duration metadata_refresh_interval = absl::Minutes(5);
  // How long a principal, and a refusal, are remembered; zero: not at all. Never past the token's expiry.
  absl::Duration verdict_ttl = absl::Seconds(60);
  absl::Duration negative_verdict_ttl = absl::Seconds(5);
  // How much longer a principal may be used while the provider cannot be asked; never past the token's expiry.
  absl::Duration stale_if_unavailable = absl::ZeroDuration();
  // How many principals are remembered.
  int verdict_cache_size = 100'000;

  // Names the flag, the rule and the value.
  absl::Status Validate() const;

  // The address of the Logto tenant, without a slash at the end; empty if none is told and the first issuer has none.
  std::string LogtoAddress() const;

  // Of a valid log_severity.
  common::Severity severity() const;
};

// The settings as the flags have them. Call after common::ParseFlags().
Config ConfigFromFlags();

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_CONFIG_H_
