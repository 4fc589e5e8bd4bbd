#include "common/token_digest.h"

#include <openssl/sha.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace common {

TokenDigest DigestToken(absl::string_view token, absl::string_view resource) {
  const std::string input = absl::StrCat(token, absl::string_view("\0", 1), resource);
  TokenDigest digest;
  SHA256(reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data());
  return digest;
}

}  // namespace common
