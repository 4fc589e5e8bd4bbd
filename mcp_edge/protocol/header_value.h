// Values of the headers `Mcp-Name` and `Mcp-Param-*` (MCP 2026-07-28, transports, Streamable HTTP).

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_HEADER_VALUE_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_HEADER_VALUE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {

// `value` without the optional white space around it (RFC 9110, section 5.5).
absl::string_view TrimHeaderValue(absl::string_view value);

// Decodes a header value: what lies between `=?base64?` and `?=` as base64 of UTF-8 text, anything else as it stands.
//
// Errors: kInvalidArgument, a character outside 0x20-0x7E and tab; base64 with a foreign character or wrong padding;
// decoded bytes that are not UTF-8.
absl::StatusOr<std::string> DecodeHeaderValue(absl::string_view value);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_HEADER_VALUE_H_
