// What registration counts; explained for operators in README.md.

#ifndef GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRATION_METRICS_H_
#define GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRATION_METRICS_H_

#include <array>

#include "absl/strings/string_view.h"
#include "gatehouse/auth/v1/auth.pb.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace auth_service {

// Every series exists from the start. Thread-safe; one instance, built in main.
class RegistrationMetrics {
 public:
  // Registers with `registry`, which must outlive this.
  explicit RegistrationMetrics(prometheus::Registry& registry);

  prometheus::Counter& registered;
  // The provider could not be asked, or too many registrations were under way.
  prometheus::Counter& unavailable;
  prometheus::Counter& refused(gatehouse::auth::v1::RegistrationRefusalReason reason) { return *refused_[reason]; }
  // Applications that were deleted again because a later step failed, and those that could not be.
  prometheus::Counter& withdrawn;
  prometheus::Counter& left_behind;

 private:
  std::array<prometheus::Counter*, gatehouse::auth::v1::RegistrationRefusalReason_ARRAYSIZE> refused_{};
};

// The name of a reason in metrics and logs: "rate_limited".
absl::string_view RegistrationRefusalReasonName(gatehouse::auth::v1::RegistrationRefusalReason reason);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRATION_METRICS_H_
