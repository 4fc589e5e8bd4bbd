// Threads for tasks that block: as many as are needed, within a bound.

#ifndef GATEHOUSE_MCP_EDGE_HTTP_ELASTIC_TASK_QUEUE_H_
#define GATEHOUSE_MCP_EDGE_HTTP_ELASTIC_TASK_QUEUE_H_

#include <cstddef>
#include <deque>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mcp_edge {

// Runs each task on a thread of its own: an idle one if there is one, else a new one, up to `max_threads`. A thread
// that had nothing to do for `idle_timeout` ends. Thread-safe.
class ElasticTaskQueue {
 public:
  explicit ElasticTaskQueue(size_t max_threads, absl::Duration idle_timeout = absl::Seconds(10))
      : max_threads_(max_threads), idle_timeout_(idle_timeout) {}
  // Shuts down.
  ~ElasticTaskQueue() { Shutdown(); }

  ElasticTaskQueue(const ElasticTaskQueue&) = delete;
  ElasticTaskQueue& operator=(const ElasticTaskQueue&) = delete;

  // Starts `task`. False: every thread is busy and there may be no more, or the queue was shut down, or the system has
  // no thread to give; the task is then not run.
  bool Run(std::function<void()> task);

  // Takes no more tasks and waits for those that run.
  void Shutdown();

  // Threads that there are, and tasks that run or are about to.
  size_t threads() const;
  size_t busy() const;

 private:
  static void* ThreadMain(void* queue);
  void Work();
  bool StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_threads_;
  const absl::Duration idle_timeout_;
  mutable absl::Mutex mutex_;
  absl::CondVar task_added_;
  absl::CondVar thread_ended_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);  // each has an idle thread on its way
  size_t threads_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;  // threads waiting, less the tasks that wait for them
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_HTTP_ELASTIC_TASK_QUEUE_H_
