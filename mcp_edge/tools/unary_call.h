// One running call of a tool service's methods that answer once: all but CallTool and the streams.

#ifndef GATEHOUSE_MCP_EDGE_TOOLS_UNARY_CALL_H_
#define GATEHOUSE_MCP_EDGE_TOOLS_UNARY_CALL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/tools/trace_context.h"

namespace mcp_edge {

class ToolServiceClient;

// Used by one thread, but for Cancel. Destroying it cancels what still runs, and does not wait for it.
template <typename Response>
class UnaryCall {
 public:
  virtual ~UnaryCall() = default;

  // Blocks until there is an answer, or until `until`. Whether there is.
  virtual bool Wait(absl::Time until) = 0;

  // Blocks until there is an answer, and gives it; to be called once.
  //
  // Errors: the status of the service, its message included;
  //         kUnavailable, the service cannot be reached, or went away during the call;
  //         kDeadlineExceeded, the deadline of the call passed; kCancelled, Cancel() was called;
  //         kResourceExhausted, the answer exceeds 16 MiB;
  //         kInternal, the answer cannot be decoded, or has too many parts.
  virtual absl::StatusOr<Response> Take() = 0;

  // Ends the call early; the service sees its context cancelled, and a Take() that blocks returns. Thread-safe, may be
  // called at any time and more than once, also after the end.
  virtual void Cancel() = 0;
};

// Start the method whose request it is. Do not block; a service that cannot be reached shows in Take(). The service
// sees `deadline` as its own. The call may outlive the client.
std::unique_ptr<UnaryCall<gatehouse::tool::v1::ReadResourceResponse>> StartUnaryCall(
    const ToolServiceClient& client, gatehouse::tool::v1::ReadResourceRequest request, absl::Time deadline,
    const TraceContext& trace_context);
std::unique_ptr<UnaryCall<gatehouse::tool::v1::GetPromptResponse>> StartUnaryCall(
    const ToolServiceClient& client, gatehouse::tool::v1::GetPromptRequest request, absl::Time deadline,
    const TraceContext& trace_context);
std::unique_ptr<UnaryCall<gatehouse::tool::v1::CompleteResponse>> StartUnaryCall(
    const ToolServiceClient& client, gatehouse::tool::v1::CompleteRequest request, absl::Time deadline,
    const TraceContext& trace_context);
std::unique_ptr<UnaryCall<gatehouse::tool::v1::ListResourcesResponse>> StartUnaryCall(
    const ToolServiceClient& client, gatehouse::tool::v1::ListResourcesRequest request, absl::Time deadline,
    const TraceContext& trace_context);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TOOLS_UNARY_CALL_H_
