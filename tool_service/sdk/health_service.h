// grpc.health.v1.Health on an RpcLoop.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_HEALTH_SERVICE_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_HEALTH_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "tool_service/sdk/rpc_loop.h"

namespace tool_service {

// What the calls share; of health_service.cc.
class HealthCore;

// Tells clients whether the server serves: one answer for all services that it knows. Thread-safe. It must outlive the
// grpc::Server that it is registered with, and the work of the loop that it was started on.
class HealthService {
 public:
  // `names`: the services that it knows; "" is the server as a whole. Not serving at first.
  explicit HealthService(std::vector<std::string> names);
  ~HealthService();

  // Makes the server that is being built serve it.
  void Register(grpc::ServerBuilder& builder);

  // Begins to wait for calls, once the server is built and before the loop starts. Once.
  void Start(RpcLoop& loop);

  void SetServing(bool serving);

  // Not serving, whatever SetServing() says from now on.
  void Shutdown();

 private:
  const std::unique_ptr<HealthCore> core_;
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_HEALTH_SERVICE_H_
