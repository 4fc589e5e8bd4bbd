// Registers clients on threads of its own, and takes back what reached nobody.

#ifndef GATEHOUSE_AUTH_SERVICE_SERVER_REGISTRATION_HANDLER_H_
#define GATEHOUSE_AUTH_SERVICE_SERVER_REGISTRATION_HANDLER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "auth_service/registration/registrar.h"
#include "auth_service/registration/registration_metrics.h"
#include "common/executor.h"
#include "gatehouse/auth/v1/auth.pb.h"

namespace auth_service {

// Thread-safe; does not block.
class RegistrationHandler {
 public:
  // Somebody who waits for a registration. Thread-safe.
  class Caller {
   public:
    virtual ~Caller() = default;
    // Whether it has stopped waiting.
    virtual bool is_gone() const = 0;
    // Called once, on any thread. False: it was gone before, and has not got the answer.
    virtual bool Answer(const absl::StatusOr<gatehouse::auth::v1::RegisterClientResponse>& outcome) = 0;
  };

  // All must outlive this. `executor` runs one registration on a thread, which may take as long as its caller waits and
  // a few seconds more.
  RegistrationHandler(Registrar& registrar, common::Executor& executor, RegistrationMetrics& metrics)
      : registrar_(registrar), executor_(executor), metrics_(metrics) {}

  // Answers `caller`, here or on another thread, until `deadline` and within a minute.
  //
  // Errors: kUnavailable, too many registrations are under way; those of Registrar::Register().
  void Handle(gatehouse::auth::v1::RegisterClientRequest request, absl::Time deadline, std::shared_ptr<Caller> caller);

 private:
  Registrar& registrar_;
  common::Executor& executor_;
  RegistrationMetrics& metrics_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_SERVER_REGISTRATION_HANDLER_H_
