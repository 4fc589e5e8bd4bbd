// A gRPC server on an RpcLoop, with the health service and the bounds that all of ours have.

#ifndef GATEHOUSE_COMMON_RPC_RPC_SERVER_H_
#define GATEHOUSE_COMMON_RPC_RPC_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/rpc/health_service.h"
#include "common/rpc/rpc_loop.h"
#include "common/rpc/rpc_service.h"

namespace common {

struct RpcServerOptions {
  std::string host;  // an address or a name
  int port = 0;      // 0: any that is free
  std::shared_ptr<grpc::ServerCredentials> credentials;
  std::vector<std::string> service_names;  // whose health can be asked for, beside that of the server as a whole
  int threads = 1;                         // that read calls
  // How long the calls of a connection that was asked to go away may last; without it, as long as they like.
  std::optional<absl::Duration> connection_age_grace;
  int max_receive_bytes = 0;    // of a message
  int max_send_bytes = 0;       // of a message
  size_t max_buffer_bytes = 0;  // of all connections together
};

// Serves from Start() to Shutdown(). A connection is asked to go away after 10 s: gRPC balances by connection and
// resolves names when one is made, so this is how soon new replicas get traffic.
class RpcServer {
 public:
  // `services` must outlive it. Not healthy at first.
  //
  // Errors: kUnavailable, the port cannot be had.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const RpcServerOptions& options,
                                                          const std::vector<RpcService*>& services);
  // As Shutdown() at once, if it was not called. Waits, as AwaitCalls(), without end.
  ~RpcServer();

  int port() const { return port_; }
  HealthService& health() { return health_; }

  // Takes no more calls, lets those under way end until `deadline`, and then cancels them. Returns when the connections
  // are closed: soon after `is_busy`, which is asked ten times a second, has said for a second that there is no call;
  // at the latest two seconds after `deadline`, with false, if a client does not read what it is sent. Once.
  bool Shutdown(absl::Time deadline, const std::function<bool()>& is_busy);

  // Waits until whoever works for a call has let go of it; after Shutdown(). False: not until `deadline`.
  bool AwaitCalls(absl::Time deadline) { return loop_->AwaitCalls(deadline); }

 private:
  explicit RpcServer(std::vector<std::string> service_names) : health_(std::move(service_names)) {}

  HealthService health_;
  std::optional<RpcLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::thread closing_;  // from Shutdown() on
  absl::Notification closed_;
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_RPC_RPC_SERVER_H_
