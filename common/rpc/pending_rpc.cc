#include "common/rpc/pending_rpc.h"

#include <chrono>

namespace common {

void PendingRpc::Begin(const std::shared_ptr<PendingRpc>& call) { call->self_ = call; }

absl::Time PendingRpc::deadline() const {
  const auto deadline = context_.deadline();
  return deadline == std::chrono::system_clock::time_point::max() ? absl::InfiniteFuture() : absl::FromChrono(deadline);
}

void PendingRpc::OnCancel() {
  if (!Claim()) return;
  OnAbandoned();
  FinishWithError(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "the caller's time is over"));
}

}  // namespace common
