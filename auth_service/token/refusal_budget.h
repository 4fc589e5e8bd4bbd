// Bounds what tokens that nobody issued may cost the provider.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_REFUSAL_BUDGET_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_REFUSAL_BUDGET_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace auth_service {

// A token bucket for checks that end in a refusal: it is full with five seconds' worth, and every refusal
// takes one out. A check reserves one before it asks, and puts it back unless it was refused; so good tokens cost
// nothing, and of made-up ones no more than `per_second` reach the provider in the long run. Thread-safe.
class RefusalBudget {
 public:
  // `per_second` is positive. `clock` must outlive this.
  RefusalBudget(int per_second, const common::Clock& clock);

  // Takes one out. False: there is none, and the check must not be made now.
  bool Reserve();

  // Puts one back.
  void GiveBack();

 private:
  void Fill() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const double per_second_;
  const double capacity_;
  const common::Clock& clock_;
  absl::Mutex mutex_;
  double left_ ABSL_GUARDED_BY(mutex_);
  absl::Time fill_time_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_REFUSAL_BUDGET_H_
