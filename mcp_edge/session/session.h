// A session while this process serves it: what runs in it, and what waits to be sent to its client.

#ifndef GATEHOUSE_MCP_EDGE_SESSION_SESSION_H_
#define GATEHOUSE_MCP_EDGE_SESSION_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "mcp_edge/session/session_state.h"
#include "mcp_edge/session/session_store.h"

namespace mcp_edge {

// Thread-safe.
class Session {
 public:
  // Messages that may wait for a stream, and their bytes; older ones go when there is more.
  static constexpr size_t kMaxWaiting = 256;
  static constexpr size_t kMaxWaitingBytes = 32 << 20;
  // Requests that may run at the same time in one session.
  static constexpr size_t kMaxRunning = 256;

  explicit Session(std::shared_ptr<const SessionRecord> record) : record_(std::move(record)) {}
  // Ends the session, if nobody has yet.
  ~Session() { End(); }

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const SessionRecord& record() const { return *record_; }

  // What changes while it lives. Has a lock of its own.
  SessionState& state() { return state_; }

  enum class Begun { kYes, kDuplicateId, kTooMany, kEnded };
  // Notes that the request `id_json` runs; `cancel` ends it early and may be called at any time until Finish, on any
  // thread, while the session's lock is held. kTooMany: kMaxRunning run already.
  Begun Begin(absl::string_view id_json, std::function<void()> cancel);
  void Finish(absl::string_view id_json);
  // Cancels the request `id_json`, if it runs.
  void Cancel(absl::string_view id_json);

  // Queues a message for the session's stream. `coalesce`: drop it if an equal one is waiting already. False: older
  // messages had to go to make room.
  bool Send(std::string message, bool coalesce = false);

  // Opens the session's stream; the one opened before, if any, gets kReplaced. Returns its number, for Receive.
  uint64_t OpenStream();

  // Makes a Receive on the stream of that number return kReplaced: its client is gone.
  void CloseStream(uint64_t stream);

  enum class Received { kMessage, kTimeout, kReplaced, kEnded };
  // Blocks until there is a message for the stream, or until `deadline`.
  Received Receive(uint64_t stream, absl::Time deadline, std::string& message);

  // Ends the session: cancels what runs and closes its stream once what waits has been taken. Does nothing the second
  // time.
  void End();
  bool ended() const;

 private:
  bool StreamWakes(uint64_t stream) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return ended_ || stream != current_stream_ || !waiting_.empty();
  }

  const std::shared_ptr<const SessionRecord> record_;
  SessionState state_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::function<void()>> running_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t current_stream_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_SESSION_H_
