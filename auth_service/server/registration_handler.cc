#include "auth_service/server/registration_handler.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "common/log.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;

constexpr absl::Duration kLongestTime = absl::Seconds(60);

}  // namespace

void RegistrationHandler::Handle(RegisterClientRequest request, absl::Time deadline, std::shared_ptr<Caller> caller) {
  deadline = std::min(deadline, absl::Now() + kLongestTime);
  const std::string request_id = request.request_id();
  const bool is_accepted = executor_.Submit([this, request = std::move(request), deadline, caller] {
    const absl::StatusOr<RegisterClientResponse> outcome =
        registrar_.Register(request, deadline, [&] { return caller->is_gone(); });
    const std::string client_id = outcome.ok() ? outcome->client().client_id() : "";
    if (!caller->Answer(outcome) && !client_id.empty()) registrar_.Withdraw(client_id, request.request_id());
  });
  if (!is_accepted) {
    metrics_.unavailable.Increment();
    common::Log(common::Severity::kWarning, "registrations_overloaded", {{"request_id", request_id}});
    caller->Answer(absl::UnavailableError("too many registrations are under way"));
  }
}

}  // namespace auth_service
