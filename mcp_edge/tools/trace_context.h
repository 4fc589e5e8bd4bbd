// W3C trace context on its way from an MCP request to a tool service.

#ifndef GATEHOUSE_MCP_EDGE_TOOLS_TRACE_CONTEXT_H_
#define GATEHOUSE_MCP_EDGE_TOOLS_TRACE_CONTEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace mcp_edge {

// Values that are fit to be sent as gRPC metadata; each empty when there is none.
struct TraceContext {
  std::string traceparent;
  std::string tracestate;
  std::string baggage;
};

// Takes what a client sent (HTTP headers, or `_meta` of the request) and keeps what is valid: a `traceparent` as W3C
// Trace Context has it, a `tracestate` of at most 512 bytes if there is a valid `traceparent`, a `baggage` of at most
// 8192 bytes; both in printable ASCII. Drops the rest: a bad trace context never fails a request (W3C Trace Context,
// section 4.2).
TraceContext MakeTraceContext(absl::string_view traceparent, absl::string_view tracestate, absl::string_view baggage);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TOOLS_TRACE_CONTEXT_H_
