// Whether a token's scopes do for what a request asks for, and which to ask for when they do not.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_SCOPE_CHECK_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_SCOPE_CHECK_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "mcp_edge/auth/principal.h"
#include "mcp_edge/auth/scopes.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/jsonrpc/message.h"

namespace mcp_edge {

// A longer URI is nobody's; it is not looked up.
inline constexpr size_t kMaxUriLength = 8 << 10;

// What callers must have: of each of these, every scope of at least one set. Pointers are into a snapshot.
using ScopeRequirements = std::vector<const std::vector<ScopeSet>*>;

// What `principal` lacks for `requirements`; null: nothing. Of alternatives, the one that lacks the fewest scopes is
// asked for, the first of several; and with it all that the token has, so that the next token can do no less (MCP
// 2025-11-25, scope challenges), but for `offline_access`, which is nothing that a resource asks for. Whose scopes
// nobody knows lacks them all.
std::shared_ptr<const ScopeShortage> FindShortage(const Principal& principal, const ScopeRequirements& requirements,
                                                  const ScopeHierarchy& hierarchy);

// What a request needs: that of the tool, prompt, resource, resource template, skill or directory of one that it names.
// Empty also when that does not exist.
ScopeRequirements RequirementsOf(const Message& message, const CatalogSnapshot& snapshot);

// Whether `principal` may read `uri`: somebody does, and what that needs is there.
bool MayRead(const CatalogSnapshot& snapshot, const Principal& principal, absl::string_view uri);

// Whether `principal` may hear that `uri` has changed: it may read that, or if nobody reads it, the nearest resource of
// the catalogue above it ("a://b" is above "a://b/c").
bool MayHear(const CatalogSnapshot& snapshot, const Principal& principal, absl::string_view uri);

// For the client: why it is refused, and what helps. Printable ASCII without quotes.
absl::string_view ShortageText(const ScopeShortage& shortage);

// For logs and metrics: "insufficient_scope" or "scopes_unknown".
absl::string_view ShortageReason(const ScopeShortage& shortage);

// For the audit log: "a b | c" for alternatives, with " & " between requirements.
std::string RequirementsText(const ScopeRequirements& requirements);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_SCOPE_CHECK_H_
