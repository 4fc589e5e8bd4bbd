#include "tool_service/sdk/uri_template.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tool_service {
namespace {

absl::Status Refuse(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("the URI template \"", text, "\" ", why));
}

std::optional<std::string> PercentDecode(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(text[i + 1]) || !absl::ascii_isxdigit(text[i + 2])) {
      return std::nullopt;
    }
    decoded += absl::HexStringToBytes(text.substr(i + 1, 2));
    i += 2;
  }
  return decoded;
}

}  // namespace

absl::StatusOr<UriTemplate> UriTemplate::Parse(absl::string_view text) {
  UriTemplate result;
  result.parts_.emplace_back();
  absl::string_view rest = text;
  while (!rest.empty()) {
    const size_t open = rest.find('{');
    const absl::string_view literal = rest.substr(0, open);
    if (absl::StrContains(literal, "}")) return Refuse(text, "has braces that do not match");
    result.parts_.back().literal = std::string(literal);
    if (open == absl::string_view::npos) break;
    if (result.parts_.size() > 1 && literal.empty()) return Refuse(text, "has two variables with nothing between them");
    const size_t close = rest.find('}', open);
    if (close == absl::string_view::npos) return Refuse(text, "has braces that do not match");
    absl::string_view name = rest.substr(open + 1, close - open - 1);
    Part part;
    if (absl::StartsWith(name, "+")) {
      part.reserved = true;
      name.remove_prefix(1);
    }
    const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return absl::ascii_isalnum(c) || c == '_' || c == '.';
    });
    if (!is_name) return Refuse(text, absl::StrCat("has {", name, "}, and only {name} and {+name} can be matched"));
    if (result.HasVariable(name)) return Refuse(text, absl::StrCat("has the variable \"", name, "\" twice"));
    part.variable = std::string(name);
    result.parts_.push_back(std::move(part));
    rest = rest.substr(close + 1);
  }
  return result;
}

std::optional<Variables> UriTemplate::Match(absl::string_view uri) const {
  absl::string_view rest = uri;
  if (!absl::ConsumePrefix(&rest, parts_[0].literal)) return std::nullopt;
  Variables variables;
  for (size_t i = 1; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    size_t end;
    if (i + 1 == parts_.size()) {
      if (!absl::EndsWith(rest, part.literal)) return std::nullopt;
      end = rest.size() - part.literal.size();
    } else {
      end = rest.find(part.literal, 1);
      if (end == absl::string_view::npos) return std::nullopt;
    }
    const absl::string_view value = rest.substr(0, end);
    if (value.empty()) return std::nullopt;
    if (!part.reserved && value.find_first_of("/?#") != absl::string_view::npos) return std::nullopt;
    std::optional<std::string> decoded = PercentDecode(value);
    if (!decoded.has_value()) return std::nullopt;
    variables[part.variable] = *std::move(decoded);
    rest = rest.substr(end + part.literal.size());
  }
  if (!rest.empty()) return std::nullopt;
  return variables;
}

bool UriTemplate::HasVariable(absl::string_view name) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [&](const Part& part) { return !part.variable.empty() && part.variable == name; });
}

}  // namespace tool_service
