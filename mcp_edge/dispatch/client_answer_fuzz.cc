// Whatever a client answers, UseClientAnswer returns, and what it passes on is an object.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "mcp_edge/dispatch/client_answer.h"
#include "mcp_edge/jsonrpc/json_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr char kParams[] =
      R"({"message":"?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}})";
  const std::string result(reinterpret_cast<const char*>(data), size);
  for (const char* method : {"elicitation/create", "sampling/createMessage", "roots/list"}) {
    const auto used = mcp_edge::UseClientAnswer(method, kParams, {result, 0, ""});
    if (!used.ok()) continue;
    const auto value = mcp_edge::ReadJson(*used);
    if (!value.ok() || !value->is_object()) std::abort();
  }
  return 0;
}
