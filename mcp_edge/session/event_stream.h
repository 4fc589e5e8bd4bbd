// The event streams of a session, as something to write to and to read from, be the reader's connection whole or not.

#ifndef GATEHOUSE_MCP_EDGE_SESSION_EVENT_STREAM_H_
#define GATEHOUSE_MCP_EDGE_SESSION_EVENT_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace mcp_edge {

// One message that was put on a stream.
struct StreamEvent {
  // Its place on the stream, from 1.
  uint64_t number = 0;
  std::shared_ptr<const std::string> message;
};

// A queue of messages with at most one reader at a time. What was read is kept for a while, within bounds, so that a
// reader whose connection broke can have it again (MCP 2025-03-26, resumability). Thread-safe.
class EventStream {
 public:
  virtual ~EventStream() = default;

  // Names the stream in its session.
  virtual uint64_t number() const = 0;

  // Adds a message; does nothing after End(). `coalesce`: not if an equal one was not read yet. False: to make room,
  // the oldest unread messages were dropped. Does not block.
  virtual bool Append(std::string message, bool coalesce = false) = 0;

  // Adds a message, but first waits for the reader, if there is one, when it has much to read already.
  virtual void AppendWhenRead(std::string message) = 0;

  // Nothing more will be added.
  virtual void End() = 0;

  // Lets the reader go once it has read what is there: it will be back after `retry`. Without a reader, does nothing.
  virtual void DismissReader(absl::Duration retry) = 0;

  struct Reader {
    uint64_t id = 0;
    // The number of the event before the first that it will read.
    uint64_t position = 0;
  };
  // Makes the caller the reader, in place of the one before. It begins behind event `after`; without that, with the
  // first message that nobody has read. Nothing: event `after` is unknown, or an event behind it is gone.
  virtual std::optional<Reader> Attach(std::optional<uint64_t> after) = 0;

  // The reader reads no more; its Read() returns kReplaced. Ignored if another has taken its place. Does not block.
  virtual void Detach(uint64_t reader_id) = 0;

  enum class Outcome {
    kEvent,
    kTimeout,
    kReplaced,   // by another reader, or detached
    kDismissed,  // see DismissReader; `retry` is set
    kEnded,      // everything was read, and there will be no more
  };
  struct ReadResult {
    Outcome outcome = Outcome::kTimeout;
    StreamEvent event = {};
    absl::Duration retry = absl::ZeroDuration();
  };
  // Blocks until there is an event for the reader, or until `deadline`.
  virtual ReadResult Read(uint64_t reader_id, absl::Time deadline) = 0;
};

// Where the streams of sessions are. Replicas of the edge that share one can resume each other's streams. Thread-safe.
class StreamStore {
 public:
  virtual ~StreamStore() = default;

  // The stream 0 of a session, for what answers no request. Created if there is none yet.
  virtual std::shared_ptr<EventStream> Main(absl::string_view session_id) = 0;

  // A new stream of the session, with a number of its own. Once it has ended it is kept for a while only.
  virtual std::shared_ptr<EventStream> Open(absl::string_view session_id) = 0;

  // The stream of that number, or null when there is none (any more).
  virtual std::shared_ptr<EventStream> Find(absl::string_view session_id, uint64_t number) = 0;

  // Drops all streams of a session that has ended.
  virtual void Forget(absl::string_view session_id) = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_EVENT_STREAM_H_
