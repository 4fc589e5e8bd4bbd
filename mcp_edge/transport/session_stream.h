// Writes what a session has to say to its event stream.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_SESSION_STREAM_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_SESSION_STREAM_H_

#include <cstdint>
#include <functional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mcp_edge/session/session.h"
#include "mcp_edge/transport/collaborators.h"

namespace mcp_edge {

// Sends one part of a stream. False: the client is gone.
using WritePart = std::function<bool(absl::string_view)>;

// Writes the messages of `session` as events, and a sign of life when there are none for a while, until the
// session ends, another stream replaces this one, the client leaves, or `end_time` (when the token expires) comes.
// Blocks.
void WriteSessionStream(Session& session, uint64_t stream, absl::Time end_time, const Collaborators& with,
                        const WritePart& write);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_SESSION_STREAM_H_
