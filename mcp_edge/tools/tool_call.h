// One running tool call, seen from the thread that waits for it.

#ifndef GATEHOUSE_MCP_EDGE_TOOLS_TOOL_CALL_H_
#define GATEHOUSE_MCP_EDGE_TOOLS_TOOL_CALL_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/tool/v1/tool.pb.h"

namespace mcp_edge {

// Yields events until it has yielded an outcome or an error. Destroying it cancels what still runs.
class ToolCall {
 public:
  virtual ~ToolCall() = default;

  // Blocks until the next event: `progress` or `log`, and in the end exactly one outcome, `result` or `input_required`.
  // An outcome is given only after the stream has ended as the contract has it; call Next() no more after an outcome or
  // an error (it then returns kFailedPrecondition).
  //
  // Errors: the status of the service, its message included;
  //         kUnavailable, the service cannot be reached, or went away during the call;
  //         kDeadlineExceeded, the deadline of the call passed; kCancelled, Cancel() was called;
  //         kInternal, the service broke the contract: no outcome, an empty event, or after the outcome another event
  //         or no end within two seconds; kResourceExhausted, an event exceeds 16 MiB.
  // One thread at a time.
  virtual absl::StatusOr<gatehouse::tool::v1::CallToolEvent> Next() = 0;

  // Blocks until Next() has something to return at once, or until `until`. Whether it has. The thread that calls
  // Next().
  virtual bool Wait(absl::Time until) = 0;

  // Ends the call early; the service sees its context cancelled, and a Next() that blocks returns. Thread-safe, may be
  // called at any time and more than once, also after the end.
  virtual void Cancel() = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TOOLS_TOOL_CALL_H_
