#include "mcp_edge/tools/bounded_message.h"

#include <cstdint>

#include "google/protobuf/io/coded_stream.h"

namespace mcp_edge {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::CodedInputStream;

constexpr int kMaxDepth = 100;  // the parser's

// https://protobuf.dev/programming-guides/encoding/
enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kStartGroup = 3, kFixed32 = 5 };

// Counts `left` down. False: it was not enough.
bool CountDown(const Descriptor& type, CodedInputStream& input, int depth, int& left) {
  if (depth > kMaxDepth) return false;
  while (const uint32_t tag = input.ReadTag()) {
    const FieldDescriptor* const field = type.FindFieldByNumber(static_cast<int>(tag >> 3));
    const uint32_t wire_type = tag & 7;
    if (wire_type == kStartGroup) return false;
    const bool is_message =
        field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && wire_type == kLength;
    const bool is_element = field != nullptr && field->is_repeated() && !field->is_packable();
    if ((field == nullptr || is_message || is_element) && --left < 0) return false;

    uint64_t number = 0;
    uint32_t length = 0;
    bool read = false;
    switch (wire_type) {
      case kVarint:
        read = input.ReadVarint64(&number);
        break;
      case kFixed64:
        read = input.Skip(8);
        break;
      case kFixed32:
        read = input.Skip(4);
        break;
      case kLength:
        read = input.ReadVarint32(&length) && length <= INT32_MAX;
        if (!read) break;
        if (is_message) {
          const auto limit = input.PushLimit(static_cast<int>(length));
          if (!CountDown(*field->message_type(), input, depth + 1, left)) return false;
          read = input.BytesUntilLimit() == 0;
          input.PopLimit(limit);
        } else {
          read = input.Skip(static_cast<int>(length));
        }
        break;
      default:
        break;
    }
    if (!read) return true;  // nor does the parser get further
  }
  return true;
}

}  // namespace

bool HasFewParts(const Descriptor& type, google::protobuf::io::ZeroCopyInputStream& wire) {
  CodedInputStream input(&wire);
  int left = kMaxParts;
  return CountDown(type, input, 0, left);
}

}  // namespace mcp_edge
