// Whether the issuer's published keys can verify tokens (RFC 7517).

#ifndef GATEHOUSE_AUTH_SERVICE_DOCTOR_KEY_CHECKS_H_
#define GATEHOUSE_AUTH_SERVICE_DOCTOR_KEY_CHECKS_H_

#include <string>

#include "auth_service/doctor/finding.h"
#include "auth_service/doctor/probe.h"
#include "auth_service/provider/key_set.h"

namespace auth_service {

struct CheckedKeys {
  Finding finding;
  Keys keys;  // those that auth_service would use
};

// Fetches and judges the JWK Set at `jwks_uri`.
CheckedKeys CheckKeys(Probe& probe, const std::string& jwks_uri);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_DOCTOR_KEY_CHECKS_H_
