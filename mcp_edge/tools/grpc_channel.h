// How the edge connects to another service: the same everywhere.

#ifndef GATEHOUSE_MCP_EDGE_TOOLS_GRPC_CHANNEL_H_
#define GATEHOUSE_MCP_EDGE_TOOLS_GRPC_CHANNEL_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/grpc_security.h"
#include "grpcpp/channel.h"

namespace mcp_edge {

// The largest message that the edge takes from a service.
inline constexpr int kMaxReceiveBytes = 16 << 20;
// The largest catalogue: a little more than one may have (tool.v1, Catalog).
inline constexpr int kMaxCatalogReceiveBytes = (8 << 20) + (64 << 10);
// What a message about a changed resource may have, which is little more than a URI.
inline constexpr int kMaxUpdateReceiveBytes = 64 << 10;

// A channel to `target` (gRPC name syntax: dns:///host:port, ipv4:1.2.3.4:5,1.2.3.5:5) that
// balances over all addresses of the target (round_robin), notices dead connections, tries again within a second when a
// service was away, and takes messages of at most kMaxReceiveBytes, catalogues of at most kMaxCatalogReceiveBytes and
// news of resources of at most kMaxUpdateReceiveBytes. `security`: must let the target pass; null, in tests: clear
// text. Does not connect yet.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target, const common::GrpcSecurity* security = nullptr);

// gRPC 1.51 runs callbacks on a few threads that end with the last channel (or server) of the process that uses them,
// and waits for them there. If that channel goes on one of these very threads, because a call that nobody waits for was
// the last to hold it, the thread waits for itself and uses what is gone. This keeps the threads for as long as the
// process lives; MakeChannel does it for each channel of the edge.
void KeepCallbackThreads();

// Whether `target` has the form that MakeChannel needs.
//
// Errors: kInvalidArgument, with what is wrong with it.
absl::Status CheckTarget(absl::string_view target);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TOOLS_GRPC_CHANNEL_H_
