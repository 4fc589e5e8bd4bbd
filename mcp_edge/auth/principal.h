// Who calls, once auth_service has vouched for it. Knows no HTTP and no session.

#ifndef GATEHOUSE_MCP_EDGE_AUTH_PRINCIPAL_H_
#define GATEHOUSE_MCP_EDGE_AUTH_PRINCIPAL_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gatehouse/auth/v1/auth.pb.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/auth/scopes.h"

namespace mcp_edge {

// The verified caller: made once per verdict, then shared by every request with the same token, so nothing in it
// changes.
struct Principal {
  // The issuer identifier (`iss`).
  std::string issuer;
  // The subject identifier (`sub`), unique within the issuer.
  std::string subject;
  // The OAuth client. Empty when the token does not tell.
  std::string client_id;
  // The scopes of the token, in its order. Says nothing unless `scopes_known`.
  std::vector<std::string> scopes;
  // False when nobody could learn the scopes (an opaque token checked by userinfo only).
  bool scopes_known = false;
  // The claims as the verifier obtained them: one JSON object.
  std::string claims_json;
  // When the token expires; InfiniteFuture when unknown.
  absl::Time expire_time = absl::InfiniteFuture();
  // What sessions, tasks, sealed state and cursors are bound to. Equal keys are the same issuer, subject and client,
  // whatever characters these have.
  std::string key;
  // The same as tool services see it, ready to be copied into a CallContext.
  gatehouse::tool::v1::Principal for_tools;

  // When a stream that is opened at `now` must end: with the token; after an hour if nobody knows when that is.
  absl::Time StreamEndTime(absl::Time now) const {
    return expire_time == absl::InfiniteFuture() ? now + absl::Hours(1) : expire_time;
  }

  // Whether the token is known to carry `scope` (case-sensitive, RFC 6749 section 3.3), or one that implies it. False
  // when scopes are unknown.
  bool HasScope(absl::string_view scope, const ScopeHierarchy& hierarchy) const;

  // The same of every scope of at least one of these sets. No sets ask for nothing.
  bool HasAnySet(const std::vector<ScopeSet>& sets, const ScopeHierarchy& hierarchy) const;
};

// The principal of a verdict of auth_service.
Principal PrincipalFromVerdict(const gatehouse::auth::v1::Principal& verdict);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_AUTH_PRINCIPAL_H_
