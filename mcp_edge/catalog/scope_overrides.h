// Puts what the operator says of scopes in the place of what tool services say.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_SCOPE_OVERRIDES_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_SCOPE_OVERRIDES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/catalog/required_scopes.h"

namespace mcp_edge {

// Sets the required scopes in `contents`, the validated catalogue of one service. Returns what nothing there has the
// name of: the kind ("tool", "prompt", "resource") and the name.
std::vector<std::pair<absl::string_view, std::string>> OverrideRequiredScopes(const RequiredScopes& required,
                                                                              CatalogContents& contents);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_SCOPE_OVERRIDES_H_
