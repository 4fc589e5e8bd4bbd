// The round of an operation that is one call with one answer.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_UNARY_ROUND_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_UNARY_ROUND_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "mcp_edge/dispatch/operation.h"
#include "mcp_edge/tools/unary_call.h"

namespace mcp_edge {

// `Owner` has `RoundEvent Failed(const absl::Status&)`, `RpcError Broken(const absl::Status&)` and
// `RoundEvent Finished(…)`, for the `result` of a `Response` that may be `input_required` instead, or for all of a
// `Response` without such outcomes. It outlives the round.
template <typename Owner, typename Response>
class UnaryRound final : public Round {
 public:
  UnaryRound(Owner& owner, std::unique_ptr<UnaryCall<Response>> call) : owner_(owner), call_(std::move(call)) {}

  bool Wait(absl::Time until) override { return call_->Wait(until); }

  RoundEvent Next() override {
    absl::StatusOr<Response> response = call_->Take();
    if (cancelled_) return RpcError{WireErrorKind::kCancelled, "cancelled", ""};
    if (!response.ok()) return owner_.Failed(response.status());
    if constexpr (requires { response->input_required(); }) {
      if (response->has_input_required()) return std::move(*response->mutable_input_required());
      if (response->has_result()) return owner_.Finished(response->result());
      return owner_.Broken(absl::InternalError("the tool service answered without an outcome"));
    } else {
      return owner_.Finished(*response);
    }
  }

  void Cancel() override {
    cancelled_ = true;
    call_->Cancel();
  }

 private:
  Owner& owner_;
  const std::unique_ptr<UnaryCall<Response>> call_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_UNARY_ROUND_H_
