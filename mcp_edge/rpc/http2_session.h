// HTTP/2 as gRPC uses it, on the client's side and without a socket: bytes in, bytes out.

#ifndef GATEHOUSE_MCP_EDGE_RPC_HTTP2_SESSION_H_
#define GATEHOUSE_MCP_EDGE_RPC_HTTP2_SESSION_H_

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {

// What a stream sends.
struct Http2Request {
  std::string scheme;
  std::string authority;
  std::string path;
  std::string timeout;                                        // of grpc-timeout; empty: none
  std::vector<std::pair<const char*, std::string>> metadata;  // names in lower case
  std::string body;                                           // framed
};

// One stream, told what arrives. Calls come from Http2Session's methods, never after OnClosed.
class Http2Stream {
 public:
  virtual ~Http2Stream() = default;

  // One field of the head or of the trailer.
  virtual void OnHeader(absl::string_view name, absl::string_view value) = 0;
  // Returns how many of the bytes are done with: the peer may send as many again. For the others it may once
  // Http2Session::Consume is called.
  virtual size_t OnData(absl::string_view bytes) = 0;
  // The peer has said all.
  virtual void OnEnd() = 0;
  // The stream is over, also if it never began. `error_code`: RFC 9113 section 7; `refused`: the peer has not looked at
  // the request, which may be sent again elsewhere.
  virtual void OnClosed(uint32_t error_code, bool refused) = 0;
  // After any of these, once for many, and on no lock of the connection: the time to wake who waits for them.
  virtual void Wake() = 0;
};

// One connection. nghttp2 does the protocol; what is here bounds it. One thread at a time, and no method from within a
// call to Http2Stream.
class Http2Session {
 public:
  // How much of a stream may arrive and not be consumed.
  static constexpr int kStreamWindowBytes = 256 << 10;
  // What is given to Output() at once, if there is so much.
  static constexpr size_t kMaxOutputBytes = 256 << 10;
  // Names and values of one stream, in all. What goes beyond resets it.
  static constexpr size_t kMaxHeaderBytes = 16 << 10;

  // What OnClosed is told when the connection is lost; no code of HTTP/2.
  static constexpr uint32_t kConnectionLost = 0xffffffff;

  // Begins with the connection preface.
  Http2Session();
  ~Http2Session();

  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // Opens a stream as soon as the peer allows one more. Returns its number, or a negative one when the connection takes
  // no new streams: it is going away, or its numbers are used up. `request` must live until OnClosed.
  int32_t Open(const Http2Request& request, std::shared_ptr<Http2Stream> stream);

  // Ends a stream early; OnClosed comes from TakeOutput or later.
  void Reset(int32_t stream_id);
  // How many streams were reset and are not closed, as the peer takes nothing more.
  size_t unclosed_resets() const { return unclosed_resets_; }
  // Ends the streams that never began, as refused: when the connection takes no new ones.
  void RefuseUnsent();

  // The peer may send as many bytes again on this stream.
  void Consume(int32_t stream_id, size_t bytes);

  void Ping();

  // Ends all streams, as the connection is lost. Nothing may be opened after that.
  void Abandon();

  // Takes what arrived.
  //
  // Errors: kUnavailable, the peer breaks the protocol, or makes this side answer more than it takes: the connection is
  // of no use.
  absl::Status Receive(absl::string_view bytes);

  // Appends what is to be sent, up to kMaxOutputBytes in `output` in all.
  void TakeOutput(std::string& output);

  // The streams that were told something since the last time, each once.
  std::vector<std::shared_ptr<Http2Stream>> TakeTouched();

  // The peer has sent its settings, so it does speak HTTP/2.
  bool ready() const { return ready_; }
  // No new streams.
  bool closing() const;
  // Nothing more will be sent or received.
  bool done() const;
  // How many answers to Ping() have come.
  int pongs() const { return pongs_; }
  size_t streams() const { return streams_.size(); }

 private:
  struct Entry {
    std::shared_ptr<Http2Stream> stream;
    const Http2Request* request;
    size_t sent = 0;
    size_t header_bytes = 0;
    bool unsent = false;   // the request never left
    bool touched = false;  // is in touched_
    bool reset = false;
  };
  struct Callbacks;

  void Touch(Entry& entry);
  // Tells the stream of its end, without asking nghttp2.
  void CloseNow(int32_t stream_id, uint32_t error_code, bool refused);
  bool HasBegun(int32_t stream_id) const { return nghttp2_session_find_stream(session_, stream_id) != nullptr; }

  nghttp2_session* session_ = nullptr;
  absl::flat_hash_map<int32_t, std::unique_ptr<Entry>> streams_;
  std::vector<std::shared_ptr<Http2Stream>> touched_;
  std::vector<Entry*> touched_entries_;  // of those, the ones that are still open
  size_t unclosed_resets_ = 0;
  bool ready_ = false;
  int pongs_ = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_RPC_HTTP2_SESSION_H_
