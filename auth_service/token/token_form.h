// Tells the forms of bearer tokens apart, and takes a JWT into its parts. Trusts nothing of what it reads.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_TOKEN_FORM_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_TOKEN_FORM_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace auth_service {

inline constexpr size_t kMaxTokenBytes = 8192;

enum class TokenForm {
  kMalformed,  // not of the characters that a bearer token may have (token68: RFC 6750, section 2.1), or of no length
  kJwt,        // three parts, of which the first is a JSON object in base64url (RFC 7515, section 7.1)
  kOpaque,     // anything else
};

TokenForm FormOf(absl::string_view token);

// The three parts of a compact-serialized JWS, still encoded.
struct JwsParts {
  absl::string_view header;
  absl::string_view payload;
  absl::string_view signature;
};

// Nothing unless `token` has exactly two dots.
std::optional<JwsParts> SplitJws(absl::string_view token);

// Decodes base64url without padding (RFC 7515, appendix C); nothing if there is any other character, or a length that
// no bytes have.
std::optional<std::string> DecodeBase64Url(absl::string_view text);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_TOKEN_FORM_H_
