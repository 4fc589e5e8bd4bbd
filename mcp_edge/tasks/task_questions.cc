#include "mcp_edge/tasks/task_questions.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "mcp_edge/jsonrpc/json_reader.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

constexpr size_t kMaxKeyBytes = 128;
constexpr char kElicitation[] = "elicitation/create";
constexpr char kSampling[] = "sampling/createMessage";
constexpr char kRoots[] = "roots/list";

RpcError BrokenContract(absl::string_view what) {
  return {WireErrorKind::kInternal, absl::StrCat("The tool asked for something that clients cannot be asked: ", what),
          ""};
}

// The member `key` of `object` if the predicate is true of it, else null.
template <typename Predicate>
const json* Member(const json& object, const char* key, Predicate predicate) {
  const auto found = object.find(key);
  return found != object.end() && predicate(*found) ? &*found : nullptr;
}

bool IsText(const json& value) { return value.is_string(); }
bool IsObject(const json& value) { return value.is_object(); }
bool IsArray(const json& value) { return value.is_array(); }
bool IsAnything(const json&) { return true; }

bool IsUrlMode(const json& params) {
  const json* mode = Member(params, "mode", IsText);
  return mode != nullptr && *mode == "url";
}

// What a client must have declared to be asked this (MCP 2026-07-28, client features), or what the params lack.
struct Requirement {
  json capabilities;
  std::string problem;
};

Requirement RequirementOf(absl::string_view method, const json& params) {
  if (method == kRoots) return {{{"roots", json::object()}}, ""};
  if (method == kSampling) {
    if (!Member(params, "messages", IsArray)) return {{}, "sampling without messages"};
    const json* max_tokens = Member(params, "maxTokens", [](const json& value) { return value.is_number(); });
    if (max_tokens == nullptr) return {{}, "sampling without maxTokens"};
    json sampling = json::object();
    if (Member(params, "tools", IsAnything) || Member(params, "toolChoice", IsAnything)) {
      sampling["tools"] = json::object();
    }
    const json* context = Member(params, "includeContext", IsAnything);
    if (context != nullptr && *context != "none") sampling["context"] = json::object();
    return {{{"sampling", std::move(sampling)}}, ""};
  }
  if (method != kElicitation) return {{}, "an unknown method"};
  if (!Member(params, "message", IsText)) return {{}, "elicitation without a message"};
  if (IsUrlMode(params)) {
    if (!Member(params, "url", IsText)) return {{}, "elicitation in url mode without a url"};
    return {{{"elicitation", {{"url", json::object()}}}}, ""};
  }
  const json* mode = Member(params, "mode", IsAnything);
  if (mode != nullptr && *mode != "form") return {{}, "elicitation in an unknown mode"};
  if (!Member(params, "requestedSchema", IsObject)) return {{}, "elicitation without a schema"};
  return {{{"elicitation", {{"form", json::object()}}}}, ""};
}

// A client that says `"elicitation":{}` knows forms, and only these.
bool CanBeAsked(const ClientDescription& client, const json& required) {
  if (HasCapabilities(client, required)) return true;
  static const json* const form = new json{{"elicitation", {{"form", json::object()}}}};
  static const json* const some = new json{{"elicitation", json::object()}};
  static const json* const url = new json{{"elicitation", {{"url", json::object()}}}};
  return required == *form && HasCapabilities(client, *some) && !HasCapabilities(client, *url);
}

}  // namespace

std::variant<TaskQuestion, RpcError> MakeTaskQuestion(absl::string_view tool_key,
                                                      const gatehouse::tool::v1::InputRequest& request,
                                                      const ClientDescription& client) {
  if (tool_key.empty() || tool_key.size() > kMaxKeyBytes) {
    return BrokenContract(absl::StrCat("a key of ", tool_key.size(), " bytes, where 1 to ", kMaxKeyBytes, " may be"));
  }
  const std::string& text = request.params_json();
  absl::StatusOr<std::string> compact = text.empty() ? "{}" : CompactJson(text);
  if (!compact.ok() || compact->front() != '{') return BrokenContract("params that are no JSON object");
  const absl::StatusOr<json> params = ReadJson(*compact);
  if (!params.ok()) return BrokenContract("params that are no JSON object");
  const Requirement requirement = RequirementOf(request.method(), *params);
  if (!requirement.problem.empty()) return BrokenContract(requirement.problem);
  if (!CanBeAsked(client, requirement.capabilities)) {
    return RpcError{WireErrorKind::kMissingClientCapability,
                    absl::StrCat("The tool needs ", request.method(),
                                 " of the client, which did not declare that capability in the request that began "
                                 "this task"),
                    absl::StrCat("{\"requiredCapabilities\":", requirement.capabilities.dump(), "}")};
  }
  return TaskQuestion{"", std::string(tool_key), request.method(), *std::move(compact)};
}

std::optional<std::string> CheckTaskAnswer(const TaskQuestion& question, const json& answer) {
  const auto problem = [&](absl::string_view what) {
    return absl::StrCat("params.inputResponses: the answer to ", question.key, " ", what);
  };
  if (!answer.is_object()) return problem("must be an object");
  if (question.method == kRoots) {
    const json* roots = Member(answer, "roots", IsArray);
    if (roots == nullptr) return problem("must have an array of roots");
    for (const json& root : *roots) {
      if (!root.is_object() || !Member(root, "uri", IsText)) return problem("has a root without a uri");
    }
    return std::nullopt;
  }
  if (question.method == kSampling) {
    if (!Member(answer, "role", IsText) || !Member(answer, "model", IsText) ||
        !Member(answer, "content", [](const json& content) { return content.is_object() || content.is_array(); })) {
      return problem("must have role, content and model");
    }
    return std::nullopt;
  }
  const json* action = Member(answer, "action", IsText);
  if (action == nullptr || (*action != "accept" && *action != "decline" && *action != "cancel")) {
    return problem("must have an action: accept, decline or cancel");
  }
  if (*action != "accept") return std::nullopt;
  const absl::StatusOr<json> params = ReadJson(question.params_json);
  if (!params.ok() || IsUrlMode(*params)) return std::nullopt;
  if (!Member(answer, "content", IsObject)) return problem("accepts, so it must have content, an object");
  return std::nullopt;
}

}  // namespace mcp_edge
