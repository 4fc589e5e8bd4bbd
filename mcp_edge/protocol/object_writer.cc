#include "mcp_edge/protocol/object_writer.h"

#include <cmath>
#include <cstdint>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"

namespace mcp_edge {

void AppendJsonNumber(double value, std::string& out) {
  if (!std::isfinite(value)) {
    out += '0';
  } else if (value == std::floor(value) && std::fabs(value) < 1e15) {
    absl::StrAppend(&out, static_cast<int64_t>(value));
  } else {
    // The shortest form that reads as the same number.
    char text[32];
    for (int digits = 15; digits <= 17; ++digits) {
      snprintf(text, sizeof(text), "%.*g", digits, value);
      double read = 0;
      if (sscanf(text, "%lf", &read) == 1 && read == value) break;
    }
    out += text;
  }
}

void ObjectWriter::String(absl::string_view key, absl::string_view value) { common::AppendJsonString(value, Key(key)); }

void ObjectWriter::OptionalString(absl::string_view key, absl::string_view value) {
  if (!value.empty()) String(key, value);
}

void ObjectWriter::Raw(absl::string_view key, absl::string_view json) { absl::StrAppend(&Key(key), json); }

void ObjectWriter::Number(absl::string_view key, double value) { AppendJsonNumber(value, Key(key)); }

std::string& ObjectWriter::Key(absl::string_view key) {
  absl::StrAppend(&out_, first_ ? "\"" : ",\"", key, "\":");
  first_ = false;
  return out_;
}

}  // namespace mcp_edge
