// Asks auth_service to register a client at the provider. Knows no HTTP.

#ifndef GATEHOUSE_MCP_EDGE_AUTH_CLIENT_REGISTRATION_H_
#define GATEHOUSE_MCP_EDGE_AUTH_CLIENT_REGISTRATION_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/auth/v1/auth.grpc.pb.h"
#include "grpcpp/channel.h"

namespace mcp_edge {

// Thread-safe.
class ClientRegistration {
 public:
  // `channel`: to auth_service.
  explicit ClientRegistration(const std::shared_ptr<grpc::ChannelInterface>& channel)
      : stub_(gatehouse::auth::v1::AuthService::NewStub(channel)) {}

  // Registers a client, or tells why it may not be. Blocks until `deadline` at most. Makes one RPC: a registration is
  // not safe to repeat.
  //
  // Errors: kUnavailable, there was no outcome, also when `deadline` passes first;
  //         kUnimplemented, auth_service registers no clients;
  //         kInternal, auth_service found a mistake of the edge, or gave an answer that is none.
  absl::StatusOr<gatehouse::auth::v1::RegisterClientResponse> Register(
      const gatehouse::auth::v1::RegisterClientRequest& request, absl::Time deadline);

 private:
  const std::unique_ptr<gatehouse::auth::v1::AuthService::Stub> stub_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_AUTH_CLIENT_REGISTRATION_H_
