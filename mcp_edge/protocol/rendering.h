// Turns what tool services say, which knows no version, into the results and notifications that the clients of each
// version may see, driven by VersionFeatures. Beside it: list_rendering.h (elements of lists), client_question.h (what
// the client is asked).

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_RENDERING_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_RENDERING_H_

#include <cstddef>
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

// For results that must not be reused: those of requests with `inputResponses` or `requestState`.
inline constexpr CacheTerms kNotCacheable = {absl::ZeroDuration(), false};

// The terms of `hint`; of `otherwise` as far as it does not say.
CacheTerms CacheTermsOf(const gatehouse::tool::v1::CacheHint& hint, const CacheTerms& otherwise);

// The result of `tools/call`.
//
// Errors, here and in the functions after it: kInternal, the tool service broke the contract: JSON that is none, or a
// block without content.
absl::StatusOr<std::string> RenderCallToolResult(const gatehouse::tool::v1::CallToolResult& result,
                                                 ProtocolVersion version);

// The result of `tools/call` for a tool that failed with nothing but `text` to say.
std::string RenderToolError(absl::string_view text, ProtocolVersion version);

// The result of `resources/read`. `cache`: see CacheTermsOf; the hint of `result` itself is not looked at. It is an
// error, too, when there are no contents.
absl::StatusOr<std::string> RenderReadResourceResult(const gatehouse::tool::v1::ReadResourceResult& result,
                                                     const CacheTerms& cache, ProtocolVersion version);

// The result of `prompts/get`.
absl::StatusOr<std::string> RenderGetPromptResult(const gatehouse::tool::v1::GetPromptResult& result,
                                                  ProtocolVersion version);

// The result of `completion/complete`. Values after the hundredth are left out.
inline constexpr int kMaxCompletionValues = 100;
std::string RenderCompleteResult(const gatehouse::tool::v1::CompleteResponse& response, ProtocolVersion version);

// The params of `notifications/progress`. `token_json`: the client's progress token.
std::string RenderProgress(const gatehouse::tool::v1::Progress& progress, absl::string_view token_json,
                           ProtocolVersion version);

// The params of `notifications/message`, the same in every version. Errors: kInternal, the data is not JSON or there is
// no such level.
absl::StatusOr<std::string> RenderLogMessage(const gatehouse::tool::v1::LogMessage& message);

// The params of `notifications/resources/updated`, `…/list_changed` (no `uri`), for a client with a handshake.
std::string RenderResourceUpdated(absl::string_view uri);

// What the edge offers, whatever the version. Only what the version has is shown.
struct ServerCapabilities {
  bool tools = true;
  bool resources = false;
  bool prompts = false;
  // Changes of those lists are told.
  bool list_changed = false;
  // Changes of single resources can be subscribed to.
  bool subscribe = false;
  bool logging = false;
  bool completions = false;
  // Extensions: io.modelcontextprotocol/tasks, io.modelcontextprotocol/skills (with directories).
  bool tasks = false;
  bool skills = false;
};

// The `capabilities` of the server, a JSON object.
std::string RenderServerCapabilities(const ServerCapabilities& capabilities, ProtocolVersion version);

// The result of `server/discover`, and of `initialize`. `instructions` may be empty.
std::string RenderDiscoverResult(absl::string_view instructions, const CacheTerms& cache,
                                 const ServerCapabilities& capabilities = {});
std::string RenderInitializeResult(ProtocolVersion version, absl::string_view instructions,
                                   const ServerCapabilities& capabilities = {.list_changed = true});

// A result whose members are `members_json` ("\"tools\":[]", or nothing), decorated for the version.
std::string RenderResult(absl::string_view members_json, ProtocolVersion version);
std::string RenderCacheableResult(absl::string_view members_json, const CacheTerms& cache, ProtocolVersion version);

// The same with `resultType` other than "complete". 2026-07-28 only.
std::string RenderResultOfType(absl::string_view result_type, absl::string_view members_json);

// What RenderCacheableResult puts after the members, from the comma on: for results of which the members are kept.
std::string CacheableResultEnd(const CacheTerms& cache, ProtocolVersion version);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_RENDERING_H_
