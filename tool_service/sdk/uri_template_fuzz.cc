// Whatever the URI: Match() returns soon, and what it accepts has every variable of the template, none of them empty
// before it was decoded, and begins and ends as the template does.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "tool_service/sdk/uri_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const uri_template =
      new tool_service::UriTemplate(*tool_service::UriTemplate::Parse("test://{host}/{+path}/item-{id}.txt"));
  const absl::string_view uri(reinterpret_cast<const char*>(data), size);
  const auto variables = uri_template->Match(uri);
  if (variables.has_value()) {
    if (variables->size() != 3 || !absl::StartsWith(uri, "test://") || !absl::EndsWith(uri, ".txt")) std::abort();
    for (const auto& [name, value] : *variables) {
      if (value.empty()) std::abort();
    }
  }
  // As a template, too, since the parser is there.
  const auto parsed = tool_service::UriTemplate::Parse(uri);
  if (parsed.ok()) (void)parsed->Match("test://a/b/item-c.txt");
  return 0;
}
