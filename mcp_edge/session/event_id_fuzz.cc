// Whatever Last-Event-ID says, what is taken for an event id is one that would be written the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mcp_edge/session/event_id.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto id = mcp_edge::ParseEventId(text);
  if (id.has_value() && mcp_edge::FormatEventId(*id) != text) std::abort();
  return 0;
}
