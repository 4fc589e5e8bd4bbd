// Lets requests in: the bearer token of each is judged, and those without a good one are told how to get one.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_AUTHENTICATOR_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_AUTHENTICATOR_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "httplib.h"
#include "mcp_edge/audit/audit_log.h"
#include "mcp_edge/auth/principal.h"
#include "mcp_edge/auth/token_verifier.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/transport/mcp_auth_errors.h"

namespace mcp_edge {

// One protected resource of the edge.
struct ProtectedResource {
  // The canonical URI, which tokens must be for: "https://mcp.example.com/mcp".
  std::string uri;
  // Where its metadata is (RFC 9728, section 3.1): "https://mcp.example.com/.well-known/oauth-protected-resource/mcp".
  std::string metadata_url;
};

// The resource `path` of the server whose MCP endpoint is `mcp_resource` (an absolute URL).
ProtectedResource MakeProtectedResource(absl::string_view mcp_resource, absl::string_view path);

// What refusals look like.
enum class ErrorStyle {
  kRfc6750,  // RFC 6750, RFC 9728, MCP
  kMcpAuth,  // as the mcp-auth library answers: see mcp_auth_errors.h
};

// Thread-safe.
class Authenticator {
 public:
  // The scopes to ask for, separated by spaces, for a resource URI. May be empty.
  using ScopesOf = std::function<std::string(absl::string_view resource)>;

  // The collaborators must outlive the authenticator. `timeout`: how long a verdict may take.
  // Null `audit`: nobody wants to know.
  Authenticator(TokenVerifier& verifier, ScopesOf scopes_of, absl::Duration timeout, const common::Clock& clock,
                EdgeMetrics& metrics, ErrorStyle style = ErrorStyle::kRfc6750, AuditLog* audit = nullptr);

  // The principal of the request, or null after answering 400, 401 or 503 (RFC 6750, section 3); in the style of
  // mcp-auth also 500, when auth_service is configured for other resources than the edge.
  std::shared_ptr<const Principal> Authenticate(const httplib::Request& request, const ProtectedResource& resource,
                                                httplib::Response& response) const;

  // Answers the request `id_json` (empty: none) with 403 and the challenge `insufficient_scope`.
  void ReplyShortage(const ProtectedResource& resource, const ScopeShortage& shortage, absl::string_view id_json,
                     httplib::Response& response) const;

 private:
  // Of a token that is not good, or cannot be judged.
  // `owner`: of the token, as far as that is known; may be null.
  void Audit(const httplib::Request& request, absl::Time begin_time, const Principal* owner, Decision::Outcome outcome,
             absl::string_view reason) const;

  // Answers 400, 401 or 500 in the style of mcp-auth.
  void ReplyMcpAuth(const ProtectedResource& resource, McpAuthError error, httplib::Response& response) const;

  TokenVerifier& verifier_;
  const ScopesOf scopes_of_;
  const absl::Duration timeout_;
  const common::Clock& clock_;
  EdgeMetrics& metrics_;
  const ErrorStyle style_;
  AuditLog* const audit_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_AUTHENTICATOR_H_
