// Reads JSON text from outside: bounded in depth, strict in form.

#ifndef GATEHOUSE_MCP_EDGE_JSONRPC_JSON_READER_H_
#define GATEHOUSE_MCP_EDGE_JSONRPC_JSON_READER_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/jsonrpc/compact_json.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

// Parses one JSON text (RFC 8259) in UTF-8. The caller bounds its size.
//
// Errors: kInvalidArgument, the text is not JSON, is not UTF-8, has a byte order mark or a zero byte, is nested deeper
// than `max_depth`, has more than kMaxJsonValues values, names a member of an object twice (RFC 8259, section 4:
// receivers differ on which one counts, so neither is trusted), or holds a number beyond the range of a double.
absl::StatusOr<nlohmann::json> ReadJson(absl::string_view text, size_t max_depth = kMaxJsonDepth);

// The member `key` of `object`; null when there is none, or it is no object.
const nlohmann::json* FindMember(const nlohmann::json& object, absl::string_view key);

// The text of the member `key` of the object `object_text`, byte for byte as sent, without the white space around it;
// empty when there is none. `object_text` must be an object that ReadJson accepts, since nothing is checked here again.
absl::string_view RawMember(absl::string_view object_text, absl::string_view key);

// The members of the object `object_text` in their order, each with its key as it reads and its text as RawMember has
// it.
std::vector<std::pair<std::string, absl::string_view>> RawMembers(absl::string_view object_text);

// The texts of the elements of the array `array_text`, likewise.
std::vector<absl::string_view> RawElements(absl::string_view array_text);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_JSONRPC_JSON_READER_H_
