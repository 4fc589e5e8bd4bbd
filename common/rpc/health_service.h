// grpc.health.v1.Health on an RpcLoop.

#ifndef GATEHOUSE_COMMON_RPC_HEALTH_SERVICE_H_
#define GATEHOUSE_COMMON_RPC_HEALTH_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "common/rpc/rpc_service.h"

namespace common {

// What the calls share; of health_service.cc.
class HealthCore;

// Tells clients whether the server serves: one answer for all services that it knows. Thread-safe. It must outlive the
// grpc::Server that it is registered with, and the work of the loop that it was started on.
class HealthService final : public RpcService {
 public:
  // `names`: the services that it knows; "" is the server as a whole. Not serving at first.
  explicit HealthService(std::vector<std::string> names);
  ~HealthService() override;

  // RpcService:
  void Register(grpc::ServerBuilder& builder) override;
  void Start(RpcLoop& loop) override;

  void SetServing(bool serving);

  // Not serving, whatever SetServing() says from now on.
  void Shutdown();

 private:
  const std::unique_ptr<HealthCore> core_;
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_RPC_HEALTH_SERVICE_H_
