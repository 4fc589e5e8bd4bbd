// Names an event of a stream of a session, for `id:` and `Last-Event-ID` (MCP 2025-03-26, resumability).

#ifndef GATEHOUSE_MCP_EDGE_SESSION_EVENT_ID_H_
#define GATEHOUSE_MCP_EDGE_SESSION_EVENT_ID_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace mcp_edge {

// "9f86d081.3-17": event 17 of stream 3 of a session.
struct EventId {
  // Tells sessions apart, so that the id of another session is not taken for one of this; no secret.
  std::string session_tag;
  uint64_t stream = 0;
  // 0: before the first event.
  uint64_t event = 0;
};

// The tag of a session: 8 hexadecimal digits that say nothing of its id.
std::string SessionTag(absl::string_view session_id);

std::string FormatEventId(const EventId& id);

// Nothing if `text` is not exactly what FormatEventId writes.
std::optional<EventId> ParseEventId(absl::string_view text);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_EVENT_ID_H_
