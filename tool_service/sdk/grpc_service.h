// Serves a Service over gRPC: gatehouse.tool.v1.ToolService, callback API.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_GRPC_SERVICE_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_GRPC_SERVICE_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/executor.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "tool_service/sdk/metrics.h"
#include "tool_service/sdk/principal_verifier.h"
#include "tool_service/sdk/service.h"

namespace tool_service {

// A stream to an edge that stays open.
class OpenStream {
 public:
  virtual ~OpenStream() = default;
  // Ends it with UNAVAILABLE, once what is being written has been written.
  virtual void EndForShutdown() = 0;
};

// Before anything else, every request but those for a stream that stays open must say who calls, in an assertion that
// the verifier believes; handlers see that principal and nothing of the one that stood beside it. What is not believed
// is UNAUTHENTICATED; what cannot be told now, UNAVAILABLE. Both are counted and logged (`principal_refused`).
//
// Every method finds what is asked for and runs the function behind it, on the executor (tools may be inline);
// RESOURCE_EXHAUSTED when the executor is full. WatchCatalog sends the catalogue at once and after each change; a
// client that reads slowly gets the newest, not each. WatchResources sends the URIs that the service is told of; a
// client that reads slowly gets each once, and loses those beyond 4,096.
//
// Thread-safe. The collaborators must outlive it; it must outlive the grpc::Server that it is registered with.
class GrpcService final : public gatehouse::tool::v1::ToolService::CallbackService {
 public:
  // `verifier`: null takes the word of whoever calls.
  GrpcService(tool_service::Service& service, common::ThreadExecutor& executor, Metrics& metrics,
              PrincipalVerifier* verifier = nullptr)
      : service_(service), executor_(executor), metrics_(metrics), verifier_(verifier) {}

  // Ends every stream that stays open, and each new one, with UNAVAILABLE: the first step of a shutdown, without which
  // the streams would keep the server alive.
  void EndStreams();

  grpc::ServerWriteReactor<gatehouse::tool::v1::Catalog>* WatchCatalog(
      grpc::CallbackServerContext* context, const gatehouse::tool::v1::WatchCatalogRequest* request) override;

  grpc::ServerWriteReactor<gatehouse::tool::v1::ResourceUpdated>* WatchResources(
      grpc::CallbackServerContext* context, const gatehouse::tool::v1::WatchResourcesRequest* request) override;

  grpc::ServerWriteReactor<gatehouse::tool::v1::CallToolEvent>* CallTool(
      grpc::CallbackServerContext* context, const gatehouse::tool::v1::CallToolRequest* request) override;

  grpc::ServerUnaryReactor* ReadResource(grpc::CallbackServerContext* context,
                                         const gatehouse::tool::v1::ReadResourceRequest* request,
                                         gatehouse::tool::v1::ReadResourceResponse* response) override;

  grpc::ServerUnaryReactor* ListResources(grpc::CallbackServerContext* context,
                                          const gatehouse::tool::v1::ListResourcesRequest* request,
                                          gatehouse::tool::v1::ListResourcesResponse* response) override;

  grpc::ServerUnaryReactor* GetPrompt(grpc::CallbackServerContext* context,
                                      const gatehouse::tool::v1::GetPromptRequest* request,
                                      gatehouse::tool::v1::GetPromptResponse* response) override;

  grpc::ServerUnaryReactor* Complete(grpc::CallbackServerContext* context,
                                     const gatehouse::tool::v1::CompleteRequest* request,
                                     gatehouse::tool::v1::CompleteResponse* response) override;

 private:
  // Remembers a stream until it ends; ends it at once if this is the end.
  void Keep(const std::shared_ptr<OpenStream>& stream);

  tool_service::Service& service_;
  common::ThreadExecutor& executor_;
  Metrics& metrics_;
  PrincipalVerifier* const verifier_;
  absl::Mutex mutex_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<OpenStream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_GRPC_SERVICE_H_
