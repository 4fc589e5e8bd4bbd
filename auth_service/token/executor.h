// Threads for work that must not run on gRPC's.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_EXECUTOR_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace auth_service {

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Runs `task` soon, on another thread or on this one. False: there is no room, and `task` will not run.
  virtual bool Submit(std::function<void()> task) = 0;
};

// A bounded number of threads, started when needed, and a bounded queue before them.
class ThreadExecutor final : public Executor {
 public:
  // At most `max_threads` tasks run and `max_waiting` wait at a time.
  ThreadExecutor(size_t max_threads, size_t max_waiting) : max_threads_(max_threads), max_waiting_(max_waiting) {}

  ~ThreadExecutor() override { Stop(); }

  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  bool Submit(std::function<void()> task) override;

  // Takes no more tasks, runs those that were submitted, then ends the threads.
  void Stop();

 private:
  void Work();

  const size_t max_threads_;
  const size_t max_waiting_;
  absl::Mutex mutex_;
  absl::CondVar work_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;  // threads that are free, or are starting
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_EXECUTOR_H_
