// How many clients may be registered in an hour, and how often somebody may be wrong about who may.

#ifndef GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRATION_LIMITS_H_
#define GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRATION_LIMITS_H_

#include <deque>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace auth_service {

// Those who share a limit: an IPv4 address, or the first 64 bits of an IPv6 one, which is what a subscriber gets. Other
// text stands for itself.
std::string AddressGroup(absl::string_view address);

// Counts exactly, over the last hour. Remembers no more than `per_hour` registrations. Thread-safe.
class RegistrationLimits {
 public:
  // `per_hour`: in all; `per_address`: of those, by one AddressGroup(). `clock` must outlive this.
  RegistrationLimits(int per_hour, int per_address, const common::Clock& clock)
      : per_hour_(static_cast<size_t>(per_hour)), per_address_(per_address), clock_(clock) {}

  // Counts one registration from `address`, or says how long there is no room for it.
  std::optional<absl::Duration> Take(absl::string_view address);

  // How long there is no room for `address`, whatever room there is for all together. Counts nothing.
  std::optional<absl::Duration> WaitOf(absl::string_view address);

  // Counts one registration less from `address`, the last one: nothing came of it.
  void GiveBack(absl::string_view address);

 private:
  struct Entry {
    absl::Time time;
    std::string group;
  };

  // Does without what is older than an hour at `now`.
  void Forget(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How long `group` has used up its share.
  std::optional<absl::Duration> WaitOfGroup(const std::string& group, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One registration of `group` is not counted any more.
  void Discount(const std::string& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t per_hour_;
  const int per_address_;
  const common::Clock& clock_;
  absl::Mutex mutex_;
  std::deque<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // of the last hour, the oldest first
  absl::flat_hash_map<std::string, int> counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRATION_LIMITS_H_
