// A user as Logto's Management API tells of them (`GET /api/users/{id}`), in the claims of OpenID Connect.

#ifndef GATEHOUSE_AUTH_SERVICE_LOGTO_LOGTO_USER_H_
#define GATEHOUSE_AUTH_SERVICE_LOGTO_LOGTO_USER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace auth_service {

struct LogtoUser {
  struct Claim {
    std::string name;
    std::string json;  // its value, one JSON text
  };
  bool suspended = false;
  // Every claim that is known of the user, in a fixed order, each once: all of IsDirectoryClaim() but those of the
  // profile that the user has not set. Whoever passes them on chooses.
  std::vector<Claim> claims;
};

// Whether a user can have a claim of this name: the claims that Logto's userinfo endpoint gives for the scopes profile,
// email, phone, address, custom_data and identities. `sub` and other claims about the token are not among them.
bool IsDirectoryClaim(absl::string_view name);

// The names of all of them, for messages.
std::string DirectoryClaims();

// Reads the answer to `GET /api/users/{id}`. Values are those that userinfo would give: times in milliseconds,
// `preferred_username` falls back to `username`, what is not set is null, and `email_verified` says that there is an
// email address, no more (so for `phone_number_verified`).
//
// Errors: kUnavailable, it is not the entry of the user `id`, or no such entry at all.
absl::StatusOr<LogtoUser> ParseLogtoUser(absl::string_view body, absl::string_view id);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_LOGTO_LOGTO_USER_H_
