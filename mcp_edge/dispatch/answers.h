// Exchanges and steps that are known at once.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_ANSWERS_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_ANSWERS_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/protocol/wire_error.h"

namespace mcp_edge {

// The last step of a request.
Step ErrorStep(absl::string_view id_json, const RpcError& error);
Step ResultStep(absl::string_view id_json, absl::string_view result_json);

// An exchange whose only step is known.
std::unique_ptr<Exchange> AnswerWith(Step step);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_ANSWERS_H_
