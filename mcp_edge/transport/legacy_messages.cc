#include "mcp_edge/transport/legacy_messages.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "mcp_edge/protocol/request_meta.h"

namespace mcp_edge {

using nlohmann::json;

namespace {

// What a client says of itself is kept as long as its session.
constexpr size_t kMaxInitializeBytes = 16 * 1024;

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
  if (message.kind == Message::Kind::kResponse) {
    session.state().client_requests().Deliver(
        message.id_json, {std::string(message.result_text), message.error_code, message.error_message});
    return;
  }
  if (message.method != "notifications/cancelled") return;
  const auto id = message.params.find("requestId");
  if (id == message.params.end() || !(id->is_string() || id->is_number_integer())) return;
  session.Cancel(id->dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace));
}

RpcError NotBegunError(Session::Begun begun) {
  switch (begun) {
    case Session::Begun::kDuplicateId:
      return {WireErrorKind::kInvalidRequest, "Invalid request: a request with this id is running already", ""};
    case Session::Begun::kTooMany:
      return {WireErrorKind::kTooManyRequests, "Too many requests of this session are running already", ""};
    case Session::Begun::kEnded:
    case Session::Begun::kYes:
      break;
  }
  return {WireErrorKind::kSessionNotFound, "The session has ended: send initialize again", ""};
}

}  // namespace mcp_edge
