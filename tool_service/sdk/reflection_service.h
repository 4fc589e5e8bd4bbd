// grpc.reflection.v1alpha.ServerReflection on an RpcLoop, for grpcurl and the like.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_REFLECTION_SERVICE_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_REFLECTION_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "tool_service/sdk/rpc_loop.h"

namespace tool_service {

// What the calls share; of reflection_service.cc.
class ReflectionCore;

// Tells clients which services there are and what they are made of, as far as the process knows their protos.
// Thread-safe. It must outlive the grpc::Server that it is registered with, and the work of the loop that it was
// started on.
class ReflectionService {
 public:
  // `names`: the full names of the services of the server, itself excluded.
  explicit ReflectionService(std::vector<std::string> names);
  ~ReflectionService();

  // Makes the server that is being built serve it.
  void Register(grpc::ServerBuilder& builder);

  // Begins to wait for calls, once the server is built and before the loop starts. Once.
  void Start(RpcLoop& loop);

 private:
  const std::unique_ptr<ReflectionCore> core_;
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_REFLECTION_SERVICE_H_
