// Where a service is: the target's names, and its addresses.

#ifndef GATEHOUSE_MCP_EDGE_RPC_RPC_TARGET_H_
#define GATEHOUSE_MCP_EDGE_RPC_RPC_TARGET_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/rpc/http2_connection.h"

namespace mcp_edge {

// One server, or one name of several.
struct RpcEndpoint {
  std::string authority;  // host:port, of requests
  std::string host;       // without port and brackets; of certificates
  std::string port;
  bool is_name = false;   // it has to be resolved, and what it means may change
  std::string unix_path;  // if not empty, only this counts
};

// `target`: dns:///host:port, ipv4:a:p[,…], ipv6:[a]:p[,…] or unix:path (see CheckTarget).
//
// Errors: kInvalidArgument, it is none of them.
absl::StatusOr<std::vector<RpcEndpoint>> ParseTarget(absl::string_view target);

// The addresses of an endpoint, each once. Blocks if it is a name.
//
// Errors: kUnavailable, with the reason.
absl::StatusOr<std::vector<ServerAddress>> Resolve(const RpcEndpoint& endpoint);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_RPC_RPC_TARGET_H_
