// The initial access token that closes the registration to strangers (RFC 7591, section 3).

#ifndef GATEHOUSE_AUTH_SERVICE_REGISTRATION_INITIAL_ACCESS_TOKEN_H_
#define GATEHOUSE_AUTH_SERVICE_REGISTRATION_INITIAL_ACCESS_TOKEN_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace auth_service {

// A shorter one could be guessed.
inline constexpr size_t kMinInitialAccessTokenBytes = 16;

// The token in the file of --registration_token_file, which is read each time.
//
// Errors: as common::ReadSecretFile() has them, and kInvalidArgument, it is too short. The message holds nothing of it.
absl::StatusOr<std::string> ReadInitialAccessToken(const std::string& file_name);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_REGISTRATION_INITIAL_ACCESS_TOKEN_H_
