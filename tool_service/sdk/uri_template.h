// Finds the variables of a URI template in a URI: the opposite of what RFC 6570 describes, for the templates whose
// expansion can be undone.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_URI_TEMPLATE_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_URI_TEMPLATE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tool_service {

// The values of a template's variables, by name.
using Variables = std::map<std::string, std::string>;

// Immutable.
class UriTemplate {
 public:
  // Understands literals, {name}, which stands for one or more characters but "/", "?" and "#", and {+name}, which may
  // hold these too. Something must be between two expressions.
  //
  // Errors: kInvalidArgument, `text` is no such template.
  static absl::StatusOr<UriTemplate> Parse(absl::string_view text);

  // The variables with which `text` expands to `uri`, percent-decoded; nothing if it never does. Where the end of a
  // variable is a matter of opinion, the shortest one counts. Takes time in proportion to the length of `uri`.
  std::optional<Variables> Match(absl::string_view uri) const;

  // Whether there is a variable of this name.
  bool HasVariable(absl::string_view name) const;

 private:
  struct Part {
    std::string variable;  // empty only in the first part
    bool reserved = false;
    std::string literal;  // what comes after it
  };
  std::vector<Part> parts_;
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_URI_TEMPLATE_H_
