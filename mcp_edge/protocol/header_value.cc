#include "mcp_edge/protocol/header_value.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "common/json_text.h"

namespace mcp_edge {
namespace {

constexpr absl::string_view kPrefix = "=?base64?";
constexpr absl::string_view kSuffix = "?=";

bool IsBase64Alphabet(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

}  // namespace

absl::string_view TrimHeaderValue(absl::string_view value) {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  return value;
}

absl::StatusOr<std::string> DecodeHeaderValue(absl::string_view value) {
  for (const char c : value) {
    if ((c < 0x20 || c > 0x7E) && c != '\t')
      return absl::InvalidArgumentError("has a character that is not printable ASCII");
  }
  absl::string_view inside = value;
  if (!absl::ConsumePrefix(&inside, kPrefix) || !absl::ConsumeSuffix(&inside, kSuffix)) return std::string(value);
  if (inside.size() % 4 != 0) return absl::InvalidArgumentError("has base64 with wrong padding");
  absl::string_view unpadded = inside;
  for (int i = 0; i < 2 && absl::ConsumeSuffix(&unpadded, "="); ++i) {
  }
  for (const char c : unpadded) {
    if (!IsBase64Alphabet(c)) return absl::InvalidArgumentError("has a character that is not base64");
  }
  std::string decoded;
  if (!absl::Base64Unescape(inside, &decoded)) return absl::InvalidArgumentError("is not base64");
  if (!common::IsUtf8(decoded)) return absl::InvalidArgumentError("does not decode to UTF-8");
  return decoded;
}

}  // namespace mcp_edge
