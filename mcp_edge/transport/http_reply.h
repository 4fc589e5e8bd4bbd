// Small parts that every endpoint of the edge answers with.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_HTTP_REPLY_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_HTTP_REPLY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "httplib.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/protocol/wire_error.h"

namespace mcp_edge {

inline constexpr char kJsonType[] = "application/json";
inline constexpr char kEventStreamType[] = "text/event-stream";

// Answers with a JSON-RPC error and the HTTP status that goes with it (legacy column; modern if `modern`). Sets
// `Retry-After` where the client is to come again.
void ReplyError(httplib::Response& response, absl::string_view id_json, const RpcError& error, bool modern = false);

// Answers with one JSON-RPC message, or with other JSON. `type`: how its type is written.
void ReplyJson(httplib::Response& response, std::string body, const char* type = kJsonType);

// Answers 405, naming the methods that there are (RFC 9110, section 15.5.6).
void ReplyMethodNotAllowed(httplib::Response& response, absl::string_view allowed);

// The header of that name, whether it was sent twice included.
HeaderField ReadHeader(const httplib::Request& request, const char* name);

// Which of the two kinds of answer the client takes (RFC 9110, section 12.5.1; a missing Accept takes both).
struct Accepts {
  bool json = false;
  bool event_stream = false;
};
Accepts ReadAccept(const httplib::Request& request);

// Whether the body is said to be application/json.
bool HasJsonBody(const httplib::Request& request);

// One event of a stream: the message is one line.
std::string EventText(absl::string_view event, absl::string_view data);

// The line that keeps an idle stream, and proxies before it, open.
inline constexpr absl::string_view kKeepAlive = ":\n\n";

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_HTTP_REPLY_H_
