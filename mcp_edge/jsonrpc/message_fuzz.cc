// Whatever the bytes, ParseBody returns, and what it accepts can be relied on.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/jsonrpc/message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto body = mcp_edge::ParseBody({reinterpret_cast<const char*>(data), size});
  if (!body.ok()) return 0;
  for (const mcp_edge::Message& message : body->messages) {
    using Kind = mcp_edge::Message::Kind;
    if (message.kind == Kind::kRequest && message.id_json.empty()) std::abort();
    if (message.kind == Kind::kInvalid && message.problem.empty()) std::abort();
    if (!message.result_text.empty() && !mcp_edge::ReadJson(message.result_text).ok()) std::abort();
    if (message.params_text.empty()) continue;
    // The text that goes to a tool says what was validated.
    const auto reread = mcp_edge::ReadJson(message.params_text);
    if (!reread.ok() || *reread != message.params) std::abort();
    for (const auto& [key, value] : message.params.items()) {
      const auto member = mcp_edge::ReadJson(mcp_edge::RawMember(message.params_text, key));
      if (!member.ok() || *member != value) std::abort();
    }
  }
  return 0;
}
