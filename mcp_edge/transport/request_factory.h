// What is known of a request before its message is carried out, gathered from HTTP.

#ifndef GATEHOUSE_MCP_EDGE_TRANSPORT_REQUEST_FACTORY_H_
#define GATEHOUSE_MCP_EDGE_TRANSPORT_REQUEST_FACTORY_H_

#include <string>

#include "httplib.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/protocol/version.h"
#include "mcp_edge/tools/trace_context.h"

namespace mcp_edge {

// The headers that mirror the body; `request` must outlive what is returned.
MirrorHeaders ReadMirrorHeaders(const httplib::Request& request);

// The trace context of a message: that of its `_meta`, else that of the HTTP request (W3C Trace Context).
TraceContext ReadTraceContext(const httplib::Request& request, const Message& message);

// Notes method and tool for the access line.
void TrailMessage(const Message& message, ProtocolVersion version);

// An id that names a request in logs: 16 hexadecimal digits.
std::string NewRequestId();

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TRANSPORT_REQUEST_FACTORY_H_
