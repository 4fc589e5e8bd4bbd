// What the provider's metadata says, and whether that is enough for MCP clients and for Gatehouse (OpenID Connect
// Discovery 1.0, RFC 8414, RFC 9207, and the MCP specification's part on authorization).

#ifndef GATEHOUSE_AUTH_SERVICE_DOCTOR_METADATA_CHECKS_H_
#define GATEHOUSE_AUTH_SERVICE_DOCTOR_METADATA_CHECKS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth_service/doctor/finding.h"
#include "auth_service/doctor/probe.h"
#include "common/clock.h"
#include "nlohmann/json_fwd.hpp"

namespace auth_service {

struct Discovered {
  Findings findings;  // of the checks discovery, issuer and clock
  // The document to go on with: one JSON object. Empty: there is none.
  std::string document_json;
  // Whether it is the issuer's own. Nothing but the document itself may be looked at otherwise: its endpoints could be
  // anybody's.
  bool trusted = false;
  bool is_internal = false;  // whether the document came from an address that is not of the internet at large
};

// Asks for the metadata of `issuer` in every form that the standards name. `clock_skew`: what auth_service tolerates.
Discovered CheckDiscovery(Probe& probe, const std::string& issuer, absl::Duration clock_skew,
                          const common::Clock& clock);

// The endpoints that are needed, over https, at the issuer's host or one of `provider_hosts`.
Finding CheckEndpoints(const nlohmann::json& document, absl::string_view issuer,
                       const std::vector<std::string>& provider_hosts = {});

// The authorization code grant, and what else MCP clients use.
Finding CheckGrants(const nlohmann::json& document);

// MCP clients must refuse a provider that does not announce PKCE with S256.
Finding CheckPkce(const nlohmann::json& document);

// `iss` in the authorization response (RFC 9207), which defends clients of several providers against mix-up.
Finding CheckIssParameter(const nlohmann::json& document);

// How an agent that nobody knows beforehand can become a client. `edge_registers`: whether Gatehouse offers it itself.
Finding CheckRegistration(const nlohmann::json& document, bool edge_registers);

// Whether the provider knows the scopes that the protected resource metadata will name.
Finding CheckScopes(const nlohmann::json& document, const std::vector<std::string>& scopes);

// What the edge publishes for `resource` (RFC 9728). `registers`, if not null, is set to whether the edge's own
// authorization server metadata offers registration.
Finding CheckEdge(Probe& probe, const std::string& issuer, const std::string& resource, bool* registers);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_DOCTOR_METADATA_CHECKS_H_
