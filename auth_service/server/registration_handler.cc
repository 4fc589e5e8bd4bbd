#include "auth_service/server/registration_handler.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "common/log.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;

// For a caller who sets no deadline.
constexpr absl::Duration kLongestTime = absl::Seconds(60);

// A call that waits for its registration. Ends by itself when gRPC is done with the call and the outcome has come.
class PendingRegistration final : public grpc::ServerUnaryReactor {
 public:
  explicit PendingRegistration(RegisterClientResponse* response) : response_(response) {}

  // Called once, on any thread. False: the caller was gone before.
  bool Complete(absl::StatusOr<RegisterClientResponse> outcome) {
    const bool first = !finished_.exchange(true);
    if (first) {
      if (outcome.ok()) *response_ = *std::move(outcome);
      Finish(grpc::Status(static_cast<grpc::StatusCode>(outcome.status().code()),
                          std::string(outcome.status().message())));
    }
    Unref();
    return first;
  }

  bool gone() const { return finished_.load(); }

  void OnCancel() override {
    if (finished_.exchange(true)) return;
    Finish(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "the caller's time is over"));
  }

  void OnDone() override { Unref(); }

 private:
  void Unref() {
    if (references_.fetch_sub(1) == 1) delete this;
  }

  RegisterClientResponse* const response_;  // lives until OnDone
  std::atomic<bool> finished_{false};
  std::atomic<int> references_{2};  // one for OnDone, one for Complete
};

}  // namespace

grpc::ServerUnaryReactor* RegistrationHandler::Handle(grpc::CallbackServerContext* context,
                                                      const RegisterClientRequest& request,
                                                      RegisterClientResponse* response) {
  auto* const pending = new PendingRegistration(response);
  const absl::Time deadline = std::min(absl::FromChrono(context->deadline()), absl::Now() + kLongestTime);
  const bool accepted = executor_.Submit([this, pending, request, deadline] {
    absl::StatusOr<RegisterClientResponse> outcome =
        registrar_.Register(request, deadline, [pending] { return pending->gone(); });
    const std::string client_id = outcome.ok() ? outcome->client().client_id() : "";
    if (!pending->Complete(std::move(outcome)) && !client_id.empty()) {
      registrar_.Withdraw(client_id, request.request_id());
    }
  });
  if (!accepted) {
    metrics_.unavailable.Increment();
    common::Log(common::Severity::kWarning, "registrations_overloaded", {{"request_id", request.request_id()}});
    pending->Complete(absl::UnavailableError("too many registrations are under way"));
  }
  return pending;
}

}  // namespace auth_service
