// Regular expressions of JSON Schema (ECMA-262 with its `u` flag), matched in linear time by RE2.

#ifndef GATEHOUSE_MCP_EDGE_SCHEMA_PATTERN_H_
#define GATEHOUSE_MCP_EDGE_SCHEMA_PATTERN_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {

// A pattern, ready to be used. Immutable and thread-safe.
class Pattern {
 public:
  virtual ~Pattern() = default;

  // Errors: kInvalidArgument, for the author of the schema: it is no pattern; or it is one that takes more than linear
  // time (look-ahead, look-behind, references to groups), repeats more than 1,000 times, is longer than 4 KiB or too
  // large once compiled; or it uses a Unicode property other than a general category or a script.
  static absl::StatusOr<std::shared_ptr<const Pattern>> Compile(absl::string_view ecmascript);

  // Whether it matches anywhere in `text`, which is UTF-8.
  virtual bool Finds(absl::string_view text) const = 0;

  // How large it is, in the instructions of the machine that runs it.
  virtual size_t size() const = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SCHEMA_PATTERN_H_
