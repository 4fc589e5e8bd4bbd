// JSON from outside: tokens and the provider's answers. Read once to judge it, passed on as the text that it was.

#ifndef GATEHOUSE_AUTH_SERVICE_JSON_STRICT_JSON_H_
#define GATEHOUSE_AUTH_SERVICE_JSON_STRICT_JSON_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace auth_service {

// How deep objects and arrays may nest.
inline constexpr int kMaxJsonDepth = 32;

// Reads one JSON object (RFC 8259) in UTF-8. Nothing if `text` is anything else, begins with a byte order mark, nests
// deeper than kMaxJsonDepth, has a name twice in one object (RFC 7519, section 4, lets a reader refuse that; two
// readers could disagree on its meaning), or has a number that no double can hold.
std::optional<nlohmann::json> ParseJsonObject(absl::string_view text);

// The same of one JSON array.
std::optional<nlohmann::json> ParseJsonArray(absl::string_view text);

// `text` without the white space between its tokens: names, their order, numbers and strings stay as they are written.
// `text` must be JSON.
std::string CompactJson(absl::string_view text);

// The members of `base`, and after them those of `extra` whose names `base` does not have, each as it is written; the
// names of the latter are appended to `added`. Both must be what CompactJson() made of JSON objects.
std::string MergeJsonObjects(absl::string_view base, absl::string_view extra, std::vector<std::string>& added);

// The member `name` of `object` if it is a string; otherwise an empty text.
absl::string_view StringMember(const nlohmann::json& object, const char* name);

// Whether the member `name` of `object` is a string, null, or not there: no value of another type that StringMember()
// would pass over.
bool IsStringOrAbsent(const nlohmann::json& object, const char* name);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_JSON_STRICT_JSON_H_
