// Reads a small YAML file into a tree that knows its lines, so that what is wrong with it can be said with the place.
// Knows nothing of what the file is about.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_YAML_TREE_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_YAML_TREE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {

struct YamlMember;

struct YamlNode {
  enum class Kind { kNull, kText, kList, kMapping };

  Kind kind = Kind::kNull;
  // Where it begins, from 1.
  int line = 1;
  std::string text = {};                 // of kText; numbers and booleans are text, too
  std::vector<YamlNode> items = {};      // of kList
  std::vector<YamlMember> members = {};  // of kMapping, in their order

  // The member of that name; null: there is none.
  const YamlMember* Find(absl::string_view name) const;
};

struct YamlMember {
  std::string name;
  int line = 1;
  YamlNode value;
};

// Nodes of a file at most, and lists and mappings within each other.
inline constexpr size_t kMaxYamlNodes = 200'000;
inline constexpr size_t kMaxYamlDepth = 8;

// Parses one document; a file without any is null. Names of a mapping are texts and unique; anchors, aliases and
// further documents are refused, so that nothing is expanded. `file_name` is for messages.
//
// Errors: kInvalidArgument, with file, line and the rule that is broken.
absl::StatusOr<YamlNode> ParseYaml(absl::string_view yaml, absl::string_view file_name);

// That error, for what a file says at `line`.
absl::Status YamlError(absl::string_view file_name, int line, absl::string_view what);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_YAML_TREE_H_
