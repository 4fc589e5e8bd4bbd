// Serves a Service over gRPC: gatehouse.tool.v1.ToolService, callback API.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_GRPC_SERVICE_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_GRPC_SERVICE_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "tool_service/sdk/executor.h"
#include "tool_service/sdk/metrics.h"
#include "tool_service/sdk/service.h"

namespace tool_service {

class CatalogStream;

// CallTool finds the tool and runs its handler, inline or on the executor; RESOURCE_EXHAUSTED when the executor is
// full. WatchCatalog sends the catalogue at once and after each change; a client that reads slowly gets the newest, not
// each. Resources, prompts and completion are UNIMPLEMENTED: a Service has none of them.
//
// Thread-safe. The collaborators must outlive it; it must outlive the grpc::Server that it is registered with.
class GrpcService final : public gatehouse::tool::v1::ToolService::CallbackService {
 public:
  GrpcService(tool_service::Service& service, Executor& executor, Metrics& metrics)
      : service_(service), executor_(executor), metrics_(metrics) {}

  // Ends every catalogue stream, and each new one, with UNAVAILABLE: the first step of a shutdown, without which the
  // streams would keep the server alive.
  void EndCatalogStreams();

  grpc::ServerWriteReactor<gatehouse::tool::v1::Catalog>* WatchCatalog(
      grpc::CallbackServerContext* context, const gatehouse::tool::v1::WatchCatalogRequest* request) override;

  grpc::ServerWriteReactor<gatehouse::tool::v1::CallToolEvent>* CallTool(
      grpc::CallbackServerContext* context, const gatehouse::tool::v1::CallToolRequest* request) override;

 private:
  tool_service::Service& service_;
  Executor& executor_;
  Metrics& metrics_;
  absl::Mutex mutex_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<CatalogStream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_GRPC_SERVICE_H_
