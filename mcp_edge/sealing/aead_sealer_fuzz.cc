// Whatever the text, Open returns, and opens nothing that Seal did not give.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "common/clock.h"
#include "mcp_edge/sealing/aead_sealer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const clock = new common::FakeClock;
  static const auto* const sealer =
      new mcp_edge::AeadSealer({{"a", std::string(mcp_edge::kSealingKeyBytes, 'k')}}, *clock);
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  // Nobody has seen the key, so nothing that comes from outside is sealed with it.
  if (sealer->Open(text, "binding").ok()) std::abort();
  const std::string sealed = sealer->Seal(text, text, clock->Now() + absl::Seconds(1));
  const auto opened = sealer->Open(sealed, text);
  if (!opened.ok() || *opened != text) std::abort();
  return 0;
}
