// Matching URIs against a URI template (RFC 6570): the inverse of what the RFC defines, as far as one is needed to find
// out who reads a URI.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_URI_TEMPLATE_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_URI_TEMPLATE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace mcp_edge {

// A template, taken apart. Immutable and thread-safe.
class UriTemplate {
 public:
  // `text`: literals, and expressions in braces that do not nest.
  explicit UriTemplate(absl::string_view text);

  // Whether `uri` could have come of the template:
  //   {x}, {x,y}, {x:3}   one character or more, none of them "/", "?" or "#"
  //   {+x}                any characters, or none
  //   {/x}, {?x} and so on   nothing; or whatever is left of the URI, with all that follows in the template, if that
  //                          begins with the operator
  // Everything else must be there character by character. Takes time in proportion to the length of `uri` times the
  // number of expressions, and next to none for a URI that begins differently.
  bool Matches(absl::string_view uri) const;

  // How long the text before the first expression is.
  size_t literal_length() const { return prefix_.size(); }

 private:
  struct Part {
    enum class Kind { kLiteral, kSegment, kAnything, kRest };
    Kind kind = Kind::kLiteral;
    std::string literal = {};
    char first = 0;  // what kRest begins with; 0: anything
  };
  std::string prefix_;  // the text before the first expression
  std::vector<Part> parts_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_URI_TEMPLATE_H_
