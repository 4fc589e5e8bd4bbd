// Whatever the bytes, decoding ends, and what it gives is UTF-8.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "common/json_text.h"
#include "mcp_edge/protocol/header_value.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view value = mcp_edge::TrimHeaderValue({reinterpret_cast<const char*>(data), size});
  const auto decoded = mcp_edge::DecodeHeaderValue(value);
  if (decoded.ok() && !common::IsUtf8(*decoded)) std::abort();
  return 0;
}
