// Runs tool calls as tasks: drives the rounds of their operations on threads of its own and keeps what comes of them in
// a store, from which it answers clients.

#ifndef GATEHOUSE_MCP_EDGE_TASKS_TASK_MANAGER_H_
#define GATEHOUSE_MCP_EDGE_TASKS_TASK_MANAGER_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/events/event_bus.h"
#include "mcp_edge/http/elastic_task_queue.h"
#include "mcp_edge/tasks/task_store.h"
#include "mcp_edge/tasks/tasks.h"

namespace mcp_edge {

struct TaskManagerOptions {
  // How long a task may run, the time in which the client is asked not counted. Not longer than `ttl`.
  absl::Duration max_time = absl::Hours(1);
  // How long a task is kept after its status changed last. A client is told the sum since the beginning (`ttlMs`).
  absl::Duration ttl = absl::Hours(1);
  // How often clients should ask for news (`pollIntervalMs`). A message of progress is kept as often at the most.
  absl::Duration poll_interval = absl::Seconds(1);
  // Tasks that run at the same time, each on a thread.
  size_t max_running = 512;
  // Tasks that have not ended, those that wait for answers included, in all and of one principal.
  size_t max_live = 2'048;
  size_t max_live_per_principal = 256;
  // What these keep of the requests that began them, in bytes, likewise.
  size_t max_live_bytes = 256 << 20;
  size_t max_live_bytes_per_principal = 32 << 20;
  // Before a round that follows one which asked nothing; doubles while they do, up to `poll_interval`.
  absl::Duration first_pause = absl::Milliseconds(100);
};

// A task is live in the process that began it until it ends; every process that shares the store can answer for it.
// Each change is published as kTaskChanged, those of one task in their order. A change to a terminal status is the
// last: what comes of the work after that is dropped. Thread-safe.
class TaskManager final : public Tasks {
 public:
  // Rounds of one task that may ask something. A tool that asks without end fails.
  static constexpr int kMaxRounds = 32;
  // InputRequired.state (tool.proto).
  static constexpr size_t kMaxStateBytes = 64 << 10;
  // Of `statusMessage`; what is longer is cut.
  static constexpr size_t kMaxStatusMessageBytes = 512;

  // The collaborators must outlive this. `bus`: its subscribers may call Owns().
  TaskManager(const TaskManagerOptions& options, TaskStore& store, EventBus& bus, const common::Clock& clock,
              EdgeMetrics& metrics);
  // Shuts down.
  ~TaskManager() override;

  // Errors: kTooManyRequests, the principal has too many tasks; kOverloaded, there are too many, or no thread is free;
  // kUnavailable, the edge is being stopped.
  TaskAnswer Start(std::unique_ptr<Operation> operation, std::unique_ptr<Round> round,
                   const RequestContext& context) override;

  // Errors of all three: kInvalidParams, the params are malformed, or there is no such task of this principal (any
  // more); kOverloaded, the store is full or cannot be reached.
  TaskAnswer Get(const Message& message, const RequestContext& context) override;
  // Takes the answers to questions that are open and ignores all others; the last one lets the work go on. Nothing is
  // taken of a message in which one answer is malformed.
  TaskAnswer Update(const Message& message, const RequestContext& context) override;
  // The task is cancelled at once, and its work soon. Nothing happens to one that has ended.
  TaskAnswer Cancel(const Message& message, const RequestContext& context) override;

  absl::Duration max_time() const override { return options_.max_time; }
  bool Owns(absl::string_view task_id, const Principal& principal) override;
  std::optional<std::string> Notification(absl::string_view task_id, const Principal& principal) override;

  // Looks at the records of live tasks: lets go of those that expired while they waited for answers, and follows what
  // other replicas with the same store did. Gives threads to tasks for which there was none. To be called every few
  // seconds.
  void Sweep();

  // Ends all live tasks as failed, takes no more, and waits for the threads. For the end of the process; readers are
  // still answered.
  void Shutdown();

 private:
  struct LiveTask;
  using LiveTaskPtr = std::shared_ptr<LiveTask>;
  using RecordOrStatus = absl::StatusOr<std::shared_ptr<const TaskRecord>>;

  struct Usage {
    size_t tasks = 0;
    size_t bytes = 0;
  };

  enum class AfterAsking { kGoesOn, kWaits, kEnded };

  // The task that `message` names, if it is the principal's.
  RecordOrStatus Find(const Message& message, const RequestContext& context);
  LiveTaskPtr FindLive(absl::string_view id);

  // Makes the task a live one, unless there are too many.
  absl::Status Admit(const LiveTaskPtr& task);
  // It has ended: it is live no more.
  void Drop(LiveTask& task);
  // Gives the task a thread: now, or as soon as another task leaves one. False: shut down.
  bool Enqueue(LiveTaskPtr task);
  // Starts a thread if there may be one more. False: there may not.
  bool StartWorkerLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What each thread does: runs tasks from the queue until it is empty.
  void Work();

  // Runs rounds until the task ends, or, false, waits for answers; it is then another thread's.
  bool RunRounds(LiveTask& task);
  // False: the task has ended.
  bool BeginRound(LiveTask& task);
  // What ends the round that runs. Messages of progress become the status message.
  RoundEvent Drive(LiveTask& task);
  // Waits a while before the next round of a tool that asked nothing. False: the task has ended meanwhile.
  bool Pause(LiveTask& task);
  AfterAsking Ask(LiveTask& task, const gatehouse::tool::v1::InputRequired& input);
  void Fail(LiveTask& task, const RpcError& error);
  // Nothing happens to a task that has ended already.
  void End(LiveTask& task, TaskStatus status, const std::string& outcome_json, absl::string_view status_message);

  void Finish(TaskStatus status, const std::string& outcome_json, absl::string_view status_message, TaskRecord& record);
  // Changes the record of a task that has not ended, and publishes what it then is. `task`: the same if it is live
  // here, locked; else null.
  RecordOrStatus Change(absl::string_view id, LiveTask* task, const TaskStore::Change& change);
  // Keeps the metrics of live tasks. `task` is locked.
  void Count(LiveTask& task, std::optional<TaskStatus> status);

  const TaskManagerOptions options_;
  TaskStore& store_;
  EventBus& bus_;
  const common::Clock& clock_;
  EdgeMetrics& metrics_;
  absl::Mutex mutex_;  // never held together with that of a task
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<std::string, LiveTaskPtr> live_ ABSL_GUARDED_BY(mutex_);
  Usage live_usage_ ABSL_GUARDED_BY(mutex_);  // of all of them
  absl::flat_hash_map<std::string, Usage> live_by_principal_ ABSL_GUARDED_BY(mutex_);
  std::deque<LiveTaskPtr> queue_ ABSL_GUARDED_BY(mutex_);  // those that wait for a thread
  size_t workers_ ABSL_GUARDED_BY(mutex_) = 0;             // threads that work on tasks, or are about to
  ElasticTaskQueue threads_;                               // last: its threads use the others
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TASKS_TASK_MANAGER_H_
