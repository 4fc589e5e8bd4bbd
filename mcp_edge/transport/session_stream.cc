#include "mcp_edge/transport/session_stream.h"

#include <algorithm>
#include <string>

#include "mcp_edge/transport/http_reply.h"

namespace mcp_edge {

void WriteSessionStream(Session& session, uint64_t stream, absl::Time end_time, const Collaborators& with,
                        const WritePart& write) {
  std::string message;
  while (true) {
    const absl::Time now = with.clock.Now();
    if (now >= end_time) return;
    switch (session.Receive(stream, std::min(now + with.keep_alive_interval, end_time), message)) {
      case Session::Received::kMessage:
        if (!write(EventText("message", message))) return;
        break;
      case Session::Received::kTimeout:
        if (!write(kKeepAlive)) return;
        break;
      case Session::Received::kReplaced:
      case Session::Received::kEnded:
        return;
    }
  }
}

}  // namespace mcp_edge
