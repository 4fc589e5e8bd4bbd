// Streams of sessions in the memory of one process.

#ifndef GATEHOUSE_MCP_EDGE_SESSION_MEMORY_STREAM_STORE_H_
#define GATEHOUSE_MCP_EDGE_SESSION_MEMORY_STREAM_STORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/session/event_stream.h"

namespace mcp_edge {

struct MemoryStreamLimits {
  // Of one stream: messages, read and unread, and their bytes. The oldest go when there are more.
  size_t max_events = 256;
  size_t max_bytes = 32 << 20;
  // How long what was read is kept, and a stream that has ended. Zero: not at all.
  absl::Duration retention = absl::Minutes(5);
  // Over all streams. When there is more, ended streams go, then what was read or has no reader.
  size_t max_total_bytes = 256 << 20;
  // The same, over all streams of one session, of which only its own go.
  size_t max_session_bytes = 16 << 20;
  // Streams that have ended: of one session, and in all. The oldest go when there are more.
  size_t max_ended_per_session = 64;
  size_t max_ended = 50'000;
};

class MemoryStreamStore final : public StreamStore {
 public:
  // `clock` must outlive the store, and the store its streams.
  MemoryStreamStore(const MemoryStreamLimits& limits, const common::Clock& clock) : limits_(limits), clock_(clock) {}

  // A stream that is in no store and keeps nothing that was read.
  static std::shared_ptr<EventStream> NewLoneStream(size_t max_events, size_t max_bytes);

  std::shared_ptr<EventStream> Main(absl::string_view session_id) override;
  // Of a session that has no stream 0, as after Forget: one that is in no store.
  std::shared_ptr<EventStream> Open(absl::string_view session_id) override;
  std::shared_ptr<EventStream> Find(absl::string_view session_id, uint64_t number) override;
  void Forget(absl::string_view session_id) override;

  // Drops what has expired, also of streams that nobody uses. To be called every few seconds.
  void Sweep();

  // What all streams hold.
  size_t total_bytes() const { return total_bytes_.load(std::memory_order_relaxed); }

 private:
  class Stream;

  struct SessionStreams {
    // What its streams hold; they share it.
    std::shared_ptr<std::atomic<size_t>> bytes = std::make_shared<std::atomic<size_t>>(0);
    uint64_t last_number = 0;
    absl::flat_hash_map<uint64_t, std::shared_ptr<Stream>> streams;
    std::deque<uint64_t> ended;  // numbers, oldest first
  };
  struct Ended {
    std::string session_id;
    uint64_t number;
    absl::Time time;
  };

  std::shared_ptr<Stream> Create(absl::string_view session_id, uint64_t number, SessionStreams& session)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteEnded(const Stream& stream);
  // Drops ended streams of a session, oldest first, until it has `size` bytes left.
  void MakeRoom(absl::string_view session_id, size_t size);
  void MakeRoomLocked(SessionStreams& session, size_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropEnded(absl::string_view session_id, uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropOld() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const MemoryStreamLimits limits_;
  const common::Clock& clock_;
  std::atomic<size_t> total_bytes_{0};
  absl::Mutex mutex_;  // taken before that of a stream
  absl::flat_hash_map<std::string, SessionStreams> sessions_ ABSL_GUARDED_BY(mutex_);
  std::deque<Ended> ended_ ABSL_GUARDED_BY(mutex_);  // oldest first; some may be gone already
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_MEMORY_STREAM_STORE_H_
