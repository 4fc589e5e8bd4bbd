#include "auth_service/json/strict_json.h"

#include <set>
#include <utility>
#include <vector>

namespace auth_service {
namespace {

std::optional<nlohmann::json> ParseJson(absl::string_view text) {
  using Json = nlohmann::json;
  bool acceptable = true;
  std::vector<std::set<std::string>> names;  // of the objects that are open
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
        names.emplace_back();
        acceptable = acceptable && depth < kMaxJsonDepth;
        break;
      case Json::parse_event_t::object_end:
        names.pop_back();
        break;
      case Json::parse_event_t::array_start:
        acceptable = acceptable && depth < kMaxJsonDepth;
        break;
      case Json::parse_event_t::key:
        acceptable = acceptable && names.back().insert(parsed.get<std::string>()).second;
        break;
      default:
        break;
    }
    return true;
  };
  Json json = Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (!acceptable || json.is_discarded()) return std::nullopt;
  return json;
}

}  // namespace

std::optional<nlohmann::json> ParseJsonObject(absl::string_view text) {
  std::optional<nlohmann::json> json = ParseJson(text);
  if (!json.has_value() || !json->is_object()) return std::nullopt;
  return json;
}

std::optional<nlohmann::json> ParseJsonArray(absl::string_view text) {
  std::optional<nlohmann::json> json = ParseJson(text);
  if (!json.has_value() || !json->is_array()) return std::nullopt;
  return json;
}

std::string CompactJson(absl::string_view text) {
  std::string compact;
  compact.reserve(text.size());
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      compact += c;
      if (c == '\\' && i + 1 < text.size()) {
        compact += text[++i];
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
      compact += c;
      in_string = c == '"';
    }
  }
  return compact;
}

absl::string_view StringMember(const nlohmann::json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) return {};
  return member->get_ref<const std::string&>();
}

}  // namespace auth_service
