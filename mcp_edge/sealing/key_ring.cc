#include "mcp_edge/sealing/key_ring.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/read_file.h"
#include "common/secure_random.h"

namespace mcp_edge {
namespace {

constexpr size_t kMaxFileBytes = 64 << 10;

bool IsKeyId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxSealingKeyIdLength && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
  });
}

}  // namespace

absl::StatusOr<KeyRing> ParseKeyRing(absl::string_view text, absl::string_view file_name) {
  KeyRing keys;
  int line_number = 0;
  const auto wrong = [&](absl::string_view rule) {
    return absl::InvalidArgumentError(absl::StrCat(file_name, ":", line_number, ": ", rule));
  };
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || absl::StartsWith(line, "#")) continue;
    const std::vector<absl::string_view> words = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.size() != 2) return wrong("a line must be a key id and 32 bytes in base64, with a blank between");
    if (!IsKeyId(words[0])) {
      return wrong(absl::StrCat("a key id must be 1 to ", kMaxSealingKeyIdLength, " characters of [A-Za-z0-9_.-]"));
    }
    SealingKey key;
    key.id = std::string(words[0]);
    if (!absl::Base64Unescape(words[1], &key.secret) || key.secret.size() != kSealingKeyBytes) {
      return wrong("a key must be 32 bytes in base64, as `openssl rand -base64 32` makes them");
    }
    for (const SealingKey& other : keys) {
      if (other.id == key.id) return wrong(absl::StrCat("the key id \"", key.id, "\" is there twice"));
    }
    if (keys.size() == kMaxSealingKeys) return wrong(absl::StrCat("there must be at most ", kMaxSealingKeys, " keys"));
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return absl::InvalidArgumentError(absl::StrCat(file_name, ": there must be at least one key"));
  return keys;
}

absl::StatusOr<KeyRing> ReadKeyRing(const std::string& file_name) {
  const absl::StatusOr<std::string> text = common::ReadFile("the state keys file", file_name, kMaxFileBytes);
  return text.ok() ? ParseKeyRing(*text, file_name) : text.status();
}

KeyRing RandomKeyRing() { return {{"random", common::SecureRandomBytes(kSealingKeyBytes)}}; }

}  // namespace mcp_edge
