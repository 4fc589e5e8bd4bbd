// What a request says about itself besides its method and arguments, and the checks of 2026-07-28 on it.

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_REQUEST_META_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_REQUEST_META_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/version.h"
#include "mcp_edge/protocol/wire_error.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

inline constexpr char kMetaProtocolVersion[] = "io.modelcontextprotocol/protocolVersion";
inline constexpr char kMetaClientCapabilities[] = "io.modelcontextprotocol/clientCapabilities";
inline constexpr char kMetaClientInfo[] = "io.modelcontextprotocol/clientInfo";

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
// `params.uri`). Nothing: all well, or not such a method.
std::optional<RpcError> CheckMirroredName(const MirrorHeaders& headers, const Message& message);

// The error for a version that is not served (-32022), with what is.
RpcError UnsupportedVersionError(absl::string_view requested);

// What the client says of itself: in modern requests each time, in legacy ones once, in `initialize`.
struct ClientDescription {
  std::string name;     // at most 256 bytes are kept
  std::string version;  // likewise
  // Its ClientCapabilities, an object, as the text that was sent.
  std::string capabilities_json = "{}";
};

// From a modern request that passed CheckModernEnvelope.
ClientDescription DescriptionFromMeta(const Message& message);

// From the params of `initialize`.
ClientDescription DescriptionFromInitialize(const Message& message);

// The client's `progressToken` as JSON, or empty. A token that is neither string nor integer counts as absent.
std::string ProgressToken(const Message& message);

// Whether the client has all the capabilities that `required` (a ClientCapabilities object) has, at every depth of its
// objects.
bool HasCapabilities(const ClientDescription& client, const nlohmann::json& required);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_REQUEST_META_H_
