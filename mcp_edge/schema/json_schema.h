// JSON Schema (2020-12), for the arguments and results of tools. docs/adr/0007-json-schema-validator.md says what is
// covered and why it is our own.

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

  // `schema_json`: a JSON Schema within the bounds of tool.proto. Nothing is ever fetched. `format` and the keywords
  // about contents check nothing.
  //
  // Errors: kInvalidArgument, for the author of the tool: it is no schema, or names a dialect or a reference that
  // cannot be resolved here, or has a `pattern` that may take more than linear time, or is too large (10,000
  // subschemas, URIs of 2 KiB and 256 KiB together).
  static absl::StatusOr<std::shared_ptr<const JsonSchema>> Compile(absl::string_view schema_json);

  // What is wrong with the JSON text `instance_json`, for a model to mend: where and why, the first three faults, at
  // most 512 bytes ("/count: must be at most 100, not 101; /name: is required"). Nothing: it is valid. Takes a bounded
  // amount of work whatever schema and instance are: about a second of processor time with patterns that are made for
  // it, else some tenths of one. A schema that asks for an object and no more does not look further than that: the text
  // must be known to be JSON.
  virtual std::optional<std::string> Check(absl::string_view instance_json) const = 0;
};

// Compiles the schemas of one catalogue: each distinct text and each distinct pattern once, and all of them together
// within bounds, so that no tool service can make the edge compile for long or keep much. Not thread-safe.
class SchemaCompiler {
 public:
  SchemaCompiler();
  ~SchemaCompiler();

  // As JsonSchema::Compile.
  //
  // Errors: also kInvalidArgument when all schemas together have more than 100,000 subschemas, the refused
  // schemas' too, 1,000 patterns or 1,000,000 instructions of patterns.
  absl::StatusOr<std::shared_ptr<const JsonSchema>> Compile(absl::string_view schema_json);

 private:
  class State;
  const std::unique_ptr<State> state_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SCHEMA_JSON_SCHEMA_H_
