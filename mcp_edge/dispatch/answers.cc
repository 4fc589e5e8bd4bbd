#include "mcp_edge/dispatch/answers.h"

#include <utility>

#include "mcp_edge/jsonrpc/message.h"

namespace mcp_edge {
namespace {

class Answer final : public Exchange {
 public:
  explicit Answer(Step step) : step_(std::move(step)) {}
  Step Next() override { return std::move(step_); }
  bool Wait(absl::Time) override { return true; }
  void Cancel() override {}

 private:
  Step step_;
};

}  // namespace

Step ErrorStep(absl::string_view id_json, const RpcError& error) {
  Step step;
  step.message = ErrorResponse(id_json, WireErrorOf(error.kind).json_rpc, error.message, error.data_json);
  step.error = error.kind;
  return step;
}

Step ResultStep(absl::string_view id_json, absl::string_view result_json) {
  Step step;
  step.message = ResultResponse(id_json, result_json);
  return step;
}

std::unique_ptr<Exchange> AnswerWith(Step step) { return std::make_unique<Answer>(std::move(step)); }

}  // namespace mcp_edge
