#include "mcp_edge/session/event_id.h"

#include <openssl/sha.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace mcp_edge {
namespace {

constexpr size_t kTagLength = 8;
// Of a number of 64 bits, with room to spare for neither sign nor overflow.
constexpr size_t kMaxDigits = 19;

std::optional<uint64_t> ParseNumber(absl::string_view text) {
  if (text.empty() || text.size() > kMaxDigits || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
  }
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

}  // namespace

std::string SessionTag(absl::string_view session_id) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(session_id.data()), session_id.size(), digest);
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest), kTagLength / 2});
}

std::string FormatEventId(const EventId& id) { return absl::StrCat(id.session_tag, ".", id.stream, "-", id.event); }

std::optional<EventId> ParseEventId(absl::string_view text) {
  if (text.size() <= kTagLength || text[kTagLength] != '.') return std::nullopt;
  EventId id;
  id.session_tag = std::string(text.substr(0, kTagLength));
  for (const char c : id.session_tag) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c)) && (c < 'a' || c > 'f')) return std::nullopt;
  }
  text.remove_prefix(kTagLength + 1);
  const size_t dash = text.find('-');
  if (dash == absl::string_view::npos) return std::nullopt;
  const std::optional<uint64_t> stream = ParseNumber(text.substr(0, dash));
  const std::optional<uint64_t> event = ParseNumber(text.substr(dash + 1));
  if (!stream.has_value() || !event.has_value()) return std::nullopt;
  id.stream = *stream;
  id.event = *event;
  return id;
}

}  // namespace mcp_edge
