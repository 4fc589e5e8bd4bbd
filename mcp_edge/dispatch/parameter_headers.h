// Checks the headers that repeat arguments of a tool (`Mcp-Param-*`; MCP 2026-07-28, Streamable HTTP).

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_PARAMETER_HEADERS_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_PARAMETER_HEADERS_H_

#include <optional>
#include <vector>

#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/protocol/wire_error.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

// Each of `parameters` that `arguments`, an object, has with another value than null must be repeated by its header;
// one that it does not have must not be. Numbers are compared as such, "42.0" is 42. Arguments that are no string,
// number or boolean are left to the schema. Nothing: all well.
std::optional<RpcError> CheckParameterHeaders(const MirrorHeaders& headers,
                                              const std::vector<HeaderParameter>& parameters,
                                              const nlohmann::json& arguments);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_PARAMETER_HEADERS_H_
