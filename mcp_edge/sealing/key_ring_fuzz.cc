// Whatever the file holds, ParseKeyRing returns, and what it accepts can seal.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mcp_edge/sealing/key_ring.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto keys = mcp_edge::ParseKeyRing({reinterpret_cast<const char*>(data), size}, "keys");
  if (!keys.ok()) return 0;
  if (keys->empty() || keys->size() > mcp_edge::kMaxSealingKeys) std::abort();
  for (const mcp_edge::SealingKey& key : *keys) {
    if (key.secret.size() != mcp_edge::kSealingKeyBytes || key.id.empty()) std::abort();
  }
  return 0;
}
