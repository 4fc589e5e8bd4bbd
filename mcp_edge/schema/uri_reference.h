// Resolving URI references (RFC 3986, section 5.2).

#ifndef GATEHOUSE_MCP_EDGE_SCHEMA_URI_REFERENCE_H_
#define GATEHOUSE_MCP_EDGE_SCHEMA_URI_REFERENCE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace mcp_edge {

// `reference` as an absolute URI, where `base` is one, without the fragment of either.
std::string ResolveUri(absl::string_view base, absl::string_view reference);

// The fragment of `reference`, without "#" and with its percent-encoding undone. Empty: there is none.
std::string FragmentOf(absl::string_view reference);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SCHEMA_URI_REFERENCE_H_
