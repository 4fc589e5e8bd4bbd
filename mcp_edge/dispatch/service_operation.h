// What the operations on tool services have in common beyond operation.h, for those who drive them on behalf of a
// client that waits.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_SERVICE_OPERATION_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_SERVICE_OPERATION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/dispatch/operation.h"

namespace mcp_edge {

// What an operation keeps of the request that asked for it. Owns what it has: an operation may outlive the request.
struct OperationTerms {
  OperationTerms(const RequestContext& context, absl::Duration timeout, const common::Clock& clock)
      : version(context.version),
        trace(context.trace),
        request_id(context.request_id),
        timeout(timeout),
        clock(clock) {}

  absl::Time Deadline() const { return clock.Now() + timeout; }

  const ProtocolVersion version;
  const TraceContext trace;
  const std::string request_id;
  // Of each round.
  const absl::Duration timeout;
  const common::Clock& clock;
};

class ServiceOperation : public Operation {
 public:
  // Method, name or URI, and arguments: equal for requests that ask for the same, so what a state is good for.
  virtual std::string Identity() const = 0;

  // The end of the operation, OperationResult or RpcError, when it cannot go on for a reason that the caller can
  // understand.
  virtual RoundEvent Refuse(absl::string_view text) = 0;

  // The same when the tool service broke the contract: `problem` is for its author, and only logged.
  virtual RpcError Broken(const absl::Status& problem) = 0;
};

// What every request to a tool service says of the caller. `wants_progress`: it gave a token.
void FillCallContext(const RequestContext& context, bool wants_progress, gatehouse::tool::v1::LogLevel log_level,
                     gatehouse::tool::v1::CallContext& call_context);

// Sets the answers and the state of a round in its request (of CallTool, GetPrompt or ReadResource).
template <typename Request>
void SetRoundInput(const InputResponses& responses, absl::string_view state, Request& request) {
  auto& answers = *request.mutable_input_responses_json();
  answers.clear();
  for (const auto& [key, json] : responses) answers[key] = json;
  request.set_request_state(state.data(), state.size());
}

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_SERVICE_OPERATION_H_
