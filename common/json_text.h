// Writing JSON (RFC 8259) as text, for what is built once and sent.

#ifndef GATEHOUSE_COMMON_JSON_TEXT_H_
#define GATEHOUSE_COMMON_JSON_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace common {

// Appends `text` to `out` as the inside of a JSON string (RFC 8259, section 7), invalid UTF-8 as U+FFFD.
void AppendJsonEscaped(absl::string_view text, std::string& out);

// The same between quotation marks.
void AppendJsonString(absl::string_view text, std::string& out);

// How many bytes at the begin of `text` are ASCII that a JSON string holds as it is: no controls, quotation marks or
// backslashes.
size_t PlainJsonLength(absl::string_view text);

// Whether all of `text` is UTF-8 (RFC 3629).
bool IsUtf8(absl::string_view text);

// The beginning of `text`, which is UTF-8: whole characters, at most `max_bytes` in all.
std::string CutUtf8(absl::string_view text, size_t max_bytes);

}  // namespace common

#endif  // GATEHOUSE_COMMON_JSON_TEXT_H_
