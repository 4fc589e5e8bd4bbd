// Which arguments of a tool a client repeats in HTTP headers, as its input schema says with `x-mcp-header`
// (MCP 2026-07-28, server/tools and streamable HTTP).

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_HEADER_PARAMETERS_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_HEADER_PARAMETERS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "mcp_edge/catalog/catalog.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

// Those of `input_schema`, a JSON object, ordered by their paths.
//
// Errors: kInvalidArgument, for the author of the tool: a name is no token (RFC 9110, section 5.6.2) of at most 64
// characters, or is given twice, whatever the case; an annotated property is not of type string, integer or boolean, or
// cannot be reached from the root by `properties` alone; or there are more than 32.
absl::StatusOr<std::vector<HeaderParameter>> TakeHeaderParameters(const nlohmann::json& input_schema);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_HEADER_PARAMETERS_H_
