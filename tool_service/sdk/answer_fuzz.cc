// Whatever a client answers: the handler gets an answer that fits the question, or is made to ask again.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "tool_service/sdk/fake_tool_context.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  tool_service::FakeToolContext context;
  for (const char* key : {"user", "model", "roots"}) {
    (*context.mutable_request().mutable_input_responses_json())[key] = bytes;
  }
  context.mutable_request().set_request_state(bytes);
  const auto user = context.AskUser(
      "user", "?", R"({"type":"object","properties":{"n":{"type":"integer","maximum":9}},"required":["n"]})");
  if (user && user->accepted() && (!user->content["n"].is_number() || user->content["n"].get<double>() > 9)) {
    std::abort();
  }
  const auto model = context.AskModel("model", "?", 1);
  if (model && model->model.empty()) std::abort();
  const auto roots = context.ListRoots("roots");
  if (roots) {
    for (const tool_service::Root& root : *roots) {
      if (root.uri.empty()) std::abort();
    }
  }
  if (!user || !model || !roots) {
    const auto required = context.NeedInput();
    if (required.ok() && required->requests().empty()) std::abort();
  }
  return 0;
}
