#include "mcp_edge/dispatch/round_input.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/rpc_errors.h"

namespace mcp_edge {
namespace {

std::string Binding(const Principal& principal, const ServiceOperation& operation) {
  return absl::StrCat("request state\n", principal.key.size(), ":", principal.key, operation.Identity());
}

}  // namespace

std::optional<RpcError> ReadRoundInput(const Message& message, RoundInput& input) {
  if (const auto state = message.params.find("requestState"); state != message.params.end()) {
    if (!state->is_string()) return InvalidParamsError("requestState must be a string");
    input.sealed_state = state->get_ref<const std::string&>();
  }
  const auto responses = message.params.find("inputResponses");
  if (responses == message.params.end()) return std::nullopt;
  if (!responses->is_object()) return InvalidParamsError("inputResponses must be an object");
  if (responses->size() > kMaxInputResponses) {
    return InvalidParamsError(absl::StrCat("inputResponses must have at most ", kMaxInputResponses, " members"));
  }
  for (auto& [key, text] : RawMembers(RawMember(message.params_text, "inputResponses"))) {
    if (key.size() > kMaxInputResponseKeyLength) return InvalidParamsError("a key of inputResponses is too long");
    if (text.front() != '{') return InvalidParamsError("each member of inputResponses must be an object");
    input.responses.emplace(std::move(key), std::string(text));
  }
  return std::nullopt;
}

std::string SealState(absl::string_view state, const Principal& principal, const ServiceOperation& operation,
                      const Sealer& sealer, absl::Time now) {
  return sealer.Seal(state, Binding(principal, operation), now + kStateLifetime);
}

std::optional<RpcError> OpenState(absl::string_view sealed, const Principal& principal,
                                  const ServiceOperation& operation, const Sealer& sealer, std::string& state) {
  absl::StatusOr<std::string> opened = sealer.Open(sealed, Binding(principal, operation));
  if (opened.ok()) {
    state = *std::move(opened);
    return std::nullopt;
  }
  if (absl::IsDeadlineExceeded(opened.status()))
    return InvalidParamsError("requestState has expired; make the request anew");
  return InvalidParamsError("requestState is not one that was given out for this request");
}

}  // namespace mcp_edge
