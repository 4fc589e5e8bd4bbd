#include "mcp_edge/transport/session_stream.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "mcp_edge/http/thread_memory.h"
#include "mcp_edge/protocol/version.h"
#include "mcp_edge/session/event_id.h"
#include "mcp_edge/transport/http_reply.h"

namespace mcp_edge {
namespace {

// When clients are to come back after a connection that broke.
constexpr absl::Duration kRetry = absl::Seconds(1);

std::string RetryField(absl::Duration retry) {
  return absl::StrCat("retry: ", std::max<int64_t>(absl::ToInt64Milliseconds(retry), 0), "\n");
}

// Null `ids`: events have none. With ids the session is one of a store, and in use as long as the stream is open.
void WriteStream(const StreamDelivery& delivery, const EventId* ids, const Collaborators& with,
                 const WritePart& write) {
  EventStream& stream = delivery.reader.stream();
  absl::Time last_use_time = with.clock.Now();
  while (true) {
    const absl::Time now = with.clock.Now();
    if (now >= delivery.end_time) return;
    const EventStream::ReadResult result =
        stream.Read(delivery.reader.id(), std::min(now + with.keep_alive_interval, delivery.end_time));
    if (ids != nullptr && now >= last_use_time + with.keep_alive_interval) {
      with.sessions.Touch(delivery.session);
      last_use_time = now;
    }
    switch (result.outcome) {
      case EventStream::Outcome::kEvent: {
        std::string event =
            ids == nullptr
                ? ""
                : absl::StrCat("id: ", FormatEventId({ids->session_tag, ids->stream, result.event.number}), "\n");
        absl::StrAppend(&event, EventText("message", *result.event.message));
        if (!write(event)) return;
        break;
      }
      case EventStream::Outcome::kTimeout:
        if (!write(kKeepAlive)) return;
        break;
      case EventStream::Outcome::kDismissed:
        write(absl::StrCat(RetryField(result.retry), "\n"));
        return;
      case EventStream::Outcome::kReplaced:
      case EventStream::Outcome::kEnded:
        return;
    }
  }
}

}  // namespace

void WriteSessionStream(const StreamDelivery& delivery, const Collaborators& with, const WritePart& write) {
  const EventId ids = {SessionTag(delivery.session.record().id), delivery.reader.stream().number(),
                       delivery.reader.position()};
  const auto watch = with.disconnects.WatchSocket(
      delivery.socket, [&delivery] { delivery.reader.stream().Detach(delivery.reader.id()); });
  // Older clients fail on an event without data.
  const bool primes = KnowsPolling(delivery.session.record().version);
  const std::string first = primes ? absl::StrCat("id: ", FormatEventId(ids), "\n", RetryField(kRetry), "data:\n\n")
                                   : std::string(kKeepAlive);
  ReleaseUnusedMemory();
  if (write(first)) WriteStream(delivery, &ids, with, write);
}

void WriteLoneStream(const StreamDelivery& delivery, const Collaborators& with, const WritePart& write) {
  ReleaseUnusedMemory();
  WriteStream(delivery, nullptr, with, write);
}

}  // namespace mcp_edge
