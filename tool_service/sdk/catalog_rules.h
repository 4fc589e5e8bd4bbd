// The rules that tool.proto makes for the entries of a catalogue, so that an author hears of a broken one at once and
// not from the edge's log.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_CATALOG_RULES_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_CATALOG_RULES_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"

namespace tool_service {

inline constexpr size_t kMaxEntries = 10'000;  // of each kind but those below
inline constexpr size_t kMaxTemplates = 1'000;
inline constexpr size_t kMaxSkills = 1'000;
inline constexpr size_t kMaxUriPrefixes = 100;
inline constexpr size_t kMaxCatalogBytes = 8 << 20;
inline constexpr size_t kMaxInstructionsBytes = 4 << 10;
inline constexpr size_t kMaxUriBytes = 2 << 10;

// Errors of all: kInvalidArgument, naming the entry and the rule that it breaks.
absl::Status CheckEntry(const gatehouse::tool::v1::Tool& tool);
absl::Status CheckEntry(const gatehouse::tool::v1::Resource& resource);
// Does not look at the template itself.
absl::Status CheckEntry(const gatehouse::tool::v1::ResourceTemplate& resource_template);
absl::Status CheckEntry(const gatehouse::tool::v1::Prompt& prompt);
absl::Status CheckEntry(const gatehouse::tool::v1::Skill& skill);
// An absolute URI (RFC 3986).
absl::Status CheckUri(absl::string_view uri);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_CATALOG_RULES_H_
