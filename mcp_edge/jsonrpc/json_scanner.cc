#include "mcp_edge/jsonrpc/json_scanner.h"

namespace mcp_edge {
namespace {

void AppendUtf8(uint32_t code_point, std::string& out) {
  const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) {
    add(code_point);
  } else if (code_point < 0x800) {
    add(0xC0 | (code_point >> 6));
    add(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    add(0xE0 | (code_point >> 12));
    add(0x80 | ((code_point >> 6) & 0x3F));
    add(0x80 | (code_point & 0x3F));
  } else {
    add(0xF0 | (code_point >> 18));
    add(0x80 | ((code_point >> 12) & 0x3F));
    add(0x80 | ((code_point >> 6) & 0x3F));
    add(0x80 | (code_point & 0x3F));
  }
}

}  // namespace

std::string UnescapeJson(absl::string_view inside) {
  std::string plain;
  plain.reserve(inside.size());
  const auto hex = [&](size_t at) {
    return static_cast<uint32_t>(std::strtoul(std::string(inside.substr(at, 4)).c_str(), nullptr, 16));
  };
  for (size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] != '\\') {
      plain += inside[i];
      continue;
    }
    const char c = inside[++i];
    if (c != 'u') {
      constexpr absl::string_view kEscapes = "bfnrt";
      const size_t which = kEscapes.find(c);
      plain += which == absl::string_view::npos ? c : "\b\f\n\r\t"[which];
      continue;
    }
    uint32_t code_point = hex(i + 1);
    i += 4;
    if (code_point >= 0xD800 && code_point <= 0xDBFF) {
      code_point = 0x10000 + ((code_point - 0xD800) << 10) + (hex(i + 3) - 0xDC00);
      i += 6;
    }
    AppendUtf8(code_point, plain);
  }
  return plain;
}

}  // namespace mcp_edge
