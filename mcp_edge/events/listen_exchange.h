// `subscriptions/listen` (MCP 2026-07-28, subscriptions): a request whose answer is a stream of changes. Knows no HTTP.

#ifndef GATEHOUSE_MCP_EDGE_EVENTS_LISTEN_EXCHANGE_H_
#define GATEHOUSE_MCP_EDGE_EVENTS_LISTEN_EXCHANGE_H_

#include <cstddef>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "mcp_edge/audit/audit_log.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/events/event_bus.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/tasks/tasks.h"

namespace mcp_edge {

// Makes those requests, and ends them all when the edge stops. Thread-safe.
class Listeners {
 public:
  // What may wait for one listener. Changes of the same list, resource or task count once; a listener whose client
  // reads so slowly that there is more is ended, and its client, told so by the response, listens anew.
  static constexpr size_t kMaxWaiting = 1'000;
  static constexpr size_t kMaxWaitingBytes = 4 << 20;
  // Resources, and tasks, that one request may name. Those of more than ResourceSet::kMaxUriBytes are not honoured.
  static constexpr size_t kMaxNamed = 1'000;

  // The collaborators must outlive the listeners, and these their exchanges. Null `tasks`: there are none.
  // Null `audit`: nobody wants to know.
  Listeners(EventBus& bus, const Catalog& catalog, Tasks* tasks, const common::Clock& clock, EdgeMetrics& metrics,
            AuditLog* audit = nullptr)
      : bus_(bus), catalog_(catalog), tasks_(tasks), clock_(clock), metrics_(metrics), audit_(audit) {}

  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;

  // Prepares a `subscriptions/listen` that passed CheckModernEnvelope. Its steps are the acknowledgement, which says
  // what is honoured, then changes as they come; the response, once the token of the principal expires, CloseAll() was
  // called or the client is too slow. Not honoured are resources that nobody can read or whose scopes the principal
  // lacks (looked at again before each message), and tasks of others.
  //
  // Its only step is an error when the filter has the wrong form (-32602), or names tasks although the request does not
  // declare that extension (-32021).
  std::unique_ptr<Exchange> Start(const Message& message, const RequestContext& context);

  // Ends every listener with its response, and those that come with theirs.
  void CloseAll();

  size_t size() const;

 private:
  class Listener;

  EventBus& bus_;
  const Catalog& catalog_;
  Tasks* const tasks_;
  const common::Clock& clock_;
  EdgeMetrics& metrics_;
  AuditLog* const audit_;
  mutable absl::Mutex mutex_;  // taken before that of a listener
  absl::flat_hash_set<Listener*> open_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_EVENTS_LISTEN_EXCHANGE_H_
