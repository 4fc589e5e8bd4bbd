// JSON Schema (2020-12), for the arguments and results of tools. docs/adr says which library carries it and what it
// covers.

#ifndef GATEHOUSE_MCP_EDGE_SCHEMA_JSON_SCHEMA_H_
#define GATEHOUSE_MCP_EDGE_SCHEMA_JSON_SCHEMA_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {

// A schema, ready to be used. Immutable and thread-safe.
class JsonSchema {
 public:
  virtual ~JsonSchema() = default;

  // `schema_json`: a JSON Schema object within the bounds of tool.proto. Nothing is ever fetched.
  //
  // Errors: kInvalidArgument, for the author of the tool: it is no schema, or names a dialect or a reference that
  // cannot be resolved here.
  static absl::StatusOr<std::shared_ptr<const JsonSchema>> Compile(absl::string_view schema_json);

  // What is wrong with the JSON text `instance_json`, for a model to mend: where and why, at most 512 bytes
  // ("/count: must be at most 100, not 101"). Nothing: it is valid. Takes a bounded amount of work.
  virtual std::optional<std::string> Check(absl::string_view instance_json) const = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SCHEMA_JSON_SCHEMA_H_
