// grpc.reflection.v1alpha.ServerReflection on an RpcLoop, for grpcurl and the like.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_REFLECTION_SERVICE_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_REFLECTION_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "common/rpc/rpc_service.h"

namespace tool_service {

// What the calls share; of reflection_service.cc.
class ReflectionCore;

// Tells clients which services there are and what they are made of, as far as the process knows their protos.
// Thread-safe.
class ReflectionService final : public common::RpcService {
 public:
  // `names`: the full names of the services of the server, itself excluded.
  explicit ReflectionService(std::vector<std::string> names);
  ~ReflectionService() override;

  // common::RpcService:
  void Register(grpc::ServerBuilder& builder) override;
  void Start(common::RpcLoop& loop) override;

 private:
  const std::unique_ptr<ReflectionCore> core_;
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_REFLECTION_SERVICE_H_
