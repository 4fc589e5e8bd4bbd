// What an operator says that callers need, in place of what a tool service says itself.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_REQUIRED_SCOPES_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_REQUIRED_SCOPES_H_

#include <map>
#include <string>
#include <vector>

#include "mcp_edge/auth/scopes.h"

namespace mcp_edge {

// Sets of scopes, any of which is enough, by the name that a service has for what needs them. "*": all other names.
using ScopeOverrides = std::map<std::string, std::vector<ScopeSet>>;

// Those of one tool service.
struct RequiredScopes {
  // By name, without the service's prefix.
  ScopeOverrides tools;
  ScopeOverrides prompts;
  // By URI, also of a skill's SKILL.md (for all its files), or by URI template. "*" is also for what the service reads
  // by its prefixes.
  ScopeOverrides resources;

  friend bool operator==(const RequiredScopes&, const RequiredScopes&) = default;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_REQUIRED_SCOPES_H_
