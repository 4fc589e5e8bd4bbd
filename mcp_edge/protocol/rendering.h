// Turns what tool services say, which knows no version, into what the clients of each version may see. The only place
// that does, driven by VersionFeatures.

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_RENDERING_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_RENDERING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/protocol/version.h"

namespace mcp_edge {

// How long and among whom a client may reuse a result (MCP 2026-07-28, caching). Older versions are told nothing.
struct CacheTerms {
  absl::Duration ttl;
  bool is_public = false;
};

// The element of `tools` for a tool that clients know as `public_name`. Its JSON fields must be valid (the catalogue
// checks them when a tool registers).
std::string RenderTool(absl::string_view public_name, const gatehouse::tool::v1::Tool& tool, ProtocolVersion version);

// The result of `tools/call`.
//
// Errors: kInternal, the tool service broke the contract: JSON that is none, or a block without content.
absl::StatusOr<std::string> RenderCallToolResult(const gatehouse::tool::v1::CallToolResult& result,
                                                 ProtocolVersion version);

// The result of `tools/call` for a tool that failed with nothing but `text` to say.
std::string RenderToolError(absl::string_view text, ProtocolVersion version);

// The params of `notifications/progress`. `token_json`: the client's progress token.
std::string RenderProgress(const gatehouse::tool::v1::Progress& progress, absl::string_view token_json,
                           ProtocolVersion version);

// The result of `server/discover`, and of `initialize`. `instructions` may be empty.
std::string RenderDiscoverResult(absl::string_view instructions, const CacheTerms& cache);
std::string RenderInitializeResult(ProtocolVersion version, absl::string_view instructions);

// A result whose members are `members_json` ("\"tools\":[]", or nothing), decorated for the version.
std::string RenderResult(absl::string_view members_json, ProtocolVersion version);
std::string RenderCacheableResult(absl::string_view members_json, const CacheTerms& cache, ProtocolVersion version);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_RENDERING_H_
