// gatehouse.auth.v1.AuthService over gRPC: converts, counts and logs. What a token is worth is decided in token/.

#ifndef GATEHOUSE_AUTH_SERVICE_SERVER_AUTH_GRPC_SERVICE_H_
#define GATEHOUSE_AUTH_SERVICE_SERVER_AUTH_GRPC_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "auth_service/metrics.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/server/registration_handler.h"
#include "auth_service/token/verdict_cache.h"
#include "common/rpc/rpc_service.h"

namespace auth_service {

// What the calls share; of auth_grpc_service.cc.
class AuthGrpcServiceCore;

// Serves on an RpcLoop and never blocks it. A remembered verdict is answered at once, on the loop's own thread.
class AuthGrpcService final : public common::RpcService {
 public:
  // `resources` are the protected resources that tokens may be for, `issuers` those whose tokens are good, of which the
  // first is the one meant when none is named; at least one. `registrations`: null if clients cannot be registered. All
  // must outlive this, and this the grpc::Server that it is registered with and the work of the loop.
  AuthGrpcService(const std::vector<std::string>& resources, const std::vector<std::string>& scopes_supported,
                  std::vector<const Discovery*> issuers, VerdictCache& verdicts, Metrics& metrics,
                  RegistrationHandler* registrations = nullptr);
  ~AuthGrpcService() override;

  // common::RpcService:
  void Register(grpc::ServerBuilder& builder) override;
  void Start(common::RpcLoop& loop) override;

 private:
  std::unique_ptr<AuthGrpcServiceCore> core_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_SERVER_AUTH_GRPC_SERVICE_H_
