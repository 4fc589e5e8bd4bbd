#include "auth_service/registration/initial_access_token.h"

#include "absl/strings/str_cat.h"
#include "common/secret_file.h"

namespace auth_service {

absl::StatusOr<std::string> ReadInitialAccessToken(const std::string& file_name) {
  absl::StatusOr<std::string> token = common::ReadSecretFile("registration_token_file", file_name);
  if (!token.ok() || token->size() >= kMinInitialAccessTokenBytes) return token;
  return absl::InvalidArgumentError(
      absl::StrCat("the file of --registration_token_file ", file_name, " must hold a token of at least ",
                   kMinInitialAccessTokenBytes, " bytes, got ", token->size(), "; make one with openssl rand -hex 16"));
}

}  // namespace auth_service
