// The file that says which tool services there are.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_TOOL_SERVICES_FILE_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_TOOL_SERVICES_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {

// One entry of the file.
struct ToolServiceConfig {
  // 1 to 63 characters of [a-z0-9-], for logs and metrics; unique in the file.
  std::string name;
  // Where it is: gRPC name syntax, see MakeChannel.
  std::string target;
  // Put before the name of each of its tools and prompts: up to 32 characters of [A-Za-z0-9_.-]. May be empty.
  std::string prefix;

  friend bool operator==(const ToolServiceConfig&, const ToolServiceConfig&) = default;
};

// Parses the YAML of a tool services file: one key `tool_services`, a list of mappings with the keys above, `prefix`
// optional. Unknown keys, aliases and anchors are refused. At most 1 MiB and 1,000 services. `file_name` is for
// messages.
//
// Errors: kInvalidArgument, with file, line, key and the rule that is broken.
absl::StatusOr<std::vector<ToolServiceConfig>> ParseToolServices(absl::string_view yaml, absl::string_view file_name);

// Reads a file of at most 1 MiB.
//
// Errors: kNotFound, kPermissionDenied or as errno has it, the file cannot be read; kInvalidArgument, it is too large,
// or not a regular file.
absl::StatusOr<std::string> ReadToolServicesFile(const std::string& file_name);

// What a file held when it was read.
struct ToolServicesFile {
  std::string content;
  std::vector<ToolServiceConfig> services;
};

// Reads and parses a file.
//
// Errors: those of the two functions above.
absl::StatusOr<ToolServicesFile> LoadToolServicesFile(const std::string& file_name);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_TOOL_SERVICES_FILE_H_
