// Every route of the edge, and what holds on all of them: names, origins, cross-origin headers.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_EDGE_ROUTES_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_EDGE_ROUTES_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "httplib.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/http/host_policy.h"
#include "mcp_edge/http/http_server.h"
#include "mcp_edge/transport/mcp_endpoint.h"
#include "mcp_edge/transport/registration_endpoint.h"
#include "mcp_edge/transport/sse_endpoint.h"

namespace mcp_edge {

// Where the OAuth documents come from. kUnavailable: not known yet; kNotFound: not served.
struct Documents {
  std::function<absl::StatusOr<std::string>(absl::string_view resource)> protected_resource;
  std::function<absl::StatusOr<std::string>()> authorization_server;
};

// Adds the routes to `server`. All arguments but `mcp_resource` and `documents` must outlive it; a null `sse` leaves
// HTTP+SSE out, a null `registration` the registration of clients. `mcp_resource`: the canonical URI of the MCP
// endpoint, whose path is `/mcp`.
void AddRoutes(absl::string_view mcp_resource, McpEndpoint& mcp, SseEndpoint* sse, Documents documents,
               const HostPolicy& hosts, EdgeMetrics& metrics, HttpServer& server,
               RegistrationEndpoint* registration = nullptr);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_EDGE_ROUTES_H_
