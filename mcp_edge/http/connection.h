// One client connection: a socket with limits on what a request may be and how long it may take.

#ifndef GATEHOUSE_MCP_EDGE_HTTP_CONNECTION_H_
#define GATEHOUSE_MCP_EDGE_HTTP_CONNECTION_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "httplib.h"

namespace mcp_edge {

struct ConnectionLimits {
  // How long a connection may be idle between requests.
  absl::Duration idle_timeout = absl::Seconds(60);
  // From the first byte of a request to the end of its head, and from there to the end of its body.
  absl::Duration head_timeout = absl::Seconds(10);
  absl::Duration body_timeout = absl::Seconds(30);
  // How long the client may accept nothing of an answer; it may take kMaxWriteFactor times as long for all of one
  // write.
  absl::Duration write_timeout = absl::Seconds(10);
  // The request line and headers together, one of their lines, and how many headers there may be.
  size_t max_head_bytes = 32 * 1024;
  size_t max_line_bytes = 8 * 1024;
  size_t max_headers = 100;
};

// Reads a request's head whole before cpp-httplib sees any of it, so that slow, endless and malformed heads cost a
// bounded time and memory and get the right answer. Used by one thread.
class Connection final : public httplib::Stream {
 public:
  // `wake_socket`: becomes readable when the server stops; idle connections then end. Does not own either socket.
  Connection(int socket, const ConnectionLimits& limits, int wake_socket);

  enum class Head {
    kComplete,   // a whole head is buffered
    kClosed,     // the client is gone, was idle for too long, or the server stops
    kTooLarge,   // 431
    kTooSlow,    // 408
    kMalformed,  // 400: line ends other than CRLF, folded headers, control characters, unclear framing of the body
  };
  // Waits for the next request on the connection. When its head is complete, the request is to be read by one of two
  // ways: TakeHead and then ReadBody, or PassHead and then as a stream.
  Head ReadHead();
  // The lines of the head, without the empty one after them and its line end. Good until PassHead, ReadBody or read.
  absl::string_view head() const { return absl::string_view(buffer_).substr(0, head_size_); }
  // What follows is the body.
  void TakeHead() { taken_ = head_size_ + kHeadEnd.size(); }
  // At least 1 byte of the body, at most `most`, which must not be more than is left of it: waits for them if none has
  // arrived. Good until the next call. Empty: the client is gone, or was too slow.
  absl::string_view ReadBody(size_t most);
  // For cpp-httplib: the stream begins with the head, in which it decodes percent signs in the values of headers, where
  // they mean nothing: encodes them, so that it gives the values that were sent.
  void PassHead();

  // Ends what may be read: the rest of the request is not wanted.
  void StopReading() { reading_stopped_ = true; }

  // Gives the memory of the read buffer back: a long answer follows.
  void ReleaseBuffer();

  // Closes the way out, and for a moment takes in what the client still sends, so that it can read the last answer
  // before the socket is closed (RFC 9112, section 9.6).
  void CloseGently();

  // httplib::Stream:
  bool is_readable() const override;
  bool wait_readable() const override;
  bool wait_writable() const override;
  bool is_peer_alive() const override;
  ssize_t read(char* ptr, size_t size) override;
  ssize_t write(const char* ptr, size_t size) override;
  using httplib::Stream::write;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }
  time_t duration() const override { return 0; }

 private:
  // Receives what has arrived into the buffer, waiting until `deadline`. The number of bytes, 0 at the end, -1 on
  // failure.
  ssize_t Fill(absl::Time deadline, bool until_stopped);
  Head CheckHead(absl::string_view head);

  static constexpr absl::string_view kHeadEnd = "\r\n\r\n";

  const int socket_;
  const ConnectionLimits& limits_;
  const int wake_socket_;
  std::string buffer_;
  size_t taken_ = 0;      // of buffer_
  size_t head_size_ = 0;  // of buffer_, once ReadHead has found a head in it
  // Where the current request ends in buffer_ when it has no body (RFC 9112, section 6.3); npos when it has one.
  size_t request_end_ = std::string::npos;
  bool served_before_ = false;
  absl::Time body_deadline_ = absl::InfinitePast();
  bool reading_stopped_ = false;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_HTTP_CONNECTION_H_
