// HTTP+SSE, the transport of 2024-11-05: a stream that carries all answers, and a path to post messages to.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_SSE_ENDPOINT_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_SSE_ENDPOINT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "httplib.h"
#include "mcp_edge/http/elastic_task_queue.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/session/session.h"
#include "mcp_edge/transport/collaborators.h"

namespace mcp_edge {

// A session is its stream: it begins with GET /sse and ends with that connection, so it lives in this process and in no
// store. Thread-safe.
class SseEndpoint {
 public:
  // `max_running`: requests that run at the same time, over all sessions.
  SseEndpoint(ProtectedResource resource, size_t max_body_bytes, size_t max_running, const Collaborators& with);
  ~SseEndpoint();

  // GET /sse: opens a session and tells the client where to post.
  void Get(const httplib::Request& request, httplib::Response& response);

  // POST /messages?sessionId=…: takes one message; what it asks for is answered on the stream.
  void Post(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& read_body);

  // Calls `visit` with each session that has said `initialize`.
  void ForEach(const std::function<void(Session&)>& visit);

  // Ends all sessions and their streams; those that are opened from now on end at once.
  void CloseAll();

 private:
  struct Connection;
  struct Posted;

  std::shared_ptr<Connection> Find(const httplib::Request& request, const Principal& principal);
  void Run(Connection& connection, const Posted& posted);

  const ProtectedResource resource_;
  const size_t max_body_bytes_;
  const Collaborators with_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<Connection>> connections_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  ElasticTaskQueue running_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_SSE_ENDPOINT_H_
