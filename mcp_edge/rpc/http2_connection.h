// One connection to one address of a service.

#ifndef GATEHOUSE_MCP_EDGE_RPC_HTTP2_CONNECTION_H_
#define GATEHOUSE_MCP_EDGE_RPC_HTTP2_CONNECTION_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/grpc_security.h"
#include "mcp_edge/rpc/event_loop.h"
#include "mcp_edge/rpc/http2_session.h"
#include "mcp_edge/rpc/tls_session.h"

namespace mcp_edge {

struct ServerAddress {
  sockaddr_storage address = {};
  socklen_t size = 0;
  std::string text;  // for messages; the same for the same address
};

struct Http2ConnectionOptions {
  ServerAddress address;
  // The host of the target, with its port; and without, as certificates name it.
  std::string authority;
  std::string host;
  // Null: clear text.
  std::shared_ptr<const common::GrpcSecurity> security;
  // Asks the server's health service (grpc.health.v1, Watch) whether it serves.
  bool watch_health = true;
  absl::Duration connect_timeout = absl::Seconds(5);
  // A server that is silent for so long is asked for a sign of life, which must come within `ping_timeout`.
  absl::Duration ping_interval = absl::Seconds(310);
  absl::Duration ping_timeout = absl::Seconds(10);
};

// Connects at once, and never again: when it is closed, make another. Thread-safe; nothing blocks.
class Http2Connection final : public EventLoop::Handler, public std::enable_shared_from_this<Http2Connection> {
 public:
  enum class State {
    kConnecting,
    kServing,
    kNotServing,  // it says so itself
    kClosing,     // takes no new streams, ends those that there are
    kClosed,
  };

  // `on_change` is called when the state has changed, on any thread, while no lock of the connection is held.
  static std::shared_ptr<Http2Connection> Connect(Http2ConnectionOptions options, std::function<void()> on_change);
  ~Http2Connection() override;

  State state() const;
  // Why it is closed, or does not serve.
  absl::Status problem() const;

  // As Http2Session. Open: negative also when it is closed.
  int32_t Open(const Http2Request& request, const std::shared_ptr<Http2Stream>& stream);
  void Reset(int32_t stream_id);
  void Consume(int32_t stream_id, size_t bytes);

  // Takes no new streams, and closes when the last one has ended.
  void Retire();
  // Ends all streams.
  void Close();

  // For requests.
  const std::string& authority() const { return options_.authority; }
  const char* scheme() const { return options_.security == nullptr ? "http" : "https"; }

  void OnEvents(bool readable, bool writable, char* buffer) override;

 private:
  class HealthStream;

  Http2Connection(Http2ConnectionOptions options, std::function<void()> on_change);
  void Start();
  void OnConnected() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Take(absl::string_view bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Appends to out_ what is to be sent.
  void Gather() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Sends what there is, unless another thread does so.
  void Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Fail(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WatchHealth() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What follows from what has happened. Unlocks, then tells everybody.
  void Settle() ABSL_UNLOCK_FUNCTION(mutex_);
  State CurrentState() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunAt(absl::Time time, void (Http2Connection::*method)());
  void CheckConnected();
  void KeepAlive();
  void CheckPong();
  void RetryHealth();

  const Http2ConnectionOptions options_;
  const std::function<void()> on_change_;
  int fd_ = -1;
  uint64_t loop_id_ = 0;

  mutable absl::Mutex mutex_;
  Http2Session session_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<TlsSession> tls_ ABSL_GUARDED_BY(mutex_);  // null: clear text
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;           // the socket is
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool retired_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status problem_ ABSL_GUARDED_BY(mutex_);
  State told_state_ ABSL_GUARDED_BY(mutex_) = State::kConnecting;
  std::string out_ ABSL_GUARDED_BY(mutex_);    // to be sent next
  std::string sending_;                        // of the thread that set writing_
  std::string plain_ ABSL_GUARDED_BY(mutex_);  // within TLS
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool blocked_ ABSL_GUARDED_BY(mutex_) = false;  // until the socket is writable
  int64_t received_ ABSL_GUARDED_BY(mutex_) = 0;  // times
  int64_t received_before_ ABSL_GUARDED_BY(mutex_) = 0;
  int pongs_before_ ABSL_GUARDED_BY(mutex_) = 0;
  enum class Health { kUnknown, kServing, kNotServing };
  Health health_ ABSL_GUARDED_BY(mutex_) = Health::kUnknown;
  int32_t health_stream_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: none
  Http2Request health_request_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_RPC_HTTP2_CONNECTION_H_
