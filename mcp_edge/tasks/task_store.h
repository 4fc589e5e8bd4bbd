// Where tasks are remembered. Many replicas of the edge can answer for a task if they share a store.

#ifndef GATEHOUSE_MCP_EDGE_TASKS_TASK_STORE_H_
#define GATEHOUSE_MCP_EDGE_TASKS_TASK_STORE_H_

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mcp_edge/dispatch/operation.h"

namespace mcp_edge {

// As clients see it (MCP extension io.modelcontextprotocol/tasks).
enum class TaskStatus { kWorking, kInputRequired, kCompleted, kFailed, kCancelled };

inline constexpr int kTaskStatusCount = 5;

// The last three: nothing changes any more.
constexpr bool IsTerminal(TaskStatus status) {
  return status != TaskStatus::kWorking && status != TaskStatus::kInputRequired;
}

// A question to the client that has no answer yet.
struct TaskQuestion {
  // As the client knows it: never used twice in the life of a task.
  std::string key;
  // As the tool named it, which may name the questions of each round alike.
  std::string tool_key;
  // "elicitation/create", "sampling/createMessage" or "roots/list", and its params, an object on one line.
  std::string method;
  std::string params_json;
};

// All that is known of a task, but for the work itself. All of it can be written down.
struct TaskRecord {
  // 128 random bits and more, in characters of base64url. Names a task, proves nothing.
  std::string id;
  // Principal::key of who began it. To anybody else it does not exist.
  std::string principal_key;
  TaskStatus status = TaskStatus::kWorking;
  // For people. Optional.
  std::string status_message = {};
  absl::Time create_time;
  absl::Time update_time;
  // It may be forgotten from then on, and is not found any more.
  absl::Time expire_time;
  // The JSON-RPC `result` of a completed task, the `error` of a failed one.
  std::string outcome_json = {};
  // What the client is asked, while status is kInputRequired.
  std::vector<TaskQuestion> questions = {};
  // For the next round of the operation: the answers so far, by the tool's keys, and its state, which no client sees.
  InputResponses answers = {};
  std::string state = {};
  // Every key of a question so far.
  std::set<std::string> used_keys = {};
};

// Thread-safe. Strongly consistent: what one call has written, every later call sees, on whichever replica. A task ends
// when its expiry has passed, and not before.
class TaskStore {
 public:
  virtual ~TaskStore() = default;

  // Remembers a new task. When this returns OK the task is as durable as the store can make it.
  //
  // Errors: kResourceExhausted, the principal has too many tasks; kUnavailable, the store is full or cannot be reached.
  virtual absl::Status Create(TaskRecord record) = 0;

  // The task of that id.
  //
  // Errors: kNotFound, there is none (any more); kUnavailable, the store cannot be reached.
  virtual absl::StatusOr<std::shared_ptr<const TaskRecord>> Get(absl::string_view id) = 0;

  // Changes a task as one step: `change` is given the record as it is now and alters it, or returns false to leave it
  // as it is. It must not touch id and principal, must be quick, and must not call the store; a store that competes
  // with other replicas may call it several times, and only the last call counts. Returns the record as it then is.
  //
  // Errors: kNotFound, there is none (any more); kResourceExhausted, the record would grow beyond what may be kept, and
  // is as before (a change that takes little room is never refused so); kUnavailable, the store cannot be reached.
  using Change = std::function<bool(TaskRecord& record)>;
  virtual absl::StatusOr<std::shared_ptr<const TaskRecord>> Update(absl::string_view id, const Change& change) = 0;

  // Forgets a task. Forgetting one that is not there is no error.
  //
  // Errors: kUnavailable, the store cannot be reached.
  virtual absl::Status Erase(absl::string_view id) = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TASKS_TASK_STORE_H_
