// Threads for work that must not run on gRPC's.

#ifndef GATEHOUSE_COMMON_EXECUTOR_H_
#define GATEHOUSE_COMMON_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace common {

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `task` soon, on another thread or on this one. False: there is no room, and `task` will not run. Never waits.
  virtual bool Submit(std::function<void()> task) = 0;
};

// Runs tasks on at most `max_threads` threads, which are started when needed and end when idle. Tasks beyond that wait,
// `max_waiting` of them at most, and are run in the order of their arrival.
class ThreadExecutor final : public Executor {
 public:
  ThreadExecutor(size_t max_threads, size_t max_waiting) : max_threads_(max_threads), max_waiting_(max_waiting) {}

  // As Stop().
  ~ThreadExecutor() override { Stop(); }

  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  bool Submit(std::function<void()> task) override;

  // Takes no more tasks, and waits until every one that was accepted has run.
  void Stop();

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

}  // namespace common

#endif  // GATEHOUSE_COMMON_EXECUTOR_H_
