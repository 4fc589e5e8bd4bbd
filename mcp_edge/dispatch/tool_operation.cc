#include "mcp_edge/dispatch/tool_operation.h"

#include <atomic>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "mcp_edge/dispatch/service_status.h"
#include "mcp_edge/jsonrpc/compact_json.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/tools/tool_call.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

class ToolRound final : public Round {
 public:
  ToolRound(ToolOperation& operation, std::unique_ptr<ToolCall> call, int max_events)
      : operation_(operation), call_(std::move(call)), events_left_(max_events) {}

  bool Wait(absl::Time until) override { return call_->Wait(until); }

  RoundEvent Next() override {
    absl::StatusOr<tool::CallToolEvent> event = call_->Next();
    if (!event.ok()) return operation_.Failed(event.status(), cancelled_);
    if (--events_left_ < 0) {
      call_->Cancel();
      return operation_.Broken(absl::InternalError("the tool service sends events without end"));
    }
    switch (event->event_case()) {
      case tool::CallToolEvent::kProgress:
        return std::move(*event->mutable_progress());
      case tool::CallToolEvent::kLog:
        return std::move(*event->mutable_log());
      case tool::CallToolEvent::kResult:
        return operation_.Finished(event->result());
      case tool::CallToolEvent::kInputRequired:
        return std::move(*event->mutable_input_required());
      case tool::CallToolEvent::kTaskStarted:
        return event->task_started();
      case tool::CallToolEvent::kCloseStream:
        return event->close_stream();
      case tool::CallToolEvent::EVENT_NOT_SET:
        break;  // ToolCall takes it for an error
    }
    return operation_.Broken(absl::InternalError("the tool service sent an empty event"));
  }

  void Cancel() override {
    cancelled_ = true;
    call_->Cancel();
  }

 private:
  ToolOperation& operation_;
  const std::unique_ptr<ToolCall> call_;
  std::atomic<bool> cancelled_{false};
  int events_left_;
};

// Of what JsonSchema says is wrong, the first place and the rule, for the log: a value, which is none of its business,
// comes only after ", not ".
absl::string_view WithoutValues(absl::string_view violation) { return violation.substr(0, violation.find(", not ")); }

}  // namespace

ToolOperation::ToolOperation(std::shared_ptr<const ToolEntry> entry, tool::CallToolRequest request,
                             OperationTerms terms, int max_events, EdgeMetrics& metrics)
    : entry_(std::move(entry)),
      request_(std::move(request)),
      terms_(std::move(terms)),
      max_events_(max_events),
      metrics_(metrics) {}

std::unique_ptr<Round> ToolOperation::Begin(const InputResponses& responses, absl::string_view state) {
  SetRoundInput(responses, state, request_);
  return std::make_unique<ToolRound>(*this, entry_->service->StartCall(request_, terms_.Deadline(), terms_.trace),
                                     max_events_);
}

std::string ToolOperation::Identity() const {
  // White space makes no difference; anything else might to the tool, which gets the bytes: numbers that are the same
  // as doubles need not be the same.
  const absl::StatusOr<std::string> arguments =
      CompactJson(request_.arguments_json().empty() ? "{}" : request_.arguments_json());
  return absl::StrCat("tools/call\n", entry_->name, "\n", arguments.ok() ? *arguments : request_.arguments_json());
}

RoundEvent ToolOperation::Refuse(absl::string_view text) {
  metrics_.tool_calls_tool_error_total.Increment();
  return OperationResult{RenderToolError(text, terms_.version), /*is_error=*/true};
}

RpcError ToolOperation::Broken(const absl::Status& problem) {
  LogFailure(problem);
  metrics_.tool_calls_failed_total.Increment();
  return ServiceFault(absl::InternalError(""));
}

RoundEvent ToolOperation::Finished(const tool::CallToolResult& result) {
  absl::StatusOr<std::string> rendered = RenderCallToolResult(result, terms_.version);
  if (!rendered.ok()) return Broken(rendered.status());
  if (entry_->output_schema != nullptr && !result.is_error()) {
    const std::string& structured = result.structured_content_json();
    const std::optional<std::string> violation =
        structured.empty() ? std::optional<std::string>("there is none") : entry_->output_schema->Check(structured);
    if (violation.has_value()) {
      return Broken(absl::InternalError(
          absl::StrCat("structured content does not fit the output schema: ", WithoutValues(*violation))));
    }
  }
  (result.is_error() ? metrics_.tool_calls_tool_error_total : metrics_.tool_calls_result_total).Increment();
  return OperationResult{*std::move(rendered), result.is_error()};
}

RoundEvent ToolOperation::Failed(const absl::Status& status, bool cancelled) {
  if (cancelled) {
    metrics_.tool_calls_cancelled_total.Increment();
    return RpcError{WireErrorKind::kCancelled, "cancelled", ""};
  }
  LogFailure(status);
  if (const std::optional<std::string> text = TextForCaller(status); text.has_value()) return Refuse(*text);
  metrics_.tool_calls_failed_total.Increment();
  return ServiceFault(status);
}

void ToolOperation::LogFailure(const absl::Status& status) const {
  common::Log(common::Severity::kWarning, "tool_call_failed",
              {{"tool", entry_->name},
               {"tool_service", entry_->service->name()},
               {"request_id", terms_.request_id},
               {"code", absl::StatusCodeToString(status.code())},
               {"reason", status.message()}});
}

}  // namespace mcp_edge
