#include "auth_service/token/refusal_budget.h"

#include <algorithm>

namespace auth_service {
namespace {

constexpr double kCapacitySeconds = 5;

}  // namespace

RefusalBudget::RefusalBudget(int per_second, const common::Clock& clock)
    : per_second_(per_second),
      capacity_(per_second * kCapacitySeconds),
      clock_(clock),
      left_(capacity_),
      fill_time_(clock.Now()) {}

bool RefusalBudget::Reserve() {
  absl::MutexLock lock(&mutex_);
  Fill();
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

void RefusalBudget::GiveBack() {
  absl::MutexLock lock(&mutex_);
  Fill();
  left_ = std::min(capacity_, left_ + 1);
}

void RefusalBudget::Fill() {
  const absl::Time now = clock_.Now();
  // A clock that was set back fills nothing, and takes nothing away.
  const double seconds = std::max(0.0, absl::ToDoubleSeconds(now - fill_time_));
  left_ = std::min(capacity_, left_ + seconds * per_second_);
  fill_time_ = now;
}

}  // namespace auth_service
