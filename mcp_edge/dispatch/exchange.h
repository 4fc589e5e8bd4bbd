// A request while it is carried out, seen by the transport that delivers what it says.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_EXCHANGE_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_EXCHANGE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "mcp_edge/auth/principal.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/protocol/version.h"
#include "mcp_edge/protocol/wire_error.h"
#include "mcp_edge/session/session_state.h"
#include "mcp_edge/tools/trace_context.h"

namespace mcp_edge {

// What is known of a request besides its message. What it points to must outlive the exchange that it starts.
struct RequestContext {
  std::shared_ptr<const Principal> principal;
  ProtocolVersion version = kAssumedVersion;
  const ClientDescription* client = nullptr;
  TraceContext trace;
  // Names the request in logs, the edge's and the tool service's.
  std::string request_id;
  // Of the session; null in a modern request, which has none.
  SessionState* session = nullptr;
  // Whether messages before the response reach the client: a request to it, too. False for a batch, and for a client
  // that takes no stream.
  bool can_stream = true;
};

// Why a token's scopes do not do for a request.
struct ScopeShortage {
  // What the token should carry, separated by spaces: all that is needed and all that it has.
  std::string needed;
  // Of what is needed, what it lacks.
  std::vector<std::string> missing;
  // False: what it has is not known, so that another token with the same scopes would not do either.
  bool scopes_known = true;
};

// One message for the client.
struct Step {
  // JSON-RPC, on one line: a notification, a request to the client, or with `last` the response. Empty with `last`: the
  // request was cancelled and nothing more is to be said on a stream. Empty with `close_retry`.
  std::string message;
  // It is the response; there is nothing after it.
  bool last = true;
  // For the last: what went wrong, or nothing. Decides the HTTP status if no stream has begun.
  std::optional<WireErrorKind> error;
  // For kInsufficientScope; null otherwise.
  std::shared_ptr<const ScopeShortage> shortage;
  // Not a message: a stream that the client can resume may be closed now, and the client told to come back after this
  // time. Ignored on any other stream.
  std::optional<absl::Duration> close_retry;
};

// What a request is doing. Used by one thread at a time, but for Cancel.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // Blocks until there is something to send. Not to be called after a last step.
  virtual Step Next() = 0;

  // Blocks until Next() has something to return at once, or until `until`. Whether it has.
  virtual bool Wait(absl::Time until) = 0;

  // Ends the exchange early; a Next() that blocks returns soon. Thread-safe.
  virtual void Cancel() = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_EXCHANGE_H_
