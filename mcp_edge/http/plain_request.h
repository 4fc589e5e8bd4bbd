// Reads the heads of requests as clients of MCP send them: POST with a body of known length and nothing unusual. All
// others are left to cpp-httplib, which knows the whole of HTTP and takes several times as long.

#ifndef GATEHOUSE_MCP_EDGE_HTTP_PLAIN_REQUEST_H_
#define GATEHOUSE_MCP_EDGE_HTTP_PLAIN_REQUEST_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "httplib.h"

namespace mcp_edge {

// Fills in what `head` says, which has been checked (Connection::ReadHead) and is without its last two line ends: the
// same method, target, version, path and headers as cpp-httplib would. The length of the body, at least 1; nothing: it
// is not plain, and `request` is not to be used. Plain is
//
//   POST /path HTTP/1.1, where the path has letters, digits and "-._~/" only;
//   headers with values of printable ASCII, of which none asks for more than an answer on this connection: no Expect,
//   Range, Upgrade, Connection other than keep-alive, nor Content-Encoding or Transfer-Encoding;
//   one Content-Length, and at most one Accept, which is one that cpp-httplib takes.
std::optional<size_t> ReadPlainHead(absl::string_view head, httplib::Request& request);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_HTTP_PLAIN_REQUEST_H_
