#include "mcp_edge/transport/legacy_messages.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "mcp_edge/protocol/request_meta.h"

namespace mcp_edge {

using nlohmann::json;

namespace {

// What a client says of itself is kept as long as its session.
constexpr size_t kMaxInitializeBytes = 64 * 1024;

}  // namespace

std::optional<RpcError> ReadInitialize(const Message& message, SessionRecord& record) {
  if (message.params_text.size() > kMaxInitializeBytes) {
    return RpcError{WireErrorKind::kInvalidParams,
                    absl::StrCat("params of initialize are larger than ", kMaxInitializeBytes, " bytes"), ""};
  }
  const auto version = message.params.find("protocolVersion");
  if (version == message.params.end() || !version->is_string()) {
    RpcError error = UnsupportedVersionError("");
    error.kind = WireErrorKind::kInvalidParams;
    return error;
  }
  record.version = NegotiateVersion(version->get_ref<const std::string&>());
  record.client = DescriptionFromInitialize(message);
  return std::nullopt;
}

void HandleLegacyNotice(const Message& message, Session& session) {
  if (message.method != "notifications/cancelled") return;
  const auto id = message.params.find("requestId");
  if (id == message.params.end() || !(id->is_string() || id->is_number_integer())) return;
  session.Cancel(id->dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace));
}

std::string RunToResponse(Session& session, absl::string_view id_json, Exchange& exchange) {
  if (!session.Begin(id_json, [&exchange] { exchange.Cancel(); })) {
    return ErrorResponse(id_json, WireErrorOf(WireErrorKind::kInvalidRequest).json_rpc,
                         "Invalid request: a request with this id is running, or too many are");
  }
  Step step = exchange.Next();
  while (!step.last) step = exchange.Next();
  session.Finish(id_json);
  return std::move(step.message);
}

}  // namespace mcp_edge
