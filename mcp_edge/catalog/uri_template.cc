#include "mcp_edge/catalog/uri_template.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"

namespace mcp_edge {

UriTemplate::UriTemplate(absl::string_view text) {
  while (!text.empty()) {
    const size_t open = text.find('{');
    if (open != 0) parts_.push_back({.kind = Part::Kind::kLiteral, .literal = std::string(text.substr(0, open))});
    if (open == absl::string_view::npos) return;
    const size_t close = text.find('}', open);
    const char first = open + 1 < text.size() ? text[open + 1] : '}';
    const bool has_operator = absl::string_view("#./;?&=,!@|").find(first) != absl::string_view::npos;
    if (has_operator || close == absl::string_view::npos) {
      parts_.push_back({.kind = Part::Kind::kRest});
      return;
    }
    parts_.push_back({.kind = first == '+' ? Part::Kind::kAnything : Part::Kind::kSegment});
    text.remove_prefix(close + 1);
  }
}

bool UriTemplate::Matches(absl::string_view uri) const {
  // The usual case: most templates differ in how they begin, or are nothing else.
  const bool literal_first = !parts_.empty() && parts_.front().kind == Part::Kind::kLiteral;
  if (literal_first && !absl::StartsWith(uri, parts_.front().literal)) return false;

  // at[i]: the parts so far can have taken the first i characters. One pass for each part, so that no template makes
  // this go back.
  std::vector<char> at(uri.size() + 1, 0);
  std::vector<char> next(uri.size() + 1, 0);
  at[0] = 1;
  for (const Part& part : parts_) {
    if (part.kind == Part::Kind::kRest) return std::find(at.begin(), at.end(), 1) != at.end();
    std::fill(next.begin(), next.end(), 0);
    for (size_t i = 0; i <= uri.size(); ++i) {
      if (part.kind == Part::Kind::kLiteral) {
        if (at[i] && absl::StartsWith(uri.substr(i), part.literal)) next[i + part.literal.size()] = 1;
      } else if (part.kind == Part::Kind::kSegment) {
        if (i > 0 && uri[i - 1] != '/' && (at[i - 1] || next[i - 1])) next[i] = 1;
      } else {
        if (at[i] || (i > 0 && next[i - 1])) next[i] = 1;
      }
    }
    at.swap(next);
  }
  return at[uri.size()] != 0;
}

}  // namespace mcp_edge
