#include "auth_service/json/strict_json.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"

namespace auth_service {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::optional<nlohmann::json> ParseJson(absl::string_view text) {
  // The parser would pass over it; others, and whoever is handed the text on, do not.
  if (absl::StartsWith(text, kByteOrderMark)) return std::nullopt;
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

// The length of the JSON string that `text` begins with, its quotation marks included.
size_t StringLength(absl::string_view text) {
  size_t i = 1;
  while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size());
}

// The members of a compact JSON object, each as it is written.
std::vector<absl::string_view> TopLevelMembers(absl::string_view object) {
  std::vector<absl::string_view> members;
  size_t begin = 1;
  int depth = 0;
  for (size_t i = 1; i < object.size(); ++i) {
    const char c = object[i];
    if (c == '"') {
      i += StringLength(object.substr(i)) - 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth > 0) {
      if (c == '}' || c == ']') --depth;
    } else if (c == ',' || c == '}') {
      if (i > begin) members.push_back(object.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  return members;
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

std::string MergeJsonObjects(absl::string_view base, absl::string_view extra, std::vector<std::string>& added) {
  const nlohmann::json taken = nlohmann::json::parse(base.begin(), base.end(), nullptr, /*allow_exceptions=*/false);
  std::string merged(base.substr(0, base.size() - 1));
  for (const absl::string_view member : TopLevelMembers(extra)) {
    const absl::string_view quoted = member.substr(0, StringLength(member));
    const nlohmann::json name = nlohmann::json::parse(quoted.begin(), quoted.end(), nullptr, false);
    if (!name.is_string() || taken.contains(name.get_ref<const std::string&>())) continue;
    if (merged.size() > 1) merged += ',';
    merged.append(member.data(), member.size());
    added.push_back(name.get<std::string>());
  }
  merged += '}';
  return merged;
}

absl::string_view StringMember(const nlohmann::json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) return {};
  return member->get_ref<const std::string&>();
}

bool IsStringOrAbsent(const nlohmann::json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() || member->is_null() || member->is_string();
}

}  // namespace auth_service
