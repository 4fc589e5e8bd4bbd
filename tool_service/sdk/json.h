// JSON into a handler.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_JSON_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_JSON_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace tool_service {

// How deep JSON from outside may be. What is deeper could exhaust the stack of whoever walks it.
inline constexpr int kMaxJsonDepth = 128;

// Parses `text` (RFC 8259), which must be an object of at most `max_depth` levels. `what` is for messages: "the
// arguments".
//
// Errors: kInvalidArgument, it is no JSON object, or too deep.
absl::StatusOr<nlohmann::json> ParseJsonObject(absl::string_view what, absl::string_view text,
                                               int max_depth = kMaxJsonDepth);

// The arguments of a tool: ParseJsonObject(), and empty text is {}. Does not look at any schema: the edge has checked
// them against the tool's.
absl::StatusOr<nlohmann::json> ParseArguments(absl::string_view text);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_JSON_H_
