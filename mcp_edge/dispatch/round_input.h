// What a modern client sends when it makes a request again because it was asked something (MCP 2026-07-28, multi
// round-trip requests), and the state that it keeps for the tool service meanwhile.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_ROUND_INPUT_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_ROUND_INPUT_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mcp_edge/auth/principal.h"
#include "mcp_edge/dispatch/operation.h"
#include "mcp_edge/dispatch/service_operation.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/wire_error.h"
#include "mcp_edge/sealing/sealer.h"

namespace mcp_edge {

// More questions at once are nobody's honest wish.
inline constexpr size_t kMaxInputResponses = 100;
inline constexpr size_t kMaxInputResponseKeyLength = 256;
// How long a client may take to come back with a state.
inline constexpr absl::Duration kStateLifetime = absl::Hours(1);

struct RoundInput {
  // The texts that the client sent, by the keys of the questions; keys that nobody asked for included.
  InputResponses responses;
  // As the client sent it; nothing when it sent none.
  std::optional<std::string> sealed_state;

  // The request is one that was made before.
  bool repeats() const { return !responses.empty() || sealed_state.has_value(); }
};

// Reads `inputResponses`, an object of objects, and `requestState`, a string. What is wrong with them, or nothing.
std::optional<RpcError> ReadRoundInput(const Message& message, RoundInput& input);

// Seals what the tool service of `operation` wants back, for this caller and this operation only.
std::string SealState(absl::string_view state, const Principal& principal, const ServiceOperation& operation,
                      const Sealer& sealer, absl::Time now);

// Opens it again into `state`. Why that cannot be, or nothing.
std::optional<RpcError> OpenState(absl::string_view sealed, const Principal& principal,
                                  const ServiceOperation& operation, const Sealer& sealer, std::string& state);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_ROUND_INPUT_H_
