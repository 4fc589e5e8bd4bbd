// Gives memory back that a thread with a long, idle task ahead does not need.

#ifndef GATEHOUSE_MCP_EDGE_HTTP_STACK_MEMORY_H_
#define GATEHOUSE_MCP_EDGE_HTTP_STACK_MEMORY_H_

namespace mcp_edge {

// Returns the pages of the calling thread's stack that lie beyond its present depth to the system. What was deepest in
// the request that opened a stream (checking the token, parsing) then costs nothing while the stream is open. Not for
// the main thread, whose stack grows by other rules: does nothing there.
void ReleaseUnusedStack();

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_HTTP_STACK_MEMORY_H_
