// Carries out requests: the core of the edge, which knows the versions but neither HTTP nor streams nor sessions'
// storage.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_DISPATCHER_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_DISPATCHER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/auth/principal.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/dispatch/tool_list.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/protocol/version.h"
#include "mcp_edge/protocol/wire_error.h"
#include "mcp_edge/tools/trace_context.h"

namespace mcp_edge {

struct DispatcherOptions {
  // How long a call may take when its tool does not say, and at the most.
  absl::Duration default_tool_timeout = absl::Seconds(60);
  absl::Duration max_tool_timeout = absl::Minutes(10);
  // How long clients may reuse lists when no service says (MCP 2026-07-28, caching).
  absl::Duration list_ttl = absl::Minutes(1);
};

// What is known of a request besides its message. Must outlive the exchange that it starts.
struct RequestContext {
  std::shared_ptr<const Principal> principal;
  ProtocolVersion version = kAssumedVersion;
  const ClientDescription* client = nullptr;
  TraceContext trace;
  // Names the request in logs, the edge's and the tool service's.
  std::string request_id;
};

// One message for the client.
struct Step {
  // JSON-RPC, on one line. Empty with `last`: the request was cancelled and nothing more is to be said on a stream.
  std::string message;
  // It is the response; there is nothing after it.
  bool last = true;
  // For the last: what went wrong, or nothing. Decides the HTTP status if no stream has begun.
  std::optional<WireErrorKind> error;
  // For kInsufficientScope: the scopes that are needed, separated by spaces.
  std::string needed_scopes;
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

// Thread-safe.
class Dispatcher {
 public:
  // The collaborators must outlive the dispatcher.
  Dispatcher(const DispatcherOptions& options, const Catalog& catalog, const common::Clock& clock,
             EdgeMetrics& metrics);

  // Prepares what `message`, a request, asks for. Does not block, and nothing runs before the first Next(). For a
  // modern request the envelope must have been checked (CheckModernEnvelope); `headers` are then checked against the
  // body. Null `headers`: delivered without (legacy).
  std::unique_ptr<Exchange> Start(const Message& message, const RequestContext& context, const MirrorHeaders* headers);

  // The result of `initialize`.
  std::string InitializeResult(ProtocolVersion version) const;

 private:
  std::unique_ptr<Exchange> ListTools(const Message& message, const RequestContext& context);
  std::unique_ptr<Exchange> CallTool(const Message& message, const RequestContext& context);
  CacheTerms CacheTermsOf(const CatalogSnapshot& snapshot) const;

  const DispatcherOptions options_;
  const Catalog& catalog_;
  const common::Clock& clock_;
  EdgeMetrics& metrics_;
  ToolList tool_list_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_DISPATCHER_H_
