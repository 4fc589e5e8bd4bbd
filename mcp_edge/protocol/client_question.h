// What a tool asks of the client (elicitation, sampling, roots), in the form that each version has for it, and whether
// this client can be asked at all.

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_CLIENT_QUESTION_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_CLIENT_QUESTION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/protocol/version.h"

namespace mcp_edge {

// The params of the request `method` to a client with a handshake, from those that the tool gave in `params_json`
// (empty: {}). What the version's forms cannot have is put in other words or left out: 2025-06-18 gets `enumNames` for
// titled choices, no defaults but of booleans, and no multiple choice; a form of nothing else cannot be asked. So the
// answer must be checked against the `requestedSchema` of what is returned here, and not against the tool's own.
// `elicitation_id`: unique; for URLs.
//
// Errors: kUnimplemented, the version has nothing for it: the message is for the model;
//         kInternal, the tool service broke the contract: another method, or params that are not what MCP says, or an
//         object of more than 256 members in them.
absl::StatusOr<std::string> RenderClientRequest(absl::string_view method, absl::string_view params_json,
                                                ProtocolVersion version, absl::string_view elicitation_id);

// A value of `inputRequests` (MCP 2026-07-28, multi round-trip requests; tasks): {"method":…,"params":…}.
// Errors: kInternal, as above.
absl::StatusOr<std::string> RenderInputRequest(const gatehouse::tool::v1::InputRequest& request);

// The result of tools/call, prompts/get and resources/read for a modern client that must be asked: all questions, in
// the order of their keys, and the state. An empty `sealed_state` is left out.
//
// Errors: kInternal, as above; or neither question nor state.
absl::StatusOr<std::string> RenderInputRequiredResult(const gatehouse::tool::v1::InputRequired& questions,
                                                      absl::string_view sealed_state);

// What the client would have to declare to be asked all that and has not: a ClientCapabilities object, such as
// {"elicitation":{"url":{}}}; empty when nothing is missing. Params that cannot be read count as those of the least
// demanding request of the method; rendering refuses them.
std::string MissingCapabilities(const gatehouse::tool::v1::InputRequired& questions,
                                const ClientCapabilities& capabilities);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_CLIENT_QUESTION_H_
