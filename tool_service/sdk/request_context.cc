#include "tool_service/sdk/request_context.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "tool_service/sdk/form.h"
#include "tool_service/sdk/json.h"

namespace tool_service {
namespace {

constexpr size_t kMaxKeyBytes = 128;
constexpr size_t kMaxStateBytes = 64 << 10;
constexpr size_t kMaxAnswerBytes = 1 << 20;

// The state that travels: the answers so far and the author's own bytes, in the message that has room for both.
using Envelope = gatehouse::tool::v1::CallToolRequest;

std::string StringAt(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string ToText(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// An ElicitResult; with `schema`, of a form.
bool IsUserAnswer(const nlohmann::json& answer, const nlohmann::json* schema) {
  const std::string action = StringAt(answer, "action");
  if (action == "decline" || action == "cancel") return true;
  if (action != "accept") return false;
  if (schema == nullptr) return true;
  const auto content = answer.find("content");
  return content != answer.end() && FitsForm(*schema, *content);
}

UserAnswer ToUserAnswer(const nlohmann::json& answer, bool has_content) {
  const std::string action = StringAt(answer, "action");
  if (action == "decline") return {UserAnswer::Action::kDecline, nlohmann::json::object()};
  if (action == "cancel") return {UserAnswer::Action::kCancel, nlohmann::json::object()};
  return {UserAnswer::Action::kAccept, has_content ? answer["content"] : nlohmann::json::object()};
}

bool IsContentBlock(const nlohmann::json& block) { return block.is_object() && !StringAt(block, "type").empty(); }

// A CreateMessageResult.
bool IsModelAnswer(const nlohmann::json& answer) {
  if (StringAt(answer, "role").empty() || StringAt(answer, "model").empty()) return false;
  const auto content = answer.find("content");
  if (content == answer.end()) return false;
  if (!content->is_array()) return IsContentBlock(*content);
  for (const nlohmann::json& block : *content) {
    if (!IsContentBlock(block)) return false;
  }
  return true;
}

// A ListRootsResult.
bool IsRootsAnswer(const nlohmann::json& answer) {
  const auto roots = answer.find("roots");
  if (roots == answer.end() || !roots->is_array()) return false;
  for (const nlohmann::json& root : *roots) {
    if (!root.is_object() || StringAt(root, "uri").empty()) return false;
  }
  return true;
}

// The member of the client's capabilities, or null.
nlohmann::json Capability(const CallContext& caller, const char* name) {
  const absl::StatusOr<nlohmann::json> all = ParseJsonObject("the capabilities", caller.client_capabilities_json());
  if (!all.ok()) return nullptr;
  const auto found = all->find(name);
  return found == all->end() ? nlohmann::json(nullptr) : *found;
}

}  // namespace

struct RequestContext::Asking {
  // JSON texts by key: what came with the state, and what this round brought.
  std::map<std::string, std::string> answers;
  std::string state;
  InputRequired pending;
  absl::Status status;  // of the questions
};

RequestContext::RequestContext() = default;
RequestContext::~RequestContext() = default;

RequestContext::Asking& RequestContext::asking() const {
  if (asking_ == nullptr) {
    asking_ = std::make_unique<Asking>();
    Envelope envelope;
    if (!request_state().empty() && envelope.ParseFromString(request_state())) {
      asking_->state = std::move(*envelope.mutable_request_state());
      for (auto& [key, answer] : *envelope.mutable_input_responses_json()) {
        asking_->answers.emplace(key, std::move(answer));
      }
    }
  }
  return *asking_;
}

std::optional<nlohmann::json> RequestContext::Ask(absl::string_view key, absl::string_view method,
                                                  std::string params_json,
                                                  const std::function<bool(const nlohmann::json&)>& fits) {
  const std::string name(key);
  absl::MutexLock lock(&asking_mutex_);
  Asking& asking = this->asking();
  if (name.empty() || name.size() > kMaxKeyBytes) {
    asking.status.Update(absl::InternalError(
        absl::StrCat("the key of a question must have 1 to ", kMaxKeyBytes, " bytes, has ", name.size())));
    return std::nullopt;
  }
  const auto accepted = [&](const std::string& text) -> std::optional<nlohmann::json> {
    if (text.size() > kMaxAnswerBytes) return std::nullopt;
    absl::StatusOr<nlohmann::json> answer = ParseJsonObject("the answer", text);
    if (!answer.ok() || !fits(*answer)) return std::nullopt;
    return *std::move(answer);
  };
  if (const auto found = asking.answers.find(name); found != asking.answers.end()) {
    if (auto answer = accepted(found->second)) return answer;
    asking.answers.erase(found);
  }
  if (const auto found = responses().find(name); found != responses().end()) {
    if (auto answer = accepted(found->second)) {
      asking.answers[name] = found->second;
      return answer;
    }
  }
  auto& request = (*asking.pending.mutable_requests())[name];
  request.set_method(std::string(method));
  request.set_params_json(std::move(params_json));
  return std::nullopt;
}

std::optional<UserAnswer> RequestContext::AskUser(absl::string_view key, absl::string_view message,
                                                  absl::string_view schema_json) {
  const absl::StatusOr<nlohmann::json> schema =
      ParseJsonObject(absl::StrCat("the schema of the question \"", key, "\""), schema_json);
  if (!schema.ok()) {
    absl::MutexLock lock(&asking_mutex_);
    asking().status.Update(absl::InternalError(schema.status().message()));
    return std::nullopt;
  }
  // The schema goes as it is: the order of its fields is that of the form.
  std::string params = R"({"message":)";
  common::AppendJsonString(message, params);
  absl::StrAppend(&params, R"(,"requestedSchema":)", schema_json, "}");
  const auto answer = Ask(key, "elicitation/create", std::move(params),
                          [&](const nlohmann::json& each) { return IsUserAnswer(each, &*schema); });
  if (!answer.has_value()) return std::nullopt;
  return ToUserAnswer(*answer, /*has_content=*/true);
}

std::optional<UserAnswer> RequestContext::AskUserToOpen(absl::string_view key, absl::string_view message,
                                                        absl::string_view url) {
  const nlohmann::json params = {{"mode", "url"}, {"message", std::string(message)}, {"url", std::string(url)}};
  const auto answer = Ask(key, "elicitation/create", ToText(params),
                          [](const nlohmann::json& each) { return IsUserAnswer(each, nullptr); });
  if (!answer.has_value()) return std::nullopt;
  return ToUserAnswer(*answer, /*has_content=*/false);
}

std::optional<ModelAnswer> RequestContext::AskModel(absl::string_view key, absl::string_view prompt, int max_tokens) {
  const nlohmann::json message = {{"role", "user"}, {"content", {{"type", "text"}, {"text", std::string(prompt)}}}};
  return AskModel(key, {{"messages", nlohmann::json::array({message})}, {"maxTokens", max_tokens}});
}

std::optional<ModelAnswer> RequestContext::AskModel(absl::string_view key, const nlohmann::json& params) {
  const auto answer = Ask(key, "sampling/createMessage", ToText(params), IsModelAnswer);
  if (!answer.has_value()) return std::nullopt;
  ModelAnswer said;
  said.content = (*answer)["content"];
  said.model = StringAt(*answer, "model");
  said.stop_reason = StringAt(*answer, "stopReason");
  if (said.content.is_array()) {
    for (const nlohmann::json& block : said.content) said.text += StringAt(block, "text");
  } else {
    said.text = StringAt(said.content, "text");
  }
  return said;
}

std::optional<std::vector<Root>> RequestContext::ListRoots(absl::string_view key) {
  const auto answer = Ask(key, "roots/list", "{}", IsRootsAnswer);
  if (!answer.has_value()) return std::nullopt;
  std::vector<Root> roots;
  for (const nlohmann::json& root : (*answer)["roots"])
    roots.push_back({StringAt(root, "uri"), StringAt(root, "name")});
  return roots;
}

bool RequestContext::CanAskUser() const {
  // {} means forms, as it did before there was anything else.
  const nlohmann::json elicitation = Capability(caller(), "elicitation");
  return elicitation.is_object() && (elicitation.contains("form") || !elicitation.contains("url"));
}

bool RequestContext::CanAskUserToOpen() const {
  const nlohmann::json elicitation = Capability(caller(), "elicitation");
  return elicitation.is_object() && elicitation.contains("url");
}

bool RequestContext::CanAskModel() const { return Capability(caller(), "sampling").is_object(); }

bool RequestContext::CanListRoots() const { return Capability(caller(), "roots").is_object(); }

std::string RequestContext::state() const {
  absl::MutexLock lock(&asking_mutex_);
  return asking().state;
}

void RequestContext::SaveState(absl::string_view state) {
  absl::MutexLock lock(&asking_mutex_);
  asking().state = std::string(state);
}

absl::StatusOr<InputRequired> RequestContext::NeedInput() const {
  absl::MutexLock lock(&asking_mutex_);
  const Asking& asking = this->asking();
  if (!asking.status.ok()) return asking.status;
  if (asking.pending.requests().empty() && asking.state.empty()) {
    return absl::InternalError("input is needed, but no question has been asked");
  }
  InputRequired required = asking.pending;
  if (!asking.state.empty() || !asking.answers.empty()) {
    Envelope envelope;
    envelope.set_request_state(asking.state);
    for (const auto& [key, answer] : asking.answers) (*envelope.mutable_input_responses_json())[key] = answer;
    envelope.SerializeToString(required.mutable_state());
    if (required.state().size() > kMaxStateBytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the answers and the state to be kept until the next round have ", required.state().size(),
                       " bytes, the limit is ", kMaxStateBytes));
    }
  }
  return required;
}

void RequestContext::ForgetQuestions() {
  absl::MutexLock lock(&asking_mutex_);
  asking_ = nullptr;
}

}  // namespace tool_service
