// What a scope may be made of.

#ifndef GATEHOUSE_COMMON_SCOPE_TOKEN_H_
#define GATEHOUSE_COMMON_SCOPE_TOKEN_H_

#include <algorithm>

#include "absl/strings/string_view.h"

namespace common {

// Whether `text` is a scope-token (RFC 6749, section 3.3): one or more of %x21 / %x23-5B / %x5D-7E, however many.
inline bool IsScopeToken(absl::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; });
}

}  // namespace common

#endif  // GATEHOUSE_COMMON_SCOPE_TOKEN_H_
