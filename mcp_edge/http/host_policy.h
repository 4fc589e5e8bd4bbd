// Which names the edge answers to, and which web pages may talk to it: the defence against DNS rebinding (MCP,
// transports, security).

#ifndef GATEHOUSE_MCP_EDGE_HTTP_HOST_POLICY_H_
#define GATEHOUSE_MCP_EDGE_HTTP_HOST_POLICY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {

// Immutable, so thread-safe.
class HostPolicy {
 public:
  // `resource`: the public URL of the MCP endpoint, whose host and origin are allowed. `hosts`: further host names,
  // with or without port; without one, any port will do. `origins`: further origins, scheme://host[:port]. localhost,
  // 127.0.0.1 and
  // [::1] are allowed with any port and scheme: a page that a browser got from there is this machine's own.
  //
  // Errors: kInvalidArgument, `resource` is not an http(s) URL, or an entry has not the form it should have.
  static absl::StatusOr<HostPolicy> Create(absl::string_view resource, const std::vector<std::string>& hosts,
                                           const std::vector<std::string>& origins);

  // Whether the value of a `Host` header is allowed.
  bool AllowsHost(absl::string_view host) const;

  // Whether the value of an `Origin` header is allowed.
  bool AllowsOrigin(absl::string_view origin) const;

 private:
  std::vector<std::string> hosts_;    // lower case
  std::vector<std::string> origins_;  // lower case
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_HTTP_HOST_POLICY_H_
