#include "mcp_edge/dispatch/audited_exchange.h"

#include <utility>

#include "mcp_edge/dispatch/scope_check.h"

namespace mcp_edge {
namespace {

using Outcome = Decision::Outcome;

Outcome OutcomeOf(WireErrorKind kind) {
  switch (kind) {
    case WireErrorKind::kInsufficientScope:
      return Outcome::kChallenged;
    case WireErrorKind::kCancelled:
      return Outcome::kCancelled;
    case WireErrorKind::kInternal:
    case WireErrorKind::kOverloaded:
    case WireErrorKind::kTimeout:
    case WireErrorKind::kUnavailable:
      return Outcome::kFailed;
    default:
      return Outcome::kRefused;
  }
}

class AuditedExchange final : public Exchange {
 public:
  AuditedExchange(std::unique_ptr<Exchange> exchange, AuditTrail trail, AuditLog& audit, const common::Clock& clock)
      : exchange_(std::move(exchange)), trail_(std::move(trail)), audit_(audit), clock_(clock) {}

  ~AuditedExchange() override {
    if (!recorded_) Record(Outcome::kCancelled, WireErrorOf(WireErrorKind::kCancelled).reason);
  }

  Step Next() override {
    Step step = exchange_->Next();
    if (!step.last || recorded_) return step;
    if (!step.error.has_value()) {
      Record(Outcome::kAllowed, "");
    } else if (step.shortage != nullptr) {
      Record(Outcome::kChallenged, ShortageReason(*step.shortage));
    } else {
      Record(OutcomeOf(*step.error), WireErrorOf(*step.error).reason);
    }
    return step;
  }

  bool Wait(absl::Time until) override { return exchange_->Wait(until); }
  void Cancel() override { exchange_->Cancel(); }

 private:
  void Record(Outcome outcome, absl::string_view reason) {
    recorded_ = true;
    audit_.Record({.principal = trail_.principal.get(),
                   .method = trail_.method,
                   .name = trail_.name,
                   .arguments = trail_.arguments,
                   .scopes_asked = trail_.scopes_asked,
                   .outcome = outcome,
                   .reason = reason,
                   .request_id = trail_.request_id,
                   .duration = clock_.Now() - trail_.begin_time});
  }

  const std::unique_ptr<Exchange> exchange_;
  const AuditTrail trail_;
  AuditLog& audit_;
  const common::Clock& clock_;
  bool recorded_ = false;  // of the thread of Next()
};

}  // namespace

std::unique_ptr<Exchange> Audited(std::unique_ptr<Exchange> exchange, AuditTrail trail, AuditLog& audit,
                                  const common::Clock& clock) {
  return std::make_unique<AuditedExchange>(std::move(exchange), std::move(trail), audit, clock);
}

}  // namespace mcp_edge
