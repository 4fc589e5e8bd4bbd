// What a tool asks of the client while its call runs as a task, and what the client answers.

#ifndef GATEHOUSE_MCP_EDGE_TASKS_TASK_QUESTIONS_H_
#define GATEHOUSE_MCP_EDGE_TASKS_TASK_QUESTIONS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/tasks/task_store.h"

namespace mcp_edge {

// Questions of one round, bytes of their keys and params together, and of one key.
inline constexpr size_t kMaxTaskQuestions = 32;
inline constexpr size_t kMaxTaskQuestionBytes = 256 << 10;
inline constexpr size_t kMaxTaskQuestionKeyBytes = 128;

// The questions of `input` in the order of their keys, with the keys of the tool only and with params as a modern
// client sees them. Whether the client can be asked all that is another matter (MissingCapabilities).
//
// Errors: kInternal, the tool service broke the contract, or a bound: for its author.
absl::StatusOr<std::vector<TaskQuestion>> ReadTaskQuestions(const gatehouse::tool::v1::InputRequired& input);

// What is wrong with `answer_json`, a JSON object; for the client, at most 1 KiB. It names the question, and of the
// answer no more than which field of a form is wrong and how. Nothing: it is an answer.
std::optional<std::string> CheckTaskAnswer(const TaskQuestion& question, absl::string_view answer_json);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TASKS_TASK_QUESTIONS_H_
