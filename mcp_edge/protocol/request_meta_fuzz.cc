// Whatever the headers and the body, what the checks of a modern request let pass is what they promise.
//
// The first three lines of the input are MCP-Protocol-Version, Mcp-Method and Mcp-Name; the rest is the body.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "common/json_text.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/request_meta.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckDescription(const mcp_edge::ClientDescription& client) {
  Require(client.name.size() <= 256 && common::IsUtf8(client.name));
  Require(client.version.size() <= 256 && common::IsUtf8(client.version));
  const auto capabilities = mcp_edge::ReadJson(client.capabilities_json);
  Require(capabilities.ok() && capabilities->is_object());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<absl::string_view, 3> values;
  for (absl::string_view& value : values) {
    const size_t end = rest.find('\n');
    if (end == absl::string_view::npos) return 0;
    value = rest.substr(0, end);
    rest.remove_prefix(end + 1);
  }
  const mcp_edge::MirrorHeaders headers = {{values[0], false}, {values[1], false}, {values[2], false}};
  const auto body = mcp_edge::ParseBody(rest);
  if (!body.ok()) return 0;
  for (const mcp_edge::Message& message : body->messages) {
    if (message.kind == mcp_edge::Message::Kind::kInvalid) continue;
    mcp_edge::DecideEra(headers, message);
    CheckDescription(mcp_edge::DescriptionFromInitialize(message));
    const std::string token = mcp_edge::ProgressToken(message);
    Require(token.empty() || mcp_edge::ReadJson(token).ok());
    static_cast<void>(mcp_edge::RequestedLogLevel(message));
    if (message.kind != mcp_edge::Message::Kind::kRequest) continue;
    if (mcp_edge::CheckModernEnvelope(headers, message).has_value()) continue;
    Require(values[0] == "2026-07-28" && values[1] == message.method);
    CheckDescription(mcp_edge::DescriptionFromMeta(message));
    if (message.method == "tools/call" && !mcp_edge::CheckMirroredName(headers, message).has_value()) {
      Require(message.params["name"].is_string());
    }
  }
  return 0;
}
