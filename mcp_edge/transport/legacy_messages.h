// What clients with a handshake say besides their requests, on either legacy transport.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_LEGACY_MESSAGES_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_LEGACY_MESSAGES_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "mcp_edge/dispatch/dispatcher.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/wire_error.h"
#include "mcp_edge/session/session.h"

namespace mcp_edge {

// Sets version and client of `record` from an `initialize` request. An error when it does not name a version.
std::optional<RpcError> ReadInitialize(const Message& message, SessionRecord& record);

// Acts upon a notification, or hands a response to whoever asked the client. Unknown and late ones are ignored (MCP,
// cancellation).
void HandleLegacyNotice(const Message& message, Session& session);

// Why a request of a session cannot run. `begun` is not kYes.
RpcError NotBegunError(Session::Begun begun);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_LEGACY_MESSAGES_H_
