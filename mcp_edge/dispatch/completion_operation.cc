#include "mcp_edge/dispatch/completion_operation.h"

#include <optional>
#include <utility>

#include "common/log.h"
#include "mcp_edge/dispatch/service_status.h"
#include "mcp_edge/dispatch/unary_round.h"
#include "mcp_edge/protocol/rendering.h"

namespace mcp_edge {

namespace tool = gatehouse::tool::v1;

CompletionOperation::CompletionOperation(std::shared_ptr<ToolServiceClient> service, tool::CompleteRequest request,
                                         OperationTerms terms)
    : service_(std::move(service)), request_(std::move(request)), terms_(std::move(terms)) {}

std::unique_ptr<Round> CompletionOperation::Begin(const InputResponses&, absl::string_view) {
  return std::make_unique<UnaryRound<CompletionOperation, tool::CompleteResponse>>(
      *this, StartUnaryCall(*service_, request_, terms_.Deadline(), terms_.trace));
}

std::string CompletionOperation::Identity() const { return "completion/complete"; }

RoundEvent CompletionOperation::Refuse(absl::string_view text) {
  return RpcError{WireErrorKind::kInternal, std::string(text), ""};
}

RpcError CompletionOperation::Broken(const absl::Status& problem) {
  common::Log(common::Severity::kWarning, "completion_failed",
              {{"tool_service", service_->name()},
               {"request_id", terms_.request_id},
               {"code", absl::StatusCodeToString(problem.code())},
               {"reason", problem.message()}});
  return ServiceFault(problem);
}

RoundEvent CompletionOperation::Finished(const tool::CompleteResponse& response) {
  return OperationResult{RenderCompleteResult(response, terms_.version), /*is_error=*/false};
}

RoundEvent CompletionOperation::Failed(const absl::Status& status) {
  if (absl::IsUnimplemented(status)) return Finished({});
  const std::optional<std::string> text = TextForCaller(status);
  if (!text.has_value()) return Broken(status);
  const bool callers_fault = absl::IsNotFound(status) || absl::IsInvalidArgument(status);
  return RpcError{callers_fault ? WireErrorKind::kInvalidParams : WireErrorKind::kInternal, *text, ""};
}

}  // namespace mcp_edge
