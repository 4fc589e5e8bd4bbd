// Bearer tokens in HTTP requests, and the challenges for them (RFC 6750, RFC 9728).

#ifndef GATEHOUSE_MCP_EDGE_HTTP_BEARER_H_
#define GATEHOUSE_MCP_EDGE_HTTP_BEARER_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace mcp_edge {

struct BearerToken {
  enum class Form {
    kMissing,    // no credentials, or of another scheme than Bearer: 401 without `error`
    kMalformed,  // 400 `invalid_request`
    kPresent,
  };
  Form form = Form::kMissing;
  // Points into the header's value.
  absl::string_view token;
  // For kMalformed: why.
  absl::string_view problem;
};

// The longest token taken.
inline constexpr size_t kMaxTokenBytes = 8192;

// Reads the values of all `Authorization` headers of a request (RFC 6750, section 2.1). `query_has_token`: the request
// target has an `access_token` parameter, which is never accepted (RFC 9700, section 4.3.2).
BearerToken ReadBearerToken(const std::vector<absl::string_view>& authorization, bool query_has_token);

// What a `WWW-Authenticate` header says. Empty members are left out.
struct Challenge {
  std::string error;              // RFC 6750, section 3.1
  std::string error_description;  // quotes, backslashes and all but printable ASCII are replaced by blanks
  std::string resource_metadata;  // RFC 9728, section 5.1: an absolute URL
  std::string scope;
};

// The value of the header.
std::string WriteChallenge(const Challenge& challenge);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_HTTP_BEARER_H_
