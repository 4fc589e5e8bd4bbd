// Serves a Service over gRPC: gatehouse.tool.v1.ToolService.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_GRPC_SERVICE_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_GRPC_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "common/executor.h"
#include "common/rpc/rpc_service.h"
#include "tool_service/sdk/metrics.h"
#include "tool_service/sdk/principal_verifier.h"
#include "tool_service/sdk/service.h"

namespace tool_service {

// What its calls share; of grpc_service.cc.
class GrpcServiceCore;

// Before anything else, every request but those for a stream that stays open must say who calls, in an assertion that
// the verifier believes; handlers see that principal and nothing of the one that stood beside it. What is not believed
// is UNAUTHENTICATED; what cannot be told now, UNAVAILABLE. Both are counted and logged (`principal_refused`).
//
// Every method finds what is asked for and runs the function behind it, on the executor; RESOURCE_EXHAUSTED when that
// is full. A tool with Execution::kInline runs on the thread of the loop on which its call came, unless the executor
// must first wait for the keys that tell who calls. WatchCatalog sends the catalogue at once and after each change; a
// client that reads slowly gets the newest, not each. WatchResources sends the URIs that the service is told of; a
// client that reads slowly gets each once, and loses those beyond 4,096.
//
// Thread-safe. The collaborators must outlive it; it must outlive the grpc::Server that it is registered with, and the
// work of the loop that it was started on.
class GrpcService final : public common::RpcService {
 public:
  // `verifier`: null takes the word of whoever calls.
  GrpcService(tool_service::Service& service, common::ThreadExecutor& executor, Metrics& metrics,
              PrincipalVerifier* verifier = nullptr);
  ~GrpcService() override;

  // common::RpcService:
  void Register(grpc::ServerBuilder& builder) override;
  void Start(common::RpcLoop& loop) override;

  // Ends every stream that stays open, and each new one, with UNAVAILABLE: the first step of a shutdown, without which
  // the streams would keep the server alive.
  void EndStreams();

 private:
  const std::unique_ptr<GrpcServiceCore> core_;
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_GRPC_SERVICE_H_
