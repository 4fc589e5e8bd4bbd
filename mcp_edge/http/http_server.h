// cpp-httplib with bounds: on connections, threads, times and sizes; with an access line for each request.

#ifndef GATEHOUSE_MCP_EDGE_HTTP_HTTP_SERVER_H_
#define GATEHOUSE_MCP_EDGE_HTTP_HTTP_SERVER_H_

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "httplib.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/http/connection.h"
#include "mcp_edge/http/elastic_task_queue.h"

namespace mcp_edge {

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  int port = 3001;
  // Connections at the same time, each of which has a thread. More are told 503 and closed.
  size_t max_connections = 12'000;
  // Of those, from the same address; 0: as many as there may be in all. Behind a proxy all have its address.
  size_t max_connections_per_address = 0;
  // The body of a request.
  size_t max_body_bytes = 4 << 20;
  ConnectionLimits limits = {};
};

// Bind(), then routes, then Start(). Each is served on the thread of its connection.
class HttpServer {
 public:
  HttpServer(const HttpServerOptions& options, EdgeMetrics& metrics);
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // For routes. Errors that cpp-httplib itself finds get a JSON-RPC error body.
  httplib::Server& routes();
  // The routes that matter: POST requests to `path`, exactly. Those that are plain (plain_request.h) are read and
  // answered here, others by cpp-httplib, and `handler` cannot tell which. It may set headers, a body or a chunked
  // content provider. `before` comes before every route, of routes() too.
  void Post(const std::string& path, httplib::Server::HandlerWithContentReader handler);
  void SetPreRoutingHandler(httplib::Server::HandlerWithResponse before);

  // Takes the address; connections wait until Start().
  //
  // Errors: kUnavailable, the address cannot be bound.
  absl::Status Bind();

  // Serves. After Bind, and after all routes were added. Logs a warning if the process may not open as many files as
  // `max_connections` needs.
  void Start();

  // The port in use.
  int port() const { return port_; }

  // From now on each connection ends with the answer to its next request, which says so: clients come back on another
  // one, perhaps to another replica. Connections are still taken.
  void StartDraining() { draining_.store(true); }

  // Takes no more connections, ends idle ones, and lets each busy one end with the request that it is serving. Does not
  // wait.
  void StopAccepting();

  // Waits until all connections have ended, or until `deadline`; then breaks those that are left. Call StopAccepting
  // first.
  void Finish(absl::Time deadline);

  // False when the listening socket failed, so that nobody new is served although nobody said StopAccepting.
  bool accepting() const { return accepting_.load(); }

 private:
  class BoundedServer;
  class ConnectionThreads;

  void Serve(int socket);
  // One more connection from there, unless there are too many already.
  bool CountIn(const std::string& remote_address);
  void CountOut(const std::string& remote_address);
  void ServeRequests(Connection& connection, const std::string& remote_address, int remote_port);
  // Serves one request whose head is buffered in `connection`. False: the connection is of no more use. `last`: tells
  // the client that the connection ends with the answer.
  bool ServeOne(Connection& connection, const std::string& remote_address, int remote_port, bool last);
  // The same of a plain one with a body of `length` bytes.
  bool ServePlain(Connection& connection, httplib::Request& request, size_t length,
                  const httplib::Server::HandlerWithContentReader& handler, bool last);
  bool Answer(Connection& connection, const httplib::Request& request, httplib::Response& response, bool last);
  // Answers what no handler is to see.
  void AnswerBriefly(Connection& connection, absl::string_view remote_address, int status);

  const HttpServerOptions options_;
  EdgeMetrics& metrics_;
  ElasticTaskQueue threads_;
  const std::string keep_alive_line_;
  ElasticTaskQueue refusal_threads_;
  int wake_pipe_[2];
  // Kept for StopAccepting(), which needs one, and would have to wait for it if no more were to be had.
  int spare_descriptor_ = -1;
  std::atomic<bool> draining_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> accepting_{false};
  int port_ = 0;
  std::unique_ptr<BoundedServer> server_;
  httplib::Server::HandlerWithResponse before_;
  std::vector<std::pair<std::string, httplib::Server::HandlerWithContentReader>> posts_;
  std::thread accepting_thread_;
  absl::Mutex sockets_mutex_;
  std::set<int> sockets_ ABSL_GUARDED_BY(sockets_mutex_);
  // Connections that were taken and are not in sockets_ yet; once finished_ they are closed instead of served.
  size_t arriving_ ABSL_GUARDED_BY(sockets_mutex_) = 0;
  bool finished_ ABSL_GUARDED_BY(sockets_mutex_) = false;
  // Only kept when that is bounded.
  absl::flat_hash_map<std::string, size_t> connections_by_address_ ABSL_GUARDED_BY(sockets_mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_HTTP_HTTP_SERVER_H_
