// The keys that seal what clients keep, as an operator writes them down.

#ifndef GATEHOUSE_MCP_EDGE_SEALING_KEY_RING_H_
#define GATEHOUSE_MCP_EDGE_SEALING_KEY_RING_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {

inline constexpr size_t kSealingKeyBytes = 32;
inline constexpr size_t kMaxSealingKeyIdLength = 32;
inline constexpr size_t kMaxSealingKeys = 16;

struct SealingKey {
  // 1 to 32 characters of [A-Za-z0-9_.-]; not secret.
  std::string id;
  // 32 bytes.
  std::string secret;

  friend bool operator==(const SealingKey&, const SealingKey&) = default;
};

// The first one seals, all of them open: so a new key is added at the end everywhere, then moved to the front
// everywhere, and the old one goes when what it sealed has expired. Never empty.
using KeyRing = std::vector<SealingKey>;

// Reads the text of a key file: a line for each key, its id and its 32 bytes in base64 (`openssl rand -base64 32`) with
// blanks between; empty lines, and those that begin with "#", count for nothing. At most 16 keys.
//
// Errors: kInvalidArgument, naming `file_name`, the line and the rule, and never what the line holds.
absl::StatusOr<KeyRing> ParseKeyRing(absl::string_view text, absl::string_view file_name);

// Reads the file, of at most 64 KiB. Errors: as above, and those of common::ReadFile.
absl::StatusOr<KeyRing> ReadKeyRing(const std::string& file_name);

// One random key, for a process that shares its sealed things with no other.
KeyRing RandomKeyRing();

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SEALING_KEY_RING_H_
