// Tells sessions what has changed.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_SESSION_NOTIFIER_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_SESSION_NOTIFIER_H_

#include <memory>
#include <string>

#include "common/clock.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/events/event_bus.h"
#include "mcp_edge/session/session_manager.h"
#include "mcp_edge/transport/sse_endpoint.h"

namespace mcp_edge {

// Puts each event of the bus on the stream of every session that is to hear of it: changes of lists on all, those of a
// resource where it was subscribed to (MCP 2025-11-25, resources) and may be read with the token of the session's last
// request, which may carry other scopes than the one that subscribed, and has not expired. What waits there already is
// not said again.
class SessionNotifier {
 public:
  // All must outlive the notifier.
  SessionNotifier(EventBus& bus, const Catalog& catalog, SessionManager& sessions, SseEndpoint& sse,
                  const common::Clock& clock);

 private:
  void Tell(const Event& event);

  // Whether the session is to hear of a change of `uri`.
  bool IsToHear(const SessionState& state, const CatalogSnapshot& snapshot, const std::string& uri) const;

  const Catalog& catalog_;
  SessionManager& sessions_;
  SseEndpoint& sse_;
  const common::Clock& clock_;
  const std::unique_ptr<EventBus::Subscription> subscription_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_SESSION_NOTIFIER_H_
