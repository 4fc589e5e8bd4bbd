#include "common/json_text.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

namespace common {
namespace {

// The length of the valid UTF-8 sequence (RFC 3629) that `text` begins with, or 0.
size_t Utf8SequenceLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continued = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  if (byte(0) < 0x80) return 1;
  if (byte(0) >= 0xC2 && byte(0) <= 0xDF) return continued(1) ? 2 : 0;
  if (byte(0) >= 0xE0 && byte(0) <= 0xEF) {
    if (!continued(1) || !continued(2)) return 0;
    if (byte(0) == 0xE0 && byte(1) < 0xA0) return 0;
    if (byte(0) == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (byte(0) >= 0xF0 && byte(0) <= 0xF4) {
    if (!continued(1) || !continued(2) || !continued(3)) return 0;
    if (byte(0) == 0xF0 && byte(1) < 0x90) return 0;
    if (byte(0) == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

constexpr uint64_t Each(uint8_t byte) { return uint64_t{0x0101'0101'0101'0101} * byte; }

// The highest bit of the first byte of `word` that is less than `limit`, at most 0x80; of later ones perhaps, and of
// bytes of 0x80 or more.
constexpr uint64_t Less(uint64_t word, uint8_t limit) { return (word - Each(limit)) & ~word & Each(0x80); }

// The highest bit of the first of eight bytes that is not plain; zero if all are.
uint64_t FirstSpecial(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return (word & Each(0x80)) | Less(word, 0x20) | Less(word ^ Each('"'), 1) | Less(word ^ Each('\\'), 1);
}

bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

// How many bytes at the begin of `text` are the same inside a JSON string.
size_t UnescapedLength(absl::string_view text) {
  size_t length = 0;
  while (true) {
    length += PlainJsonLength(text.substr(length));
    if (length == text.size()) break;
    if ((static_cast<unsigned char>(text[length]) & 0x80) == 0) break;
    const size_t sequence = Utf8SequenceLength(text.substr(length));
    if (sequence == 0) break;
    length += sequence;
  }
  return length;
}

}  // namespace

void AppendJsonEscaped(absl::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  while (!text.empty()) {
    // Most text needs no escapes: what does not is copied in one go.
    const size_t plain = UnescapedLength(text);
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const unsigned char c = static_cast<unsigned char>(text.front());
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
      text.remove_prefix(1);
    } else if (c < 0x20) {
      switch (c) {
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        default:
          out += "\\u00";
          out += kHex[c >> 4];
          out += kHex[c & 0xF];
      }
      text.remove_prefix(1);
    } else {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
  }
}

void AppendJsonString(absl::string_view text, std::string& out) {
  out += '"';
  AppendJsonEscaped(text, out);
  out += '"';
}

size_t PlainJsonLength(absl::string_view text) {
  static_assert(std::endian::native == std::endian::little, "the first byte is the lowest one");
  size_t length = 0;
  for (; length + sizeof(uint64_t) <= text.size(); length += sizeof(uint64_t)) {
    if (const uint64_t special = FirstSpecial(text.data() + length); special != 0) {
      return length + static_cast<size_t>(std::countr_zero(special)) / 8;
    }
  }
  while (length < text.size() && IsPlain(text[length])) ++length;
  return length;
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string CutUtf8(absl::string_view text, size_t max_bytes) {
  size_t end = std::min(max_bytes, text.size());
  // Bytes that go on with a character have the form 10xxxxxx.
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

}  // namespace common
