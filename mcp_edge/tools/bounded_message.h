// What a tool service sends, in which a few bytes must not become much memory.

#ifndef GATEHOUSE_MCP_EDGE_TOOLS_BOUNDED_MESSAGE_H_
#define GATEHOUSE_MCP_EDGE_TOOLS_BOUNDED_MESSAGE_H_

#include <cstddef>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/zero_copy_stream.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"

namespace mcp_edge {

// A message that is empty takes two bytes on the wire and some hundred in memory. So one that is larger than this is
// counted through before it is parsed, and is not parsed if it has more than kMaxParts.
inline constexpr size_t kCountedBytes = 64 << 10;
inline constexpr int kMaxParts = 100'000;

// Whether `wire`, a message of type `type`, has at most kMaxParts parts: messages in it at any depth, elements of
// repeated strings, and unknown fields. Says yes to what cannot be parsed anyway; says no to groups, which proto3 does
// not have, and to what is nested more deeply than the parser allows.
bool HasFewParts(const google::protobuf::Descriptor& type, google::protobuf::io::ZeroCopyInputStream& wire);

// A message from a tool service. As the type of a response it makes gRPC count before it parses. What is wrong with a
// message is said here: gRPC would take an answer that it cannot decode for a good one, and say of a stream that it has
// ended although it has not.
template <typename Message>
struct Bounded {
  Message message;
  // "has too many parts" (more than kMaxParts) or "cannot be decoded"; then `message` is empty. Null: nothing is wrong.
  const char* flaw = nullptr;
};

}  // namespace mcp_edge

namespace grpc {

template <typename Message>
class SerializationTraits<mcp_edge::Bounded<Message>> {
 public:
  static Status Deserialize(ByteBuffer* buffer, mcp_edge::Bounded<Message>* bounded) {
    bounded->flaw = nullptr;
    if (buffer->Length() > mcp_edge::kCountedBytes) {
      ProtoBufferReader reader(buffer);
      if (reader.status().ok() && !mcp_edge::HasFewParts(*Message::descriptor(), reader)) {
        bounded->flaw = "has too many parts";
      }
    }
    if (bounded->flaw == nullptr && !SerializationTraits<Message>::Deserialize(buffer, &bounded->message).ok()) {
      bounded->flaw = "cannot be decoded";
    }
    if (bounded->flaw != nullptr) {
      bounded->message.Clear();
      buffer->Clear();
    }
    return Status::OK;
  }
};

}  // namespace grpc

#endif  // GATEHOUSE_MCP_EDGE_TOOLS_BOUNDED_MESSAGE_H_
