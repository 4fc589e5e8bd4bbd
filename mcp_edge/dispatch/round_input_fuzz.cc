// Whatever a client sends with a repeated request, ReadRoundInput returns, and what it accepts are texts of objects.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mcp_edge/dispatch/round_input.h"
#include "mcp_edge/jsonrpc/json_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto body = mcp_edge::ParseBody({reinterpret_cast<const char*>(data), size});
  if (!body.ok()) return 0;
  for (const mcp_edge::Message& message : body->messages) {
    mcp_edge::RoundInput input;
    if (mcp_edge::ReadRoundInput(message, input).has_value()) continue;
    if (input.responses.size() > mcp_edge::kMaxInputResponses) std::abort();
    for (const auto& [key, json] : input.responses) {
      const auto value = mcp_edge::ReadJson(json);
      if (!value.ok() || !value->is_object() || *value != message.params["inputResponses"][key]) std::abort();
    }
  }
  return 0;
}
