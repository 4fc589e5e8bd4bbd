// Whatever a tool service sends, it is refused, or what clients are sent is JSON on one line, in every version.
//
// The first byte of the input says which message of tool.v1 the others are.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/client_question.h"
#include "mcp_edge/protocol/rendering.h"

namespace {

namespace tool = gatehouse::tool::v1;
using mcp_edge::ProtocolVersion;

// What is rendered may be deeper than what it holds.
constexpr size_t kMaxDepth = mcp_edge::kMaxJsonDepth + 16;

void Check(const absl::StatusOr<std::string>& rendered) {
  if (!rendered.ok()) return;
  if (rendered->find_first_of("\r\n") != std::string::npos) std::abort();
  const auto json = mcp_edge::ReadJson(*rendered, kMaxDepth);
  if (!json.ok() || !json->is_object()) std::abort();
}

template <typename Proto, typename Render>
void Try(absl::string_view bytes, Render render) {
  Proto message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  for (int i = 0; i < mcp_edge::kProtocolVersionCount; ++i) Check(render(message, static_cast<ProtocolVersion>(i)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const mcp_edge::CacheTerms cache = {absl::Seconds(1), true};
  switch (data[0]) {
    case 'c':
      Try<tool::CallToolResult>(bytes,
                                [](const auto& m, ProtocolVersion v) { return mcp_edge::RenderCallToolResult(m, v); });
      break;
    case 'r':
      Try<tool::ReadResourceResult>(bytes, [&](const auto& m, ProtocolVersion v) {
        return mcp_edge::RenderReadResourceResult(m, mcp_edge::CacheTermsOf(m.cache_hint(), cache), v);
      });
      break;
    case 'g':
      Try<tool::GetPromptResult>(
          bytes, [](const auto& m, ProtocolVersion v) { return mcp_edge::RenderGetPromptResult(m, v); });
      break;
    case 'm':
      Try<tool::CompleteResponse>(
          bytes, [](const auto& m, ProtocolVersion v) { return mcp_edge::RenderCompleteResult(m, v); });
      break;
    case 'p':
      Try<tool::Progress>(bytes, [](const auto& m, ProtocolVersion v) { return mcp_edge::RenderProgress(m, "1", v); });
      break;
    case 'l':
      Try<tool::LogMessage>(bytes, [](const auto& m, ProtocolVersion) { return mcp_edge::RenderLogMessage(m); });
      break;
    case 'i':
      Try<tool::InputRequired>(bytes, [](const auto& m, ProtocolVersion v) -> absl::StatusOr<std::string> {
        for (const auto& [key, request] : m.requests()) {
          Check(mcp_edge::RenderClientRequest(request.method(), request.params_json(), v, "e"));
        }
        const std::string missing = mcp_edge::MissingCapabilities(m, {});
        if (!missing.empty()) Check(missing);
        return mcp_edge::RenderInputRequiredResult(m, m.state().empty() ? "" : "sealed");
      });
      break;
    default:
      break;
  }
  return 0;
}
