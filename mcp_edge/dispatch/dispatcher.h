// Carries out requests: the core of the edge, which knows the versions but neither HTTP nor streams nor sessions'
// storage.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_DISPATCHER_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_DISPATCHER_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/dispatch/tool_list.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/protocol/version.h"

namespace mcp_edge {

struct DispatcherOptions {
  // How long a call may take when its tool does not say, and at the most.
  absl::Duration default_tool_timeout = absl::Seconds(60);
  absl::Duration max_tool_timeout = absl::Minutes(10);
  // How long clients may reuse lists when no service says (MCP 2026-07-28, caching).
  absl::Duration list_ttl = absl::Minutes(1);
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
