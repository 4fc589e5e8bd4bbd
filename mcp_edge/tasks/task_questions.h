// What a tool asks of the client while its call runs as a task, and what the client answers.

#ifndef GATEHOUSE_MCP_EDGE_TASKS_TASK_QUESTIONS_H_
#define GATEHOUSE_MCP_EDGE_TASKS_TASK_QUESTIONS_H_

#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/protocol/request_meta.h"
#include "mcp_edge/protocol/wire_error.h"
#include "mcp_edge/tasks/task_store.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

// The question that the tool named `tool_key`, its `key` still empty, or why it cannot be put to `client`:
// kMissingClientCapability, the client did not declare that it can be asked this; kInternal, the tool service broke the
// contract.
std::variant<TaskQuestion, RpcError> MakeTaskQuestion(absl::string_view tool_key,
                                                      const gatehouse::tool::v1::InputRequest& request,
                                                      const ClientDescription& client);

// What is wrong with `answer`, one sentence for the client that names the key of the question. Nothing: it is one.
std::optional<std::string> CheckTaskAnswer(const TaskQuestion& question, const nlohmann::json& answer);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TASKS_TASK_QUESTIONS_H_
