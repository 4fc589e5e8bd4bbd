#include "tool_service/sdk/json.h"

namespace tool_service {

absl::StatusOr<nlohmann::json> ParseArguments(absl::string_view text) {
  if (text.empty()) return nlohmann::json::object();
  nlohmann::json json =
      nlohmann::json::parse(text.data(), text.data() + text.size(), /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("the arguments are not a JSON object");
  return json;
}

CallToolResult TextResult(absl::string_view text) {
  CallToolResult result;
  result.add_content()->mutable_text()->set_text(text.data(), text.size());
  return result;
}

CallToolResult ErrorResult(absl::string_view text) {
  CallToolResult result = TextResult(text);
  result.set_is_error(true);
  return result;
}

CallToolResult JsonResult(absl::string_view json) {
  CallToolResult result = TextResult(json);
  result.set_structured_content_json(json.data(), json.size());
  return result;
}

}  // namespace tool_service
