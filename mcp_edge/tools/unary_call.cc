#include "mcp_edge/tools/unary_call.h"

#include <functional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "mcp_edge/tools/tool_service_client.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;
using Async = tool::ToolService::StubInterface::async_interface;

template <typename Request, typename Response>
using Method = void (Async::*)(grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>);

// What the library uses until the call has ended, even if nobody waits for it any more.
template <typename Request, typename Response>
struct State {
  grpc::ClientContext context;
  Request request;
  Response response;  // the library's until `ended`
  absl::Mutex mutex;
  bool ended ABSL_GUARDED_BY(mutex) = false;
  grpc::Status status ABSL_GUARDED_BY(mutex);
};

template <typename Request, typename Response>
class GrpcUnaryCall final : public UnaryCall<Response> {
 public:
  GrpcUnaryCall(const ToolServiceClient& client, Method<Request, Response> method, Request request, absl::Time deadline,
                const TraceContext& trace_context) {
    state_->request = std::move(request);
    state_->context.set_deadline(absl::ToChronoTime(deadline));
    AddMetadata("traceparent", trace_context.traceparent);
    AddMetadata("tracestate", trace_context.tracestate);
    AddMetadata("baggage", trace_context.baggage);
    (client.stub().async()->*method)(&state_->context, &state_->request, &state_->response,
                                     [state = state_](grpc::Status status) {
                                       absl::MutexLock lock(&state->mutex);
                                       state->status = std::move(status);
                                       state->ended = true;
                                     });
  }

  ~GrpcUnaryCall() override {
    absl::MutexLock lock(&state_->mutex);
    if (!state_->ended) state_->context.TryCancel();
  }

  bool Wait(absl::Time until) override {
    absl::MutexLock lock(&state_->mutex);
    return state_->mutex.AwaitWithDeadline(absl::Condition(&state_->ended), until);
  }

  absl::StatusOr<Response> Take() override {
    absl::MutexLock lock(&state_->mutex);
    state_->mutex.Await(absl::Condition(&state_->ended));
    if (state_->status.ok()) return std::move(state_->response);
    return absl::Status(static_cast<absl::StatusCode>(state_->status.error_code()), state_->status.error_message());
  }

  void Cancel() override { state_->context.TryCancel(); }

 private:
  void AddMetadata(const char* key, const std::string& value) {
    if (!value.empty()) state_->context.AddMetadata(key, value);
  }

  const std::shared_ptr<State<Request, Response>> state_ = std::make_shared<State<Request, Response>>();
};

// Has a type for `method`, so that an overload is chosen.
template <typename Request, typename Response>
std::unique_ptr<UnaryCall<Response>> Start(const ToolServiceClient& client, Method<Request, Response> method,
                                           Request& request, absl::Time deadline, const TraceContext& trace_context) {
  if (request.has_context()) client.Vouch(*request.mutable_context());
  return std::make_unique<GrpcUnaryCall<Request, Response>>(client, method, std::move(request), deadline,
                                                            trace_context);
}

}  // namespace

std::unique_ptr<UnaryCall<tool::ReadResourceResponse>> StartUnaryCall(const ToolServiceClient& client,
                                                                      tool::ReadResourceRequest request,
                                                                      absl::Time deadline,
                                                                      const TraceContext& trace_context) {
  return Start<tool::ReadResourceRequest, tool::ReadResourceResponse>(client, &Async::ReadResource, request, deadline,
                                                                      trace_context);
}

std::unique_ptr<UnaryCall<tool::GetPromptResponse>> StartUnaryCall(const ToolServiceClient& client,
                                                                   tool::GetPromptRequest request, absl::Time deadline,
                                                                   const TraceContext& trace_context) {
  return Start<tool::GetPromptRequest, tool::GetPromptResponse>(client, &Async::GetPrompt, request, deadline,
                                                                trace_context);
}

std::unique_ptr<UnaryCall<tool::CompleteResponse>> StartUnaryCall(const ToolServiceClient& client,
                                                                  tool::CompleteRequest request, absl::Time deadline,
                                                                  const TraceContext& trace_context) {
  return Start<tool::CompleteRequest, tool::CompleteResponse>(client, &Async::Complete, request, deadline,
                                                              trace_context);
}

std::unique_ptr<UnaryCall<tool::ListResourcesResponse>> StartUnaryCall(const ToolServiceClient& client,
                                                                       tool::ListResourcesRequest request,
                                                                       absl::Time deadline,
                                                                       const TraceContext& trace_context) {
  return Start<tool::ListResourcesRequest, tool::ListResourcesResponse>(client, &Async::ListResources, request,
                                                                        deadline, trace_context);
}

}  // namespace mcp_edge
