// What the endpoints of the edge share.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_COLLABORATORS_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_COLLABORATORS_H_

#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/dispatch/dispatcher.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/events/listen_exchange.h"
#include "mcp_edge/http/disconnect_monitor.h"
#include "mcp_edge/session/session_manager.h"
#include "mcp_edge/transport/admission.h"
#include "mcp_edge/transport/authenticator.h"
#include "mcp_edge/transport/body_budget.h"

namespace mcp_edge {

// All must outlive the endpoints.
struct Collaborators {
  const Authenticator& authenticator;
  Dispatcher& dispatcher;
  SessionManager& sessions;
  Listeners& listeners;
  Admission& admission;
  BodyBudget& bodies;
  DisconnectMonitor& disconnects;
  const common::Clock& clock;
  EdgeMetrics& metrics;
  // How often a stream with nothing to say is given a sign of life.
  absl::Duration keep_alive_interval = absl::Seconds(15);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_COLLABORATORS_H_
