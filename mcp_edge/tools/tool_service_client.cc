#include "mcp_edge/tools/tool_service_client.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "mcp_edge/assertion/principal_signer.h"
#include "mcp_edge/rpc/grpc_wire.h"
#include "mcp_edge/rpc/rpc_channel.h"
#include "mcp_edge/tools/bounded_message.h"
#include "mcp_edge/tools/grpc_channel.h"

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::CallToolEvent;
using gatehouse::tool::v1::CallToolRequest;

constexpr char kCallTool[] = "/gatehouse.tool.v1.ToolService/CallTool";
// How long a service may take to end the stream after the outcome.
constexpr absl::Duration kEndTimeout = absl::Seconds(2);

bool Parse(const std::string& message, CallToolEvent& event) {
  if (message.size() > kCountedBytes) {
    google::protobuf::io::ArrayInputStream wire(message.data(), static_cast<int>(message.size()));
    if (!HasFewParts(*CallToolEvent::descriptor(), wire)) return false;
  }
  return event.ParseFromString(message);
}

bool IsOutcome(const CallToolEvent& event) { return event.has_result() || event.has_input_required(); }

std::vector<std::pair<const char*, std::string>> MetadataOf(const TraceContext& trace_context) {
  std::vector<std::pair<const char*, std::string>> metadata;
  const auto add = [&metadata](const char* key, const std::string& value) {
    if (!value.empty()) metadata.emplace_back(key, value);
  };
  add("traceparent", trace_context.traceparent);
  add("tracestate", trace_context.tracestate);
  add("baggage", trace_context.baggage);
  return metadata;
}

class GrpcToolCall final : public ToolCall {
 public:
  explicit GrpcToolCall(std::unique_ptr<RpcCall> call) : call_(std::move(call)) {}

  absl::StatusOr<CallToolEvent> Next() override {
    if (ended_) return absl::FailedPreconditionError("the call has ended");
    const std::optional<std::string> message = call_->Read();
    if (!message.has_value()) {  // the end, without an outcome
      ended_ = true;
      const absl::Status status = call_->status();
      return status.ok() ? absl::InternalError("the tool service ended the call without an outcome") : status;
    }
    absl::StatusOr<CallToolEvent> event(absl::in_place);
    if (!Parse(*message, *event)) {
      return Broken("the tool service sent an event that cannot be decoded, or one of too many parts");
    }
    if (event->event_case() == CallToolEvent::EVENT_NOT_SET) return Broken("the tool service sent an empty event");
    if (IsOutcome(*event)) {
      const absl::Status end = ExpectEnd();
      if (!end.ok()) return end;
    }
    return event;
  }

  bool Wait(absl::Time until) override { return ended_ || call_->Wait(until); }

  void Cancel() override { call_->Cancel(); }

 private:
  // After the outcome: nothing more, and OK.
  absl::Status ExpectEnd() {
    ended_ = true;
    if (!call_->Wait(absl::Now() + kEndTimeout)) {
      call_->Cancel();
      return absl::InternalError("the tool service did not end the call after its outcome");
    }
    if (call_->Read().has_value()) return absl::InternalError("the tool service sent an event after the outcome");
    return call_->status();
  }

  absl::Status Broken(absl::string_view what) {
    ended_ = true;
    call_->Cancel();
    return absl::InternalError(what);
  }

  const std::unique_ptr<RpcCall> call_;
  bool ended_ = false;
};

}  // namespace

ToolServiceClient::ToolServiceClient(std::string name, std::string target, PrincipalSigner* signer,
                                     const common::GrpcSecurity* security)
    : name_(std::move(name)),
      target_(std::move(target)),
      signer_(signer),
      calls_(target_, security),
      channel_(MakeChannel(target_, security)) {}

ToolServiceClient::~ToolServiceClient() = default;

std::unique_ptr<ToolCall> ToolServiceClient::StartCall(CallToolRequest& request, absl::Time deadline,
                                                       const TraceContext& trace_context) const {
  if (request.has_context()) Vouch(*request.mutable_context());
  return std::make_unique<GrpcToolCall>(
      calls_.Start(kCallTool, FrameMessage(request), deadline, MetadataOf(trace_context)));
}

void ToolServiceClient::Vouch(gatehouse::tool::v1::CallContext& context) const {
  if (signer_ == nullptr || !context.has_principal()) return;
  gatehouse::tool::v1::Principal& principal = *context.mutable_principal();
  principal.clear_assertion();  // that of an earlier round
  principal.set_assertion(signer_->Sign(principal, name_));
}

}  // namespace mcp_edge
