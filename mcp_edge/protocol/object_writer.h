// Writes one JSON object (RFC 8259) member by member, for the libraries that render what clients see.

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_OBJECT_WRITER_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_OBJECT_WRITER_H_

#include <string>

#include "absl/strings/string_view.h"

namespace mcp_edge {

// Appends `value` as JSON: a whole number without a fraction, and 0 for what JSON cannot say (infinities, NaN).
void AppendJsonNumber(double value, std::string& out);

// Puts a comma before each member but the first. Close() ends the object.
class ObjectWriter {
 public:
  // Appends to `out`, which must outlive the writer.
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }

  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  void String(absl::string_view key, absl::string_view value);
  // Nothing when `value` is empty.
  void OptionalString(absl::string_view key, absl::string_view value);
  // `json` is JSON already.
  void Raw(absl::string_view key, absl::string_view json);
  void Bool(absl::string_view key, bool value) { Raw(key, value ? "true" : "false"); }
  void Number(absl::string_view key, double value);
  // For a value that the caller appends itself, to what is returned. `key` needs no escapes.
  std::string& Key(absl::string_view key);
  void Close() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_OBJECT_WRITER_H_
