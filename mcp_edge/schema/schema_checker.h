// Holds values against compiled schemas. For use in this folder only.

#ifndef GATEHOUSE_MCP_EDGE_SCHEMA_SCHEMA_CHECKER_H_
#define GATEHOUSE_MCP_EDGE_SCHEMA_SCHEMA_CHECKER_H_

#include <optional>
#include <string>

#include "mcp_edge/schema/schema_node.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

// See JsonSchema::Check. `value` is at most kMaxJsonDepth deep.
std::optional<std::string> CheckValue(const SchemaNode& schema, const nlohmann::json& value);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SCHEMA_SCHEMA_CHECKER_H_
