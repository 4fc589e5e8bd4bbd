// What a client with a handshake answers to a request of ours, before a tool service is given it.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_CLIENT_ANSWER_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_CLIENT_ANSWER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/session/client_requests.h"

namespace mcp_edge {

// What the tool service is given for `answer` to the request `method` with `params_json`, as the client was sent it:
// the result, an object of the shape that MCP defines for the method. A form that the user filled in must fit its
// schema. An error stands for a user who made the dialogue go away: {"action":"cancel"}.
//
// Errors: kInvalidArgument, the answer cannot be used: what is wrong with it, for the model, at most 1 KiB;
//         kAborted, the client refused what is not a question to the user: likewise;
//         kInternal, the schema of the form is none: for the author of the tool.
absl::StatusOr<std::string> UseClientAnswer(absl::string_view method, absl::string_view params_json,
                                            const ClientAnswer& answer);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_CLIENT_ANSWER_H_
