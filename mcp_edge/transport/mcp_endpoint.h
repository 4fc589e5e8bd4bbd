// The MCP endpoint: Streamable HTTP of every version, from 2025-03-26 to 2026-07-28, on one path.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_MCP_ENDPOINT_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_MCP_ENDPOINT_H_

#include <memory>
#include <optional>
#include <string>

#include "httplib.h"
#include "mcp_edge/http/elastic_task_queue.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/session/session_manager.h"
#include "mcp_edge/transport/collaborators.h"
#include "mcp_edge/transport/session_stream.h"

namespace mcp_edge {

// Thread-safe. Sessions must have ended before it is destroyed. A handler for each method. The order of the checks is
// that of docs/adr/0004-errors-on-the-wire.md; each answer that needs a status other than 200 is decided before a
// stream begins.
class McpEndpoint {
 public:
  // `max_body_bytes`: of a POST. `max_running`: requests of sessions whose answers are streams and that run at the same
  // time; as many as Admission admits are enough.
  McpEndpoint(ProtectedResource resource, size_t max_body_bytes, size_t max_running, const Collaborators& with);

  // Carries out one message (or a batch, in sessions of 2025-03-26).
  void Post(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& read_body);
  // Opens the stream of a session.
  void Get(const httplib::Request& request, httplib::Response& response);
  // Ends a session.
  void Delete(const httplib::Request& request, httplib::Response& response);

 private:
  struct Call;

  void PostModern(const httplib::Request& request, const MirrorHeaders& headers, httplib::Response& response,
                  const Message& message, std::shared_ptr<Call> call);
  void PostLegacy(const httplib::Request& request, httplib::Response& response, Body body, std::shared_ptr<Call> call);
  void Initialize(const Message& message, const Call& call, httplib::Response& response);
  void PostBatch(const httplib::Request& request, httplib::Response& response, Body body, std::shared_ptr<Call> call);
  void Respond(httplib::Response& response, std::shared_ptr<Call> call);
  void RespondWithStream(httplib::Response& response, std::shared_ptr<Call> call, std::optional<Step> first);
  void RespondWithSessionStream(httplib::Response& response, std::shared_ptr<Call> call, std::optional<Step> first);
  void SetStream(httplib::Response& response, std::shared_ptr<Session> session, std::shared_ptr<StreamReader> reader,
                 absl::Time end_time, std::shared_ptr<Admission::Place> place);
  std::shared_ptr<Session> FindSession(const httplib::Request& request,
                                       const std::shared_ptr<const Principal>& principal, httplib::Response& response);

  const ProtectedResource resource_;
  const size_t max_body_bytes_;
  const Collaborators with_;
  ElasticTaskQueue running_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_MCP_ENDPOINT_H_
