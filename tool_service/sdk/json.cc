#include "tool_service/sdk/json.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tool_service {
namespace {

// How many brackets are open at once, at most. Exact for JSON, and for other text of no interest.
int DepthOf(absl::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

absl::StatusOr<nlohmann::json> ParseJsonObject(absl::string_view what, absl::string_view text, int max_depth) {
  if (const int depth = DepthOf(text); depth > max_depth) {
    return absl::InvalidArgumentError(absl::StrCat(what, " must be at most ", max_depth, " levels deep, is ", depth));
  }
  nlohmann::json json =
      nlohmann::json::parse(text.data(), text.data() + text.size(), /*cb=*/nullptr, /*allow_exceptions=*/false);
  // The parser takes a byte order mark, which RFC 8259, section 8.1, forbids to write.
  const bool has_mark = absl::StartsWith(text, "\xEF\xBB\xBF");
  if (!json.is_object() || has_mark) return absl::InvalidArgumentError(absl::StrCat(what, " must be a JSON object"));
  return json;
}

absl::StatusOr<nlohmann::json> ParseArguments(absl::string_view text) {
  if (text.empty()) return nlohmann::json::object();
  return ParseJsonObject("the arguments", text);
}

}  // namespace tool_service
