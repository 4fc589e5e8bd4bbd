// Gives memory back that threads do not need: above all one with a long, idle task ahead.

#ifndef GATEHOUSE_MCP_EDGE_HTTP_THREAD_MEMORY_H_
#define GATEHOUSE_MCP_EDGE_HTTP_THREAD_MEMORY_H_

namespace mcp_edge {

// Returns to the system the pages of the calling thread's stack that lie beyond its present depth, and to other threads
// what the allocator keeps for this one. What the request that opened a stream needed at most (checking the token,
// parsing) then costs nothing while the stream is open. The stack of the main thread stays: it grows by other rules.
void ReleaseUnusedMemory();

// Bounds what the allocator keeps for all threads together, to 4 MiB: more is not faster, and grows for a long time.
void BoundThreadMemory();

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_HTTP_THREAD_MEMORY_H_
