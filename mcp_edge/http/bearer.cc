#include "mcp_edge/http/bearer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mcp_edge {
namespace {

// b64token of RFC 6750, section 2.1.
bool IsToken(absl::string_view text) {
  while (absl::ConsumeSuffix(&text, "=")) {
  }
  if (text.empty()) return false;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_') continue;
    if (c != '~' && c != '+' && c != '/') return false;
  }
  return true;
}

BearerToken Malformed(absl::string_view problem) { return {BearerToken::Form::kMalformed, "", problem}; }

}  // namespace

BearerToken ReadBearerToken(const std::vector<absl::string_view>& authorization, bool query_has_token) {
  if (query_has_token) return Malformed("a token in the query string is not accepted");
  if (authorization.empty()) return {};
  if (authorization.size() > 1) return Malformed("there is more than one Authorization header");
  absl::string_view value = authorization.front();
  const size_t scheme_end = value.find(' ');
  const absl::string_view scheme = value.substr(0, scheme_end);
  if (!absl::EqualsIgnoreCase(scheme, "Bearer")) {
    if (scheme.empty() || scheme_end == absl::string_view::npos)
      return Malformed("Authorization names no scheme and credentials");
    return {};
  }
  if (scheme_end == absl::string_view::npos) return Malformed("Authorization has no token");
  value.remove_prefix(scheme_end + 1);
  if (value.size() > kMaxTokenBytes) return Malformed("the token is longer than 8192 bytes");
  if (!IsToken(value)) return Malformed("the token has characters that a bearer token cannot have");
  return {BearerToken::Form::kPresent, value, ""};
}

std::string WriteChallenge(const Challenge& challenge) {
  std::string header = "Bearer";
  const auto add = [&](absl::string_view name, absl::string_view value) {
    if (value.empty()) return;
    absl::StrAppend(&header, header.size() == 6 ? " " : ", ", name, "=\"");
    for (const char c : value) header += c >= 0x20 && c <= 0x7E && c != '"' && c != '\\' ? c : ' ';
    header += '"';
  };
  add("error", challenge.error);
  add("error_description", challenge.error_description);
  add("resource_metadata", challenge.resource_metadata);
  add("scope", challenge.scope);
  return header;
}

}  // namespace mcp_edge
