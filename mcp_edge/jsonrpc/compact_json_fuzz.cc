// Whatever the bytes, ReadJson and CompactJson accept what the reference does, and give the same document, the latter
// on one line.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mcp_edge/jsonrpc/compact_json.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/jsonrpc/testing/reference_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = mcp_edge::ReadJson(text);
  const auto expected = mcp_edge::ReadJsonByReference(text);
  const auto compact = mcp_edge::CompactJson(text);
  if (document.ok() != compact.ok() || document.ok() != expected.ok()) std::abort();
  if (!document.ok()) return 0;
  if (*document != *expected) std::abort();
  if (compact->find_first_of("\n\r\t") != std::string::npos) std::abort();
  const auto reread = mcp_edge::ReadJson(*compact);
  if (!reread.ok() || *reread != *document) std::abort();
  const auto again = mcp_edge::CompactJson(*compact);
  if (!again.ok() || *again != *compact) std::abort();
  return 0;
}
