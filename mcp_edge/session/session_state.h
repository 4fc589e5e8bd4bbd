// What a session remembers besides what its handshake settled: it changes while the session lives.

#ifndef GATEHOUSE_MCP_EDGE_SESSION_SESSION_STATE_H_
#define GATEHOUSE_MCP_EDGE_SESSION_SESSION_STATE_H_

#include <cstddef>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/auth/principal.h"
#include "mcp_edge/session/client_requests.h"
#include "mcp_edge/session/resource_set.h"

namespace mcp_edge {

// Thread-safe.
class SessionState {
 public:
  // Resources that one session may subscribe to.
  static constexpr size_t kMaxSubscriptions = ResourceSet::kMaxSize;

  // The least severe log message that the client wants (`logging/setLevel`); before it says, warnings.
  gatehouse::tool::v1::LogLevel log_level() const;
  void set_log_level(gatehouse::tool::v1::LogLevel level);

  // Subscribes to changes of a resource (`resources/subscribe`). Twice is once. False: there are too many,
  // or it is too long.
  bool Subscribe(absl::string_view uri);
  void Unsubscribe(absl::string_view uri);
  // Whether the client is to hear of a change of `uri`: it subscribed to that, or to something above it ("a://b" is
  // above "a://b/c").
  bool IsSubscribed(absl::string_view uri) const;

  // Whose token the last request of the session had: what it may hear of now is judged by that. Null before the first.
  std::shared_ptr<const Principal> principal() const;
  void set_principal(std::shared_ptr<const Principal> principal);

  ClientRequests& client_requests() { return client_requests_; }

 private:
  ClientRequests client_requests_;
  mutable absl::Mutex mutex_;
  gatehouse::tool::v1::LogLevel log_level_ ABSL_GUARDED_BY(mutex_) = gatehouse::tool::v1::LOG_LEVEL_WARNING;
  std::shared_ptr<const Principal> principal_ ABSL_GUARDED_BY(mutex_);
  ResourceSet subscriptions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_SESSION_STATE_H_
