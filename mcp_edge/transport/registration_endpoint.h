// `POST /register`: OAuth 2.0 Dynamic Client Registration (RFC 7591) over HTTP. What may be registered is decided by
// auth_service.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_REGISTRATION_ENDPOINT_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_REGISTRATION_ENDPOINT_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "gatehouse/auth/v1/auth.pb.h"
#include "httplib.h"
#include "mcp_edge/transport/admission.h"
#include "mcp_edge/transport/body_budget.h"

namespace mcp_edge {

// The IP address that a request comes from: its peer's, or, if `header` is not empty, the last address in that header
// (the one that the nearest proxy added; those before it are the client's own word). The peer's, too, if there is no
// such address, or more than one header of the name.
std::string ClientAddress(const httplib::Request& request, const std::string& header);

// Whoever asks is a stranger, so few are served at the same time: they can take nothing from those who have a token.
// Thread-safe.
class RegistrationEndpoint {
 public:
  // As ClientRegistration::Register().
  using Register = std::function<absl::StatusOr<gatehouse::auth::v1::RegisterClientResponse>(
      const gatehouse::auth::v1::RegisterClientRequest& request, absl::Time deadline)>;

  // `address_header`: see ClientAddress(). `max_body_bytes`: of the server; a registration has 64 KiB at most. The
  // references must outlive this.
  RegistrationEndpoint(Register register_client, std::string address_header, size_t max_body_bytes,
                       Admission& admission, BodyBudget& bodies, const common::Clock& clock);

  // Answers 201 with the client, or with an error (RFC 7591, section 3.2): 400; 401, the initial access token is
  // missing or wrong; 413, 415; 429 and 503 with `Retry-After`.
  void Post(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader);

 private:
  const Register register_;
  const std::string address_header_;
  const size_t max_body_bytes_;
  Admission& admission_;
  BodyBudget& bodies_;
  const common::Clock& clock_;
  std::atomic<int> running_{0};
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_REGISTRATION_ENDPOINT_H_
