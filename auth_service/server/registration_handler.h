// RegisterClient over gRPC: waits on threads of its own, and takes back what reached nobody.

#ifndef GATEHOUSE_AUTH_SERVICE_SERVER_REGISTRATION_HANDLER_H_
#define GATEHOUSE_AUTH_SERVICE_SERVER_REGISTRATION_HANDLER_H_

#include <grpcpp/grpcpp.h>

#include "auth_service/registration/registrar.h"
#include "auth_service/registration/registration_metrics.h"
#include "common/executor.h"
#include "gatehouse/auth/v1/auth.pb.h"

namespace auth_service {

// Thread-safe; does not block.
class RegistrationHandler {
 public:
  // All must outlive this. `executor` runs one registration on a thread, which may take as long as its caller waits and
  // a few seconds more.
  RegistrationHandler(Registrar& registrar, common::Executor& executor, RegistrationMetrics& metrics)
      : registrar_(registrar), executor_(executor), metrics_(metrics) {}

  grpc::ServerUnaryReactor* Handle(grpc::CallbackServerContext* context,
                                   const gatehouse::auth::v1::RegisterClientRequest& request,
                                   gatehouse::auth::v1::RegisterClientResponse* response);

 private:
  Registrar& registrar_;
  common::Executor& executor_;
  RegistrationMetrics& metrics_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_SERVER_REGISTRATION_HANDLER_H_
