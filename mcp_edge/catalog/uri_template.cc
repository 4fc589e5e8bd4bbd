#include "mcp_edge/catalog/uri_template.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace mcp_edge {
namespace {

// What the value of a simple expression is not taken to hold (RFC 3986, section 2.2: of the general delimiters those
// that end a segment of the path).
bool IsDelimiter(char c) { return c == '/' || c == '?' || c == '#'; }

}  // namespace

UriTemplate::UriTemplate(absl::string_view text) : prefix_(text.substr(0, text.find('{'))) {
  text.remove_prefix(prefix_.size());
  while (!text.empty()) {
    const size_t open = text.find('{');
    if (open != 0) parts_.push_back({.kind = Part::Kind::kLiteral, .literal = std::string(text.substr(0, open))});
    if (open == absl::string_view::npos) return;
    const size_t close = text.find('}', open);
    if (close == absl::string_view::npos) {
      parts_.push_back({.kind = Part::Kind::kRest});
      return;
    }
    const char first = text[open + 1];
    if (absl::string_view("#./;?&").find(first) != absl::string_view::npos) {
      parts_.push_back({.kind = Part::Kind::kRest, .first = first});
    } else if (absl::string_view("=,!@|").find(first) != absl::string_view::npos) {  // operators without a meaning yet
      parts_.push_back({.kind = Part::Kind::kRest});
    } else {
      parts_.push_back({.kind = first == '+' ? Part::Kind::kAnything : Part::Kind::kSegment});
    }
    text.remove_prefix(close + 1);
  }
}

bool UriTemplate::Matches(absl::string_view uri) const {
  // The usual case: most templates differ in how they begin.
  if (!absl::ConsumePrefix(&uri, prefix_)) return false;
  if (parts_.empty()) return uri.empty();

  // at[i]: the parts so far can have taken the first i characters; none fewer than `low`. One pass for each part, so
  // that no template makes this go back.
  std::vector<char> at(uri.size() + 1, 0);
  at[0] = 1;
  size_t low = 0;
  for (const Part& part : parts_) {
    const size_t taken = part.literal.size();
    bool carry = false;
    switch (part.kind) {
      case Part::Kind::kLiteral:
        if (low + taken > uri.size()) return false;
        for (size_t i = uri.size() - taken + 1; i-- > low;) {
          at[i + taken] = at[i] && absl::StartsWith(uri.substr(i), part.literal) ? 1 : 0;
        }
        std::fill(at.begin() + low, at.begin() + low + taken, 0);
        break;
      case Part::Kind::kSegment:
        for (size_t i = low; i <= uri.size(); ++i) {
          const bool reached = carry;
          carry = (carry || at[i]) && i < uri.size() && !IsDelimiter(uri[i]);
          at[i] = reached ? 1 : 0;
        }
        break;
      case Part::Kind::kAnything:
        std::fill(at.begin() + low, at.end(), 1);
        break;
      case Part::Kind::kRest:
        for (size_t i = low; i <= uri.size(); ++i) {
          if (at[i] && (i == uri.size() || part.first == 0 || uri[i] == part.first)) return true;
        }
        break;
    }
    low = static_cast<size_t>(std::find(at.begin() + low, at.end(), 1) - at.begin());
    if (low > uri.size()) return false;
  }
  return at[uri.size()] != 0;
}

}  // namespace mcp_edge
