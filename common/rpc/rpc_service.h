// What an RpcServer serves.

#ifndef GATEHOUSE_COMMON_RPC_RPC_SERVICE_H_
#define GATEHOUSE_COMMON_RPC_RPC_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "common/rpc/rpc_loop.h"

namespace common {

// Set up in two steps. Must outlive the grpc::Server that it is registered with, and the work of the loop.
class RpcService {
 public:
  virtual ~RpcService() = default;

  // Makes the server that is being built serve it.
  virtual void Register(grpc::ServerBuilder& builder) = 0;

  // Begins to wait for calls, once the server is built and before the loop starts. Once.
  virtual void Start(RpcLoop& loop) = 0;
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_RPC_RPC_SERVICE_H_
