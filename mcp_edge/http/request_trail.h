// What the access line and the metrics say about the request that this thread serves.

#ifndef GATEHOUSE_MCP_EDGE_HTTP_REQUEST_TRAIL_H_
#define GATEHOUSE_MCP_EDGE_HTTP_REQUEST_TRAIL_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace mcp_edge {

// Filled while a request is served, by whoever knows; written out by the HTTP server when it is over.
struct RequestTrail {
  // The connection's socket, to be watched for the client's leaving.
  int socket = -1;
  // What is to be kept until the answer is sent.
  std::shared_ptr<void> held;
  std::string request_id;
  std::string http_method;
  std::string path;
  int status = 0;
  // The JSON-RPC method and, for tools/call, the tool. From the client, so bounded.
  std::string rpc_method;
  std::string tool;
  // The era or version in force, as on the wire.
  absl::string_view version;
  // Why it was refused: see WireError::reason and auth.v1 RefusalReason. Empty: it was not.
  std::string reason;
};

// That of this thread's request. One thread serves one request from start to end, so it is the thread's own.
RequestTrail& CurrentTrail();

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_HTTP_REQUEST_TRAIL_H_
