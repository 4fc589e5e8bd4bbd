// gatehouse.auth.v1.AuthService over gRPC: converts, counts and logs. What a token is worth is decided in token/.

#ifndef GATEHOUSE_AUTH_SERVICE_SERVER_AUTH_GRPC_SERVICE_H_
#define GATEHOUSE_AUTH_SERVICE_SERVER_AUTH_GRPC_SERVICE_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "auth_service/metrics.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/server/registration_handler.h"
#include "auth_service/token/verdict_cache.h"
#include "gatehouse/auth/v1/auth.grpc.pb.h"

namespace auth_service {

// Thread-safe; no method blocks. A remembered verdict is answered at once, on gRPC's own thread.
class AuthGrpcService final : public gatehouse::auth::v1::AuthService::CallbackService {
 public:
  // `resources` are the protected resources that tokens may be for, `issuers` those whose tokens are good, of which the
  // first is the one meant when none is named; at least one. `registrations`: null if clients cannot be registered. All
  // must outlive this, and the server must have been shut down before this ends.
  AuthGrpcService(const std::vector<std::string>& resources, const std::vector<std::string>& scopes_supported,
                  std::vector<const Discovery*> issuers, VerdictCache& verdicts, Metrics& metrics,
                  RegistrationHandler* registrations = nullptr);

  grpc::ServerUnaryReactor* VerifyToken(grpc::CallbackServerContext* context,
                                        const gatehouse::auth::v1::VerifyTokenRequest* request,
                                        gatehouse::auth::v1::VerifyTokenResponse* response) override;

  grpc::ServerUnaryReactor* GetProtectedResourceMetadata(
      grpc::CallbackServerContext* context, const gatehouse::auth::v1::GetProtectedResourceMetadataRequest* request,
      gatehouse::auth::v1::GetProtectedResourceMetadataResponse* response) override;

  grpc::ServerUnaryReactor* GetAuthorizationServerMetadata(
      grpc::CallbackServerContext* context, const gatehouse::auth::v1::GetAuthorizationServerMetadataRequest* request,
      gatehouse::auth::v1::GetAuthorizationServerMetadataResponse* response) override;

  grpc::ServerUnaryReactor* RegisterClient(grpc::CallbackServerContext* context,
                                           const gatehouse::auth::v1::RegisterClientRequest* request,
                                           gatehouse::auth::v1::RegisterClientResponse* response) override;

 private:
  const absl::flat_hash_map<std::string, std::string> metadata_by_resource_;
  const std::vector<const Discovery*> issuers_;
  VerdictCache& verdicts_;
  Metrics& metrics_;
  RegistrationHandler* const registrations_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_SERVER_AUTH_GRPC_SERVICE_H_
