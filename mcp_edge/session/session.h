// A session while this process serves it: what runs in it, and what is sent to its client.

#ifndef GATEHOUSE_MCP_EDGE_SESSION_SESSION_H_
#define GATEHOUSE_MCP_EDGE_SESSION_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "mcp_edge/session/event_stream.h"
#include "mcp_edge/session/session_state.h"
#include "mcp_edge/session/session_store.h"

namespace mcp_edge {

// Thread-safe.
class Session {
 public:
  // Messages that may wait on a main stream that nobody keeps, and their bytes; older ones go when there is more.
  static constexpr size_t kMaxWaiting = 256;
  static constexpr size_t kMaxWaitingBytes = 32 << 20;
  // Requests that may run at the same time in one session.
  static constexpr size_t kMaxRunning = 256;

  // `streams`: keeps its streams, so that they can be resumed, and must outlive the session; null: nobody does.
  explicit Session(std::shared_ptr<const SessionRecord> record, StreamStore* streams = nullptr);
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

  // Puts a message on the session's main stream. `coalesce`: not if an equal one waits there already. False: older
  // messages had to go to make room.
  bool Send(std::string message, bool coalesce = false) { return main_stream_->Append(std::move(message), coalesce); }

  // The stream of what answers no request: that of GET, and of HTTP+SSE.
  const std::shared_ptr<EventStream>& main_stream() const { return main_stream_; }

  // A new stream, for the answer to a request.
  std::shared_ptr<EventStream> OpenStream();
  // The stream of that number that is kept, or null.
  std::shared_ptr<EventStream> FindStream(uint64_t number);

  // Ends the session: cancels what runs; its streams end once what waits there was read. Does nothing the second time.
  void End();
  bool ended() const;

 private:
  const std::shared_ptr<const SessionRecord> record_;
  StreamStore* const streams_;
  const std::shared_ptr<EventStream> main_stream_;
  SessionState state_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::function<void()>> running_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_SESSION_H_
