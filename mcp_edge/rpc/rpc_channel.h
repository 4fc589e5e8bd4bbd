// Calls of a gRPC service over HTTP/2 (doc/PROTOCOL-HTTP2.md of the grpc repository), for the edge's hot path: see
// docs/adr/0023-own-grpc-client.md.

#ifndef GATEHOUSE_MCP_EDGE_RPC_RPC_CHANNEL_H_
#define GATEHOUSE_MCP_EDGE_RPC_RPC_CHANNEL_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/grpc_security.h"

namespace google::protobuf {
class MessageLite;
}

namespace mcp_edge {

// The largest message that a service may send.
inline constexpr size_t kMaxRpcMessageBytes = 16 << 20;

// One call: a request, and messages in answer. Used by one thread, but for Cancel.
class RpcCall {
 public:
  class State;

  explicit RpcCall(std::shared_ptr<State> state) : state_(std::move(state)) {}
  // Cancels what still runs. Does not block.
  ~RpcCall();

  RpcCall(const RpcCall&) = delete;
  RpcCall& operator=(const RpcCall&) = delete;

  // Blocks until Read() has something to say at once, or until `until`. Whether it has.
  bool Wait(absl::Time until);

  // The next message. Blocks for it. Nothing: the call has ended, see status().
  std::optional<std::string> Read();

  // How it ended; to be asked after Read() has given nothing. OK, or the status of the service;
  // kUnavailable: the service cannot be reached, or the connection was lost; kDeadlineExceeded; kCancelled;
  // kResourceExhausted: a message exceeds kMaxRpcMessageBytes; kInternal, kUnknown: it does not answer as gRPC does.
  absl::Status status() const;

  // Ends the call early. Thread-safe; may be called at any time and more than once, also after the end.
  void Cancel();

 private:
  const std::shared_ptr<State> state_;
};

struct RpcChannelOptions {
  // Calls go only to servers whose health service (grpc.health.v1) says SERVING, or that have none; a server says
  // otherwise before it shuts down, and so loses no call.
  bool watch_health = true;
  // How soon a server is tried again that is away: doubles from the least to the most.
  absl::Duration min_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(1);
  absl::Duration connect_timeout = absl::Seconds(5);
  // How often a name is looked up while its servers stay; it is also, at most once a second, when one of them goes.
  absl::Duration resolve_interval = absl::Seconds(30);
};

// The connections to all servers of a target, one each; calls take turns (round_robin). Thread-safe.
//
// A call that no server has looked at (the connection was going away) is sent again elsewhere. While no server can be
// reached, calls fail at once; while it is not known yet whether one can, they wait.
class RpcChannel {
 public:
  // `target`: as CheckTarget has it. `security`: as for MakeChannel. Does not connect before the first call.
  RpcChannel(const std::string& target, const common::GrpcSecurity* security, const RpcChannelOptions& options = {});
  // Calls that run go on.
  ~RpcChannel();

  RpcChannel(const RpcChannel&) = delete;
  RpcChannel& operator=(const RpcChannel&) = delete;

  // Starts a call of a method, such as "/package.Service/Method". `framed_request`: FrameMessage of it. The service
  // sees `deadline` as its own. `metadata`: names in lower case, values in visible ASCII. Does not block.
  std::unique_ptr<RpcCall> Start(std::string method, std::string framed_request, absl::Time deadline,
                                 std::vector<std::pair<const char*, std::string>> metadata) const;

  class Servers;

 private:
  const std::shared_ptr<Servers> servers_;
};

// Makes a call that is answered by one message, and blocks until it has ended.
//
// Errors: as RpcCall::status; kInternal, there is no answer, or more than one, or it cannot be decoded.
absl::Status CallUnary(const RpcChannel& channel, const char* method, const google::protobuf::MessageLite& request,
                       absl::Time deadline, google::protobuf::MessageLite& response);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_RPC_RPC_CHANNEL_H_
