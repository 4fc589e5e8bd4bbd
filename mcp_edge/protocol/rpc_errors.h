// Errors that say more than their kind: what went wrong, in `data`, as each version has it.

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_RPC_ERRORS_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_RPC_ERRORS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "mcp_edge/protocol/version.h"
#include "mcp_edge/protocol/wire_error.h"

namespace mcp_edge {

// -32602. `problem`: one short sentence for the client.
RpcError InvalidParamsError(absl::string_view problem);

// There is no resource `uri`: -32602 in 2026-07-28, -32002 before.
RpcError ResourceNotFoundError(absl::string_view uri, ProtocolVersion version);

// The capability of a client that knows the tasks extension, for MissingCapabilityError.
inline constexpr char kTasksCapability[] = R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})";

// -32021. `required_json`: a ClientCapabilities object with all that is needed.
RpcError MissingCapabilityError(absl::string_view required_json);

// -32022, with what is served.
RpcError UnsupportedVersionError(absl::string_view requested);

// -32042 (2025-11-25 only): the user must open each of these URLs before the request is made again.
// `elicitations_json`: params of elicitation/create with mode "url", as RenderClientRequest gives them.
RpcError UrlElicitationRequiredError(const std::vector<std::string>& elicitations_json);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_RPC_ERRORS_H_
