// What a request says about itself besides its method and arguments, and the checks of 2026-07-28 on it.

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_REQUEST_META_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_REQUEST_META_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/rpc_errors.h"
#include "mcp_edge/protocol/version.h"
#include "mcp_edge/protocol/wire_error.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

inline constexpr char kMetaProtocolVersion[] = "io.modelcontextprotocol/protocolVersion";
inline constexpr char kMetaClientCapabilities[] = "io.modelcontextprotocol/clientCapabilities";
inline constexpr char kMetaClientInfo[] = "io.modelcontextprotocol/clientInfo";
inline constexpr char kMetaLogLevel[] = "io.modelcontextprotocol/logLevel";

// One header of an HTTP request, without the white space around its value.
struct HeaderField {
  // Nothing when the header is absent.
  std::optional<absl::string_view> value;
  // It was sent more than once, with different values.
  bool conflicting = false;
};

// The headers that mirror the body of a request.
struct MirrorHeaders {
  HeaderField protocol_version;  // MCP-Protocol-Version
  HeaderField method;            // Mcp-Method
  HeaderField name;              // Mcp-Name
  // Looks up Mcp-Param-<name>. Null: there are no such headers.
  std::function<HeaderField(absl::string_view name)> parameter = nullptr;
};

// Which rules a POST to the MCP endpoint goes by.
enum class Era { kLegacy, kModern };

// The era of one message (not of a batch, which is always legacy), or why that cannot be told.
struct EraDecision {
  Era era = Era::kLegacy;
  std::optional<RpcError> error;
};
EraDecision DecideEra(const MirrorHeaders& headers, const Message& message);

// Checks what every modern message must satisfy, in this order: the version header is there; `_meta` has its required
// keys; header and `_meta` agree; the version is served; for requests, `Mcp-Method` equals the method. Nothing: all
// well.
std::optional<RpcError> CheckModernEnvelope(const MirrorHeaders& headers, const Message& message);

// Checks `Mcp-Name` for the methods that have it (tools/call, prompts/get: `params.name`; resources/read:
// `params.uri`; tasks/get, tasks/update, tasks/cancel: `params.taskId`). Nothing: all well, or not such a method.
std::optional<RpcError> CheckMirroredName(const MirrorHeaders& headers, const Message& message);

// What a client can do, as far as the edge asks: its ClientCapabilities, looked at once.
struct ClientCapabilities {
  // `elicitation` with `form`, or with neither (MCP 2025-06-18, and an empty object ever since).
  bool elicitation_form = false;
  bool elicitation_url = false;
  bool sampling = false;
  bool sampling_tools = false;
  bool roots = false;
  // Extensions io.modelcontextprotocol/tasks and io.modelcontextprotocol/skills.
  bool tasks = false;
  bool skills = false;

  friend bool operator==(const ClientCapabilities&, const ClientCapabilities&) = default;
};

// What the client says of itself: in modern requests each time, in legacy ones once, in `initialize`.
struct ClientDescription {
  std::string name;     // at most 256 bytes are kept
  std::string version;  // likewise
  // Its ClientCapabilities, an object, as the text that was sent.
  std::string capabilities_json = "{}";
  ClientCapabilities capabilities = {};
};

// From a modern request that passed CheckModernEnvelope.
ClientDescription DescriptionFromMeta(const Message& message);

// From the params of `initialize`.
ClientDescription DescriptionFromInitialize(const Message& message);

// The client's `progressToken` as JSON, or empty. A token that is neither string nor integer counts as absent, and so
// does a string of more than 256 bytes: every notification would repeat it.
std::string ProgressToken(const Message& message);

// The least severe log message that a modern request wants (`_meta`, io.modelcontextprotocol/logLevel); UNSPECIFIED:
// none.
//
// Errors: kInvalidArgument, it names no level: JSON-RPC code -32602.
absl::StatusOr<gatehouse::tool::v1::LogLevel> RequestedLogLevel(const Message& message);

// Whether the client has all the capabilities that `required` (a ClientCapabilities object) has, at every depth of its
// objects.
bool HasCapabilities(const ClientDescription& client, const nlohmann::json& required);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_REQUEST_META_H_
