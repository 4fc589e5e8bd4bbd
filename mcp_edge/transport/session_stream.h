// Writes an event stream of a session to its client.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_SESSION_STREAM_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_SESSION_STREAM_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mcp_edge/session/event_stream.h"
#include "mcp_edge/session/session.h"
#include "mcp_edge/transport/collaborators.h"

namespace mcp_edge {

// Sends one part of a stream. False: the client is gone.
using WritePart = std::function<bool(absl::string_view)>;

// A reader of a stream, until destroyed.
class StreamReader {
 public:
  StreamReader(std::shared_ptr<EventStream> stream, const EventStream::Reader& reader)
      : stream_(std::move(stream)), reader_(reader) {}
  ~StreamReader() { stream_->Detach(reader_.id); }

  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  EventStream& stream() const { return *stream_; }
  uint64_t id() const { return reader_.id; }
  uint64_t position() const { return reader_.position; }

 private:
  const std::shared_ptr<EventStream> stream_;
  const EventStream::Reader reader_;
};

struct StreamDelivery {
  Session& session;
  const StreamReader& reader;
  // The client's connection, to be watched for its leaving.
  int socket = -1;
  // When the token expires.
  absl::Time end_time = absl::InfiniteFuture();
};

// Writes the messages of a stream of a Streamable HTTP session as events with ids, and a sign of life when there are
// none for a while, until the stream ends, another reader or `end_time` comes, or the client leaves. To clients of
// 2025-11-25 the first event only says where to resume; only they can be dismissed. Blocks.
void WriteSessionStream(const StreamDelivery& delivery, const Collaborators& with, const WritePart& write);

// The same without ids, for HTTP+SSE: nothing can be resumed there.
void WriteLoneStream(const StreamDelivery& delivery, const Collaborators& with, const WritePart& write);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_SESSION_STREAM_H_
