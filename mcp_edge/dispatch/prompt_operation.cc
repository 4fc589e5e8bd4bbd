#include "mcp_edge/dispatch/prompt_operation.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "mcp_edge/dispatch/service_status.h"
#include "mcp_edge/dispatch/unary_round.h"
#include "mcp_edge/protocol/rendering.h"

namespace mcp_edge {

namespace tool = gatehouse::tool::v1;

PromptOperation::PromptOperation(std::shared_ptr<const PromptEntry> entry, tool::GetPromptRequest request,
                                 OperationTerms terms)
    : entry_(std::move(entry)), request_(std::move(request)), terms_(std::move(terms)) {}

std::unique_ptr<Round> PromptOperation::Begin(const InputResponses& responses, absl::string_view state) {
  SetRoundInput(responses, state, request_);
  return std::make_unique<UnaryRound<PromptOperation, tool::GetPromptResponse>>(
      *this, StartUnaryCall(*entry_->service, request_, terms_.Deadline(), terms_.trace));
}

std::string PromptOperation::Identity() const {
  std::string identity = absl::StrCat("prompts/get\n", entry_->name, "\n");
  // The order of a protobuf map is another each time.
  const std::map<std::string, std::string> arguments(request_.arguments().begin(), request_.arguments().end());
  for (const auto& [name, value] : arguments) {
    absl::StrAppend(&identity, name.size(), ":", name, value.size(), ":", value);
  }
  return identity;
}

RoundEvent PromptOperation::Refuse(absl::string_view text) {
  return RpcError{WireErrorKind::kInternal, std::string(text), ""};
}

RpcError PromptOperation::Broken(const absl::Status& problem) {
  LogFailure(problem);
  return ServiceFault(absl::InternalError(""));
}

RoundEvent PromptOperation::Finished(const tool::GetPromptResult& result) {
  absl::StatusOr<std::string> rendered = RenderGetPromptResult(result, terms_.version);
  if (!rendered.ok()) return Broken(rendered.status());
  return OperationResult{*std::move(rendered), /*is_error=*/false};
}

RoundEvent PromptOperation::Failed(const absl::Status& status) {
  LogFailure(status);
  if (absl::IsNotFound(status)) {
    return RpcError{WireErrorKind::kInvalidParams, absl::StrCat("Unknown prompt: ", entry_->name), ""};
  }
  const std::optional<std::string> text = TextForCaller(status);
  if (!text.has_value()) return ServiceFault(status);
  return RpcError{absl::IsInvalidArgument(status) ? WireErrorKind::kInvalidParams : WireErrorKind::kInternal, *text,
                  ""};
}

void PromptOperation::LogFailure(const absl::Status& status) const {
  common::Log(common::Severity::kWarning, "prompt_failed",
              {{"prompt", entry_->name},
               {"tool_service", entry_->service->name()},
               {"request_id", terms_.request_id},
               {"code", absl::StatusCodeToString(status.code())},
               {"reason", status.message()}});
}

}  // namespace mcp_edge
