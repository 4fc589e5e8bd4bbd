#include "mcp_edge/dispatch/client_answer.h"

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/schema/json_schema.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

constexpr char kCancelled[] = R"({"action":"cancel"})";

bool IsString(const json* value) { return value != nullptr && value->is_string(); }

absl::Status Unusable(absl::string_view method, absl::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("The client's answer to ", method, " cannot be used: ", problem.substr(0, 768)));
}

absl::Status CheckElicitResult(const json& result, absl::string_view result_json, absl::string_view params_json) {
  constexpr char kMethod[] = "elicitation/create";
  const json* action = FindMember(result, "action");
  if (!IsString(action) || (*action != "accept" && *action != "decline" && *action != "cancel")) {
    return Unusable(kMethod, "action must be \"accept\", \"decline\" or \"cancel\"");
  }
  if (*action != "accept" || RawMember(params_json, "mode") == "\"url\"") return absl::OkStatus();
  const json* content = FindMember(result, "content");
  if (content == nullptr || !content->is_object()) return Unusable(kMethod, "content must be an object");
  const auto schema = JsonSchema::Compile(RawMember(params_json, "requestedSchema"));
  if (!schema.ok()) {
    return absl::InternalError(absl::StrCat("requestedSchema is no schema: ", schema.status().message()));
  }
  const std::optional<std::string> problem = (*schema)->Check(RawMember(result_json, "content"));
  return problem.has_value() ? Unusable(kMethod, *problem) : absl::OkStatus();
}

absl::Status CheckSamplingResult(const json& result) {
  constexpr char kMethod[] = "sampling/createMessage";
  if (!IsString(FindMember(result, "role"))) return Unusable(kMethod, "role must be a string");
  if (!IsString(FindMember(result, "model"))) return Unusable(kMethod, "model must be a string");
  const json* content = FindMember(result, "content");
  const auto is_block = [](const json& block) { return block.is_object() && IsString(FindMember(block, "type")); };
  if (content != nullptr && content->is_array()) {
    for (const json& block : *content) {
      if (!is_block(block)) return Unusable(kMethod, "a content block must have a type");
    }
  } else if (content == nullptr || !is_block(*content)) {
    return Unusable(kMethod, "content must be a content block");
  }
  return absl::OkStatus();
}

absl::Status CheckRootsResult(const json& result) {
  constexpr char kMethod[] = "roots/list";
  const json* roots = FindMember(result, "roots");
  if (roots == nullptr || !roots->is_array()) return Unusable(kMethod, "roots must be an array");
  for (const json& root : *roots) {
    if (!root.is_object() || !IsString(FindMember(root, "uri"))) return Unusable(kMethod, "a root must have a uri");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> UseClientAnswer(absl::string_view method, absl::string_view params_json,
                                            const ClientAnswer& answer) {
  const bool elicits = method == "elicitation/create";
  if (answer.result_json.empty()) {
    if (elicits) return kCancelled;
    return absl::AbortedError(absl::StrCat("The client refused ", method, " (", answer.error_code, "): ",
                                           answer.error_message.empty() ? "no reason given" : answer.error_message));
  }
  const absl::StatusOr<json> result = ReadJson(answer.result_json);
  if (!result.ok() || !result->is_object()) return Unusable(method, "it must be an object");
  const absl::Status status = elicits ? CheckElicitResult(*result, answer.result_json, params_json)
                              : method == "sampling/createMessage" ? CheckSamplingResult(*result)
                                                                   : CheckRootsResult(*result);
  if (!status.ok()) return status;
  return answer.result_json;
}

}  // namespace mcp_edge
