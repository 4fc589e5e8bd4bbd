// Threads for handlers that may block.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_EXECUTOR_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace tool_service {

// Runs tasks on at most `max_threads` threads, which are started when needed and end when idle. Tasks beyond that wait,
// `max_waiting` of them at most, and are run in the order of their arrival. Thread-safe.
class Executor {
 public:
  Executor(size_t max_threads, size_t max_waiting) : max_threads_(max_threads), max_waiting_(max_waiting) {}

  // Waits until every task accepted has run.
  ~Executor();

  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Takes the task, or returns false when as many are running and waiting as may. Never waits.
  bool TryRun(std::function<void()> task);

  size_t max_threads() const { return max_threads_; }
  size_t max_waiting() const { return max_waiting_; }

 private:
  // How long a thread without work stays.
  static constexpr absl::Duration kIdleTime = absl::Seconds(10);

  void Work();

  const size_t max_threads_;
  const size_t max_waiting_;
  absl::Mutex mutex_;
  absl::CondVar task_or_end_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t threads_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;  // tasks
  size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_EXECUTOR_H_
