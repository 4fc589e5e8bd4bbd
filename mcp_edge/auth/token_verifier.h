// The question that every request raises: who is it? A wrong token is an answer; not being able to tell is an error.

#ifndef GATEHOUSE_MCP_EDGE_AUTH_TOKEN_VERIFIER_H_
#define GATEHOUSE_MCP_EDGE_AUTH_TOKEN_VERIFIER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mcp_edge/auth/principal.h"

namespace mcp_edge {

// Why a token is not good: becomes 401 `invalid_token` (RFC 6750, section 3.1).
struct Refusal {
  // The name of an auth.v1 RefusalReason without its prefix: "EXPIRED". Stable; for logs and metrics.
  std::string reason;
  // One sentence for `error_description`: printable ASCII without quotes and backslashes.
  std::string description;
  // Whose token it is: issuer, subject and client, as far as the issuer has vouched for them. Null: nobody knows. For
  // logs.
  std::shared_ptr<const Principal> owner = nullptr;
};

// What is known of a token.
struct Verdict {
  // Null when the token is refused.
  std::shared_ptr<const Principal> principal;
  // Of use only when `principal` is null.
  Refusal refusal;
};

class TokenVerifier {
 public:
  virtual ~TokenVerifier() = default;

  // Tells whom `token` (without "Bearer ") stands for at `resource` (an absolute URI, one that auth_service protects).
  //
  // Errors: kUnavailable, that cannot be told now, also when `deadline` passes first: answer 503, never 401.
  //         kInternal, auth_service does not know `resource`: the two are configured differently.
  // `request_id`: of the request that asks, for logs. Thread-safe. Blocks until `deadline` at the latest.
  virtual absl::StatusOr<Verdict> Verify(absl::string_view token, absl::string_view resource,
                                         absl::string_view request_id, absl::Time deadline) = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_AUTH_TOKEN_VERIFIER_H_
