// JSON in and out of a handler.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_JSON_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "tool_service/sdk/tool_context.h"

namespace tool_service {

// Parses `text` (RFC 8259), which must be an object; empty text is {}. Does not look at any schema.
//
// Errors: kInvalidArgument, it is no JSON object.
absl::StatusOr<nlohmann::json> ParseArguments(absl::string_view text);

// A result of one text block.
CallToolResult TextResult(absl::string_view text);

// A failure that the model can read about and act upon: a text block, and `is_error`.
CallToolResult ErrorResult(absl::string_view text);

// A result whose structured content is `json`, with the same text as a block, for clients that read only blocks. `json`
// must be a JSON value that fits the tool's output schema.
CallToolResult JsonResult(absl::string_view json);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_JSON_H_
