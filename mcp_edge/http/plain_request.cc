#include "mcp_edge/http/plain_request.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace mcp_edge {
namespace {

using CharacterSet = std::array<bool, 256>;

constexpr CharacterSet AlphanumericAnd(absl::string_view others) {
  CharacterSet set = {};
  for (int c = '0'; c <= '9'; ++c) set[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) set[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) set[c] = true;
  for (const char c : others) set[static_cast<unsigned char>(c)] = true;
  return set;
}

constexpr CharacterSet kPath = AlphanumericAnd("-._~/");
// RFC 9110, section 5.6.2.
constexpr CharacterSet kToken = AlphanumericAnd("!#$%&'*+-.^_`|~");
constexpr CharacterSet kMediaType = AlphanumericAnd("!#$%&'*+-.^_`|~/");

bool IsOf(const CharacterSet& set, absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return set[static_cast<unsigned char>(c)]; });
}

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
}

absl::string_view TakeLine(absl::string_view& head) {
  const size_t end = std::min(head.find("\r\n"), head.size());
  const absl::string_view line = head.substr(0, end);
  head.remove_prefix(std::min(end + 2, head.size()));
  return line;
}

// Without the white space around it (RFC 9110, section 5.6.3).
absl::string_view Trim(absl::string_view value) {
  const size_t begin = value.find_first_not_of(" \t");
  if (begin == absl::string_view::npos) return "";
  return value.substr(begin, value.find_last_not_of(" \t") - begin + 1);
}

bool ReadRequestLine(absl::string_view line, httplib::Request& request) {
  if (!absl::ConsumePrefix(&line, "POST ") || !absl::ConsumeSuffix(&line, " HTTP/1.1")) return false;
  if (line.empty() || line.front() != '/' || !IsOf(kPath, line)) return false;
  request.method = "POST";
  request.version = "HTTP/1.1";
  request.target = std::string(line);
  request.path = request.target;
  return true;
}

// Whether cpp-httplib takes the value of an Accept header; it answers 400 to others.
bool IsGoodAccept(absl::string_view value) {
  absl::string_view rest = value;
  while (true) {
    const size_t comma = rest.find(',');
    const absl::string_view type = absl::StripAsciiWhitespace(rest.substr(0, comma));
    if (type.empty() || !IsOf(kMediaType, type) || (type != "*" && !absl::StrContains(type, '/'))) break;
    if (comma == absl::string_view::npos) return true;
    rest.remove_prefix(comma + 1);
  }
  std::vector<std::string> unused;
  return httplib::detail::parse_accept_header(std::string(value), unused);
}

// Whether the header `name` asks for what is not plain, whatever its value; or is one of the two in which cpp-httplib
// decodes no percent signs.
bool IsSpecial(absl::string_view name) {
  for (const absl::string_view special :
       {"Expect", "Range", "Upgrade", "Content-Encoding", "Transfer-Encoding", "Referer", "Location"}) {
    if (name.size() == special.size() && absl::EqualsIgnoreCase(name, special)) return true;
  }
  return false;
}

}  // namespace

std::optional<size_t> ReadPlainHead(absl::string_view head, httplib::Request& request) {
  if (!ReadRequestLine(TakeLine(head), request)) return std::nullopt;
  size_t length = 0;
  bool has_accept = false;
  while (!head.empty()) {
    const absl::string_view line = TakeLine(head);
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos || colon == 0) return std::nullopt;
    const absl::string_view name = line.substr(0, colon);
    const absl::string_view value = Trim(line.substr(colon + 1));
    if (value.empty() || !IsOf(kToken, name) || !IsPrintable(value) || IsSpecial(name)) return std::nullopt;
    if (absl::EqualsIgnoreCase(name, "Content-Length")) {
      const bool is_number = std::all_of(value.begin(), value.end(), absl::ascii_isdigit);
      if (length != 0 || !is_number || !absl::SimpleAtoi(value, &length) || length == 0) return std::nullopt;
    } else if (absl::EqualsIgnoreCase(name, "Accept")) {
      if (has_accept || !IsGoodAccept(value)) return std::nullopt;
      has_accept = true;
    } else if (absl::EqualsIgnoreCase(name, "Connection")) {
      if (!absl::EqualsIgnoreCase(value, "keep-alive")) return std::nullopt;
    }
    request.headers.emplace(std::string(name), std::string(value));
  }
  if (length == 0) return std::nullopt;
  return length;
}

}  // namespace mcp_edge
