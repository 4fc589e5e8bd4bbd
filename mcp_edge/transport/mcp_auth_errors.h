// What the mcp-auth library for JavaScript answers when it refuses a request (npm mcp-auth 0.2.0), byte for byte, for
// clients and monitoring that were written for it.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_MCP_AUTH_ERRORS_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_MCP_AUTH_ERRORS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace mcp_edge {

enum class McpAuthError {
  kMissingAuthHeader,
  kInvalidAuthHeaderFormat,
  kMissingBearerToken,
  kNotAToken,     // invalid_token: not a JWT
  kInvalidToken,  // invalid_token: a JWT that is not good
  kVerificationFailed,
  kInvalidIssuer,
  kInvalidAudience,
  kMissingScopes,
  kServerError,
};

// As Express writes it, with which the library answers.
inline constexpr char kMcpAuthJsonType[] = "application/json; charset=utf-8";

// Why a request without a usable bearer token is refused. `authorization`: the header's value; empty: there is none.
McpAuthError McpAuthErrorOfHeader(absl::string_view authorization);

// That of a refusal of auth_service: see Refusal::reason. Unknown reasons are kInvalidToken.
McpAuthError McpAuthErrorOfRefusal(absl::string_view reason);

struct McpAuthAnswer {
  int status = 401;
  // JSON, of the type kMcpAuthJsonType.
  std::string body;
  // The value of `WWW-Authenticate`; empty: there is none. That of kInvalidAuthHeaderFormat has quotes within quotes,
  // as the library sends them, although no parser takes that.
  std::string challenge;
};

// `resource_metadata`: the URL for the challenge, which the library leaves out of a 403. `missing_scopes`: of
// kMissingScopes.
McpAuthAnswer WriteMcpAuthAnswer(McpAuthError error, absl::string_view resource_metadata,
                                 const std::vector<std::string>& missing_scopes);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_MCP_AUTH_ERRORS_H_
