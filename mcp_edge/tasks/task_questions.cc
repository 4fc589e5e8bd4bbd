#include "mcp_edge/tasks/task_questions.h"

#include <map>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "mcp_edge/dispatch/client_answer.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/client_question.h"
#include "mcp_edge/schema/json_schema.h"

namespace mcp_edge {

absl::StatusOr<std::vector<TaskQuestion>> ReadTaskQuestions(const gatehouse::tool::v1::InputRequired& input) {
  if (input.requests().size() > kMaxTaskQuestions) {
    return absl::InternalError(
        absl::StrCat("it may ask for ", kMaxTaskQuestions, " things at once, and asked for ", input.requests().size()));
  }
  size_t bytes = 0;
  std::map<std::string, TaskQuestion> questions;
  for (const auto& [key, request] : input.requests()) {
    if (key.empty() || key.size() > kMaxTaskQuestionKeyBytes) {
      return absl::InternalError(
          absl::StrCat("a key needs 1 to ", kMaxTaskQuestionKeyBytes, " bytes, and has ", key.size()));
    }
    bytes += key.size() + request.params_json().size();
    if (bytes > kMaxTaskQuestionBytes) {
      return absl::InternalError(absl::StrCat("what it asks at once may have ", kMaxTaskQuestionBytes, " bytes"));
    }
    const absl::StatusOr<std::string> rendered = RenderInputRequest(request);
    if (!rendered.ok()) return rendered.status();
    TaskQuestion question = {"", key, request.method(), std::string(RawMember(*rendered, "params"))};
    // Once the user has filled in the form it would be too late.
    if (const absl::string_view schema = RawMember(question.params_json, "requestedSchema"); !schema.empty()) {
      if (const auto compiled = JsonSchema::Compile(schema); !compiled.ok()) {
        return absl::InternalError(absl::StrCat("requestedSchema is no schema: ", compiled.status().message()));
      }
    }
    questions.emplace(key, std::move(question));
  }
  std::vector<TaskQuestion> sorted;
  sorted.reserve(questions.size());
  for (auto& [key, question] : questions) sorted.push_back(std::move(question));
  return sorted;
}

std::optional<std::string> CheckTaskAnswer(const TaskQuestion& question, absl::string_view answer_json) {
  ClientAnswer answer;
  answer.result_json = std::string(answer_json);
  const absl::Status status = UseClientAnswer(question.method, question.params_json, answer).status();
  if (status.ok()) return std::nullopt;
  return absl::StrCat("params.inputResponses[\"", question.key, "\"]: ", status.message());
}

}  // namespace mcp_edge
