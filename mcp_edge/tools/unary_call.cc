#include "mcp_edge/tools/unary_call.h"

#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/status.h"
#include "mcp_edge/tools/bounded_message.h"
#include "mcp_edge/tools/tool_service_client.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

// What the library uses until the call has ended, even if nobody waits for it any more.
template <typename Request, typename Response>
struct State {
  grpc::ClientContext context;
  Request request;
  Bounded<Response> response;  // the library's until `ended`
  absl::Mutex mutex;
  bool ended ABSL_GUARDED_BY(mutex) = false;
  grpc::Status status ABSL_GUARDED_BY(mutex);
};

template <typename Request, typename Response>
class GrpcUnaryCall final : public UnaryCall<Response> {
 public:
  GrpcUnaryCall(const ToolServiceClient& client, const char* method, Request request, absl::Time deadline,
                const TraceContext& trace_context) {
    state_->request = std::move(request);
    state_->context.set_deadline(absl::ToChronoTime(deadline));
    AddMetadata("traceparent", trace_context.traceparent);
    AddMetadata("tracestate", trace_context.tracestate);
    AddMetadata("baggage", trace_context.baggage);
    grpc::TemplatedGenericStub<Request, Bounded<Response>> stub(client.channel());
    stub.UnaryCall(&state_->context, absl::StrCat("/gatehouse.tool.v1.ToolService/", method), {}, &state_->request,
                   &state_->response, [state = state_](grpc::Status status) {
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
    if (state_->status.ok()) {
      if (state_->response.flaw != nullptr) {
        return absl::InternalError(absl::StrCat("the answer of the tool service ", state_->response.flaw));
      }
      return std::move(state_->response.message);
    }
    return absl::Status(static_cast<absl::StatusCode>(state_->status.error_code()), state_->status.error_message());
  }

  void Cancel() override { state_->context.TryCancel(); }

 private:
  void AddMetadata(const char* key, const std::string& value) {
    if (!value.empty()) state_->context.AddMetadata(key, value);
  }

  const std::shared_ptr<State<Request, Response>> state_ = std::make_shared<State<Request, Response>>();
};

template <typename Request, typename Response>
std::unique_ptr<UnaryCall<Response>> Start(const ToolServiceClient& client, const char* method, Request& request,
                                           absl::Time deadline, const TraceContext& trace_context) {
  if (request.has_context()) client.Vouch(*request.mutable_context());
  return std::make_unique<GrpcUnaryCall<Request, Response>>(client, method, std::move(request), deadline,
                                                            trace_context);
}

}  // namespace

std::unique_ptr<UnaryCall<tool::ReadResourceResponse>> StartUnaryCall(const ToolServiceClient& client,
                                                                      tool::ReadResourceRequest request,
                                                                      absl::Time deadline,
                                                                      const TraceContext& trace_context) {
  return Start<tool::ReadResourceRequest, tool::ReadResourceResponse>(client, "ReadResource", request, deadline,
                                                                      trace_context);
}

std::unique_ptr<UnaryCall<tool::GetPromptResponse>> StartUnaryCall(const ToolServiceClient& client,
                                                                   tool::GetPromptRequest request, absl::Time deadline,
                                                                   const TraceContext& trace_context) {
  return Start<tool::GetPromptRequest, tool::GetPromptResponse>(client, "GetPrompt", request, deadline, trace_context);
}

std::unique_ptr<UnaryCall<tool::CompleteResponse>> StartUnaryCall(const ToolServiceClient& client,
                                                                  tool::CompleteRequest request, absl::Time deadline,
                                                                  const TraceContext& trace_context) {
  return Start<tool::CompleteRequest, tool::CompleteResponse>(client, "Complete", request, deadline, trace_context);
}

std::unique_ptr<UnaryCall<tool::ListResourcesResponse>> StartUnaryCall(const ToolServiceClient& client,
                                                                       tool::ListResourcesRequest request,
                                                                       absl::Time deadline,
                                                                       const TraceContext& trace_context) {
  return Start<tool::ListResourcesRequest, tool::ListResourcesResponse>(client, "ListResources", request, deadline,
                                                                        trace_context);
}

}  // namespace mcp_edge
