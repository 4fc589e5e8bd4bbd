// What the provider says to an authorization request of a client (RFC 6749, RFC 8707), as far as can be seen without a
// user: requests with `prompt=none`, whose redirects are looked at and not followed. No code is ever issued.

#ifndef GATEHOUSE_AUTH_SERVICE_DOCTOR_CLIENT_CHECKS_H_
#define GATEHOUSE_AUTH_SERVICE_DOCTOR_CLIENT_CHECKS_H_

#include <string>
#include <vector>

#include "auth_service/doctor/finding.h"
#include "auth_service/doctor/probe.h"

namespace auth_service {

struct ClientQuestion {
  std::string authorization_endpoint;
  std::string client_id;
  std::string redirect_uri;
  std::string resource;
  std::vector<std::string> scopes;
};

// The checks client (known, with this redirect URI), resource (registered, byte for byte) and consent (the client may
// ask for these scopes).
Findings CheckClient(Probe& probe, const ClientQuestion& question);

// For whoever found that the provider does not know `resource`.
std::string ResourceAdvice(const std::string& resource);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_DOCTOR_CLIENT_CHECKS_H_
