// A call of a server that is answered later, by whoever has found the answer.

#ifndef GATEHOUSE_COMMON_RPC_PENDING_RPC_H_
#define GATEHOUSE_COMMON_RPC_PENDING_RPC_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>

#include "absl/time/time.h"
#include "common/rpc/rpc_loop.h"

namespace common {

// Is ended by whoever claims it first: one who has the answer, on any thread, or the call itself, with
// DEADLINE_EXCEEDED, when nobody waits for it any more. Lives until gRPC is done with it and nobody holds it, and its
// loop waits for that.
class PendingRpc : public UnaryRpc, public std::enable_shared_from_this<PendingRpc> {
 public:
  // To be called for each, before it waits for a call.
  static void Begin(const std::shared_ptr<PendingRpc>& call);

  bool is_claimed() const { return claimed_.load(std::memory_order_acquire); }

 protected:
  using UnaryRpc::UnaryRpc;

  // True, once: whoever has asked must end the call, with Finish() or FinishWithError().
  bool Claim() { return !claimed_.exchange(true, std::memory_order_acq_rel); }

  // The caller's; InfiniteFuture() if it has set none.
  absl::Time deadline() const;

  // The caller left, or its deadline passed, before there was an answer.
  virtual void OnAbandoned() {}

 private:
  void OnCancel() final;
  void Dispose() final { self_.reset(); }

  std::atomic<bool> claimed_{false};
  std::shared_ptr<PendingRpc> self_;  // set before the call is waited for, then the loop's
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_RPC_PENDING_RPC_H_
