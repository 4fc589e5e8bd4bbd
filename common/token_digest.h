// A token's fingerprint, by which caches know it without keeping it.

#ifndef GATEHOUSE_COMMON_TOKEN_DIGEST_H_
#define GATEHOUSE_COMMON_TOKEN_DIGEST_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace common {

using TokenDigest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4) of `token`, a zero byte and `resource`: two resources never share a verdict.
TokenDigest DigestToken(absl::string_view token, absl::string_view resource);

}  // namespace common

#endif  // GATEHOUSE_COMMON_TOKEN_DIGEST_H_
