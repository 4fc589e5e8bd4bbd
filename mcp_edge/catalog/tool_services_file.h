// The file that says which tool services there are, and what callers need for what they offer.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_TOOL_SERVICES_FILE_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_TOOL_SERVICES_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/auth/scopes.h"
#include "mcp_edge/catalog/required_scopes.h"

namespace common {
class GrpcSecurity;
}

namespace mcp_edge {

// One entry of the file.
struct ToolServiceConfig {
  // 1 to 63 characters of [a-z0-9-], for logs and metrics; unique in the file.
  std::string name;
  // Where it is: gRPC name syntax, see MakeChannel.
  std::string target;
  // Put before the name of each of its tools and prompts: up to 32 characters of [A-Za-z0-9_.-]. May be empty.
  std::string prefix;
  // What counts in place of the scopes that the service asks for itself.
  RequiredScopes required_scopes = {};

  friend bool operator==(const ToolServiceConfig&, const ToolServiceConfig&) = default;
};

// What a file says.
struct ToolServicesFile {
  std::string content;
  std::vector<ToolServiceConfig> services;
  // Which scopes imply others, whoever asks for them.
  ScopeHierarchy implied_scopes;
};

// Parses the YAML of a tool services file. Its keys: `tool_services`, a list of mappings with the keys above, `prefix`
// and `required_scopes` optional; and, optional, `implied_scopes`, a mapping of scopes to lists of scopes.
//
// `required_scopes` is a mapping with the keys "tools", "prompts" and "resources", each a mapping of names to lists of
// sets (lists) of scopes: an empty list asks for nothing. Names are those that the service uses, URIs or URI templates
// for resources. The name "*" stands for all others of its kind, and the key "*" in the place of a kind for the name
// "*" of each kind that does not have it.
//
// Unknown keys, aliases and anchors are refused. At most 1 MiB, 1,000 services, 32 sets of 32 scopes for a name, and
// what ScopeHierarchy takes. `file_name` is for messages.
//
// Errors: kInvalidArgument, with file, line, key and the rule that is broken.
absl::StatusOr<ToolServicesFile> ParseToolServices(absl::string_view yaml, absl::string_view file_name);

// Whether all of them may be called as `security` has it.
//
// Errors: kInvalidArgument, with the name of one that may not, and the flag to set.
absl::Status CheckTargets(const std::vector<ToolServiceConfig>& services, const common::GrpcSecurity& security);

// Reads a file of at most 1 MiB.
//
// Errors: kNotFound, kPermissionDenied or as errno has it, the file cannot be read; kInvalidArgument, it is too large,
// or not a regular file.
absl::StatusOr<std::string> ReadToolServicesFile(const std::string& file_name);

// Reads and parses a file.
//
// Errors: those of the two functions above.
absl::StatusOr<ToolServicesFile> LoadToolServicesFile(const std::string& file_name);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_TOOL_SERVICES_FILE_H_
