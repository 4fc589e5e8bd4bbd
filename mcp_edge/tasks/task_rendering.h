// Tasks as JSON (MCP extension io.modelcontextprotocol/tasks, of 2026-07-28).

#ifndef GATEHOUSE_MCP_EDGE_TASKS_TASK_RENDERING_H_
#define GATEHOUSE_MCP_EDGE_TASKS_TASK_RENDERING_H_

#include <string>

#include "absl/time/time.h"
#include "mcp_edge/protocol/wire_error.h"
#include "mcp_edge/tasks/task_store.h"

namespace mcp_edge {

// The answer to the request that became a task: the task alone, without an outcome or questions.
std::string RenderCreateTaskResult(const TaskRecord& record, absl::Duration poll_interval);

// The answer to `tasks/get`.
std::string RenderGetTaskResult(const TaskRecord& record, absl::Duration poll_interval);

// The params of `notifications/tasks`: the same, without what only results have.
std::string RenderTaskNotification(const TaskRecord& record, absl::Duration poll_interval);

// The answer to `tasks/update` and `tasks/cancel`.
std::string RenderTaskAcknowledgement();

// The `error` of a failed task.
std::string RenderTaskError(const RpcError& error);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TASKS_TASK_RENDERING_H_
