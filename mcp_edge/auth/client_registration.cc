#include "mcp_edge/auth/client_registration.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"

namespace mcp_edge {

using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;

absl::StatusOr<RegisterClientResponse> ClientRegistration::Register(const RegisterClientRequest& request,
                                                                    absl::Time deadline) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  RegisterClientResponse response;
  const grpc::Status status = stub_->RegisterClient(&context, request, &response);
  const std::string message = absl::StrCat("auth_service: ", status.error_message());
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      break;
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(message);
    case grpc::StatusCode::INVALID_ARGUMENT:
      return absl::InternalError(message);
    default:
      return absl::UnavailableError(message);
  }
  if (!response.has_refusal() && response.client().document_json().empty()) {
    return absl::InternalError("auth_service: an answer without an outcome");
  }
  return response;
}

}  // namespace mcp_edge
