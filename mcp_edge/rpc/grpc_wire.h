// What gRPC writes into HTTP/2 (the specification: doc/PROTOCOL-HTTP2.md of the grpc repository).

#ifndef GATEHOUSE_MCP_EDGE_RPC_GRPC_WIRE_H_
#define GATEHOUSE_MCP_EDGE_RPC_GRPC_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace google::protobuf {
class MessageLite;
}

namespace mcp_edge {

// A message behind its prefix: not compressed, four bytes of length.
std::string FrameMessage(const google::protobuf::MessageLite& message);

// The value of `grpc-timeout` for that much time: at most eight digits and a unit, at least one nanosecond. Empty for
// an infinite one: no header.
std::string EncodeTimeout(absl::Duration timeout);

// `grpc-message`, in which bytes may be percent-encoded. What is no encoding stays as it is.
std::string DecodeStatusMessage(absl::string_view value);

// The code that `grpc-status` says; kUnknown for what is no code.
absl::StatusCode DecodeStatusCode(absl::string_view value);

// What a response means that is no gRPC response, by its HTTP status (doc/http-grpc-status-mapping.md).
absl::StatusCode StatusCodeForHttp(int http_status);

// What it means that the service reset the stream, by the error code of HTTP/2 (RFC 9113 section 7).
absl::StatusCode StatusCodeForReset(uint32_t error_code);

// Cuts a stream of bytes into messages.
class MessageReader {
 public:
  explicit MessageReader(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Gives `on_message` each message that `bytes` completes; what it keeps of it, it moves away.
  //
  // Errors: kResourceExhausted, a message of more than `max_bytes`; kInternal, a compressed one, which nobody asked
  // for. Nothing may be added after an error.
  absl::Status Add(absl::string_view bytes, absl::FunctionRef<void(std::string& message)> on_message);

  // Whether a message has begun and not ended.
  bool has_part() const { return !head_.empty() || in_message_; }

 private:
  const size_t max_bytes_;
  std::string head_;  // of the prefix, while it is not whole
  bool in_message_ = false;
  size_t missing_ = 0;  // of the message
  std::string message_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_RPC_GRPC_WIRE_H_
