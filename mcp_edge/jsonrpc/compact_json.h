// JSON text that only passes through: checked and put on one line, without a document being built.

#ifndef GATEHOUSE_MCP_EDGE_JSONRPC_COMPACT_JSON_H_
#define GATEHOUSE_MCP_EDGE_JSONRPC_COMPACT_JSON_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/jsonrpc/json_scanner.h"

namespace mcp_edge {

// Checks that `text` is what ReadJson accepts, with the same limits, and appends it to `out` on one line: without the
// white space between its tokens, else byte for byte. On an error `out` may have grown by a part of it.
//
// Errors: kInvalidArgument, as ReadJson.
absl::Status AppendCompactJson(absl::string_view text, std::string& out, size_t max_depth = kMaxJsonDepth);

// The same as a text of its own.
absl::StatusOr<std::string> CompactJson(absl::string_view text, size_t max_depth = kMaxJsonDepth);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_JSONRPC_COMPACT_JSON_H_
