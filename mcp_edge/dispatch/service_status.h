// What clients are told when a tool service answers with a status rather than a result: the table in tool.proto.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_SERVICE_STATUS_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_SERVICE_STATUS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "mcp_edge/protocol/wire_error.h"

namespace mcp_edge {

// The text for the caller, who can act upon it, at most 4 KiB. Nothing: the status is the edge's or the service's
// fault, and its message no business of anybody outside.
std::optional<std::string> TextForCaller(const absl::Status& status);

// The error for a status without such a text.
RpcError ServiceFault(const absl::Status& status);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_SERVICE_STATUS_H_
