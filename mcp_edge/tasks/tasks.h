// Tool calls that go on after the request that made them was answered (MCP extension io.modelcontextprotocol/tasks), as
// the dispatcher sees them.

#ifndef GATEHOUSE_MCP_EDGE_TASKS_TASKS_H_
#define GATEHOUSE_MCP_EDGE_TASKS_TASKS_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/dispatch/operation.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/wire_error.h"

namespace mcp_edge {

// A JSON-RPC `result`, or why there is none.
using TaskAnswer = std::variant<std::string, RpcError>;

// Thread-safe. Tasks belong to the principal that began them; to anybody else they do not exist.
class Tasks {
 public:
  virtual ~Tasks() = default;

  // Makes a task of `operation`, of which `round` is under way already if it is not null. The task is remembered before
  // this returns. The answer is the result of the request (`"resultType":"task"`). Does not wait for the work. What
  // `context` points to is not kept: `operation` must own all that it needs.
  virtual TaskAnswer Start(std::unique_ptr<Operation> operation, std::unique_ptr<Round> round,
                           const RequestContext& context) = 0;

  // `tasks/get`, `tasks/update`, `tasks/cancel`, for a client that declared the extension. Do not block.
  virtual TaskAnswer Get(const Message& message, const RequestContext& context) = 0;
  virtual TaskAnswer Update(const Message& message, const RequestContext& context) = 0;
  virtual TaskAnswer Cancel(const Message& message, const RequestContext& context) = 0;

  // How long a task may run, the time in which the client is asked not counted: what the rounds of an operation that
  // becomes a task should have as their time limit.
  virtual absl::Duration max_time() const = 0;

  // Whether there is such a task of this principal: only then may it hear of it.
  virtual bool Owns(absl::string_view task_id, const Principal& principal) = 0;

  // The params of `notifications/tasks` for the task as it is now, an object that is not empty; nothing if there is no
  // such task of this principal (any more).
  virtual std::optional<std::string> Notification(absl::string_view task_id, const Principal& principal) = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TASKS_TASKS_H_
