#include "auth_service/registration/registration_metrics.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RegistrationRefusalReason;
using prometheus::BuildCounter;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Registry;

Family<Counter>& Registrations(Registry& registry) {
  return BuildCounter()
      .Name("gatehouse_auth_registrations_total")
      .Help("Client registrations asked for, by outcome.")
      .Register(registry);
}

Family<Counter>& Withdrawals(Registry& registry) {
  return BuildCounter()
      .Name("gatehouse_auth_registrations_withdrawn_total")
      .Help("Applications to be deleted again because a later step failed: done, or left_behind for an operator.")
      .Register(registry);
}

}  // namespace

absl::string_view RegistrationRefusalReasonName(RegistrationRefusalReason reason) {
  static const auto* const names = [] {
    auto* const all = new std::array<std::string, gatehouse::auth::v1::RegistrationRefusalReason_ARRAYSIZE>;
    for (size_t i = 0; i < all->size(); ++i) {
      const std::string& name =
          gatehouse::auth::v1::RegistrationRefusalReason_Name(static_cast<RegistrationRefusalReason>(i));
      (*all)[i] = absl::AsciiStrToLower(absl::StripPrefix(name, "REGISTRATION_REFUSAL_REASON_"));
    }
    return all;
  }();
  return (*names)[reason];
}

RegistrationMetrics::RegistrationMetrics(Registry& registry)
    : registered(Registrations(registry).Add({{"outcome", "registered"}})),
      unavailable(Registrations(registry).Add({{"outcome", "unavailable"}})),
      withdrawn(Withdrawals(registry).Add({{"result", "done"}})),
      left_behind(Withdrawals(registry).Add({{"result", "left_behind"}})) {
  for (size_t i = 1; i < refused_.size(); ++i) {
    const std::string reason(RegistrationRefusalReasonName(static_cast<RegistrationRefusalReason>(i)));
    refused_[i] = &Registrations(registry).Add({{"outcome", reason}});
  }
}

}  // namespace auth_service
