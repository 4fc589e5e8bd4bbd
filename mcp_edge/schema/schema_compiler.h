// From the JSON of a schema to nodes. For use in this folder only.

#ifndef GATEHOUSE_MCP_EDGE_SCHEMA_SCHEMA_COMPILER_H_
#define GATEHOUSE_MCP_EDGE_SCHEMA_SCHEMA_COMPILER_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/schema/pattern.h"
#include "mcp_edge/schema/schema_node.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

// What the schemas of one catalogue share.
struct SchemaLimits {
  // Subschemas of one schema.
  size_t subschemas = 10'000;
  // Those of all schemas, with the ones that are refused: counted up here.
  size_t& subschemas_in_all;
  // Values of `const` and `enum` with all that is in them, as HashOf counts. The number of bytes of the schema is
  // enough for each that holds none of the others; references can make schemas of values, which then do.
  size_t values = 0;
  // Where patterns come from.
  std::function<absl::StatusOr<std::shared_ptr<const Pattern>>(absl::string_view)> compile_pattern;
};

// Compiles `schema`, which is read while this runs only.
//
// Errors: kInvalidArgument, where and why it is no schema of 2020-12, or none that can be used here.
absl::StatusOr<SchemaGraph> CompileSchema(const nlohmann::json& schema, const SchemaLimits& limits);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SCHEMA_SCHEMA_COMPILER_H_
