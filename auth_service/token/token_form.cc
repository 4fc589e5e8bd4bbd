#include "auth_service/token/token_form.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "auth_service/json/strict_json.h"

namespace auth_service {
namespace {

bool IsToken68(absl::string_view token) {
  const size_t padding = token.size() - std::min(token.size(), token.find_last_not_of('=') + 1);
  token.remove_suffix(padding);
  return !token.empty() && std::all_of(token.begin(), token.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("-._~+/").find(c) != absl::string_view::npos;
  });
}

}  // namespace

TokenForm FormOf(absl::string_view token) {
  if (token.size() > kMaxTokenBytes || !IsToken68(token)) return TokenForm::kMalformed;
  const std::optional<JwsParts> parts = SplitJws(token);
  if (!parts.has_value()) return TokenForm::kOpaque;
  const std::optional<std::string> header = DecodeBase64Url(parts->header);
  return header.has_value() && ParseJsonObject(*header).has_value() ? TokenForm::kJwt : TokenForm::kOpaque;
}

std::optional<JwsParts> SplitJws(absl::string_view token) {
  const size_t first = token.find('.');
  if (first == absl::string_view::npos) return std::nullopt;
  const size_t second = token.find('.', first + 1);
  if (second == absl::string_view::npos || token.find('.', second + 1) != absl::string_view::npos) return std::nullopt;
  return JwsParts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}

std::optional<std::string> DecodeBase64Url(absl::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') return std::nullopt;
  }
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(text, &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace auth_service
