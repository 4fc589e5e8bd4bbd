#include "common/executor.h"

#include <system_error>
#include <thread>
#include <utility>

namespace common {

void ThreadExecutor::Stop() {
  absl::MutexLock lock(&mutex_);
  ending_ = true;
  task_or_end_.SignalAll();
  mutex_.Await(absl::Condition(
      +[](size_t* threads) { return *threads == 0; }, &threads_));
}

bool ThreadExecutor::Submit(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (ending_ || running_ + waiting_.size() >= max_threads_ + max_waiting_) return false;
  if (idle_ <= waiting_.size() && threads_ < max_threads_) {
    try {
      std::thread([this] { Work(); }).detach();
      ++threads_;
    } catch (const std::system_error&) {
      if (threads_ == 0) return false;  // no thread to be had, and none to wait for
    }
  }
  waiting_.push_back(std::move(task));
  task_or_end_.Signal();
  return true;
}

void ThreadExecutor::Work() {
  mutex_.Lock();
  while (true) {
    if (!waiting_.empty()) {
      std::function<void()> task = std::move(waiting_.front());
      waiting_.pop_front();
      ++running_;
      mutex_.Unlock();
      task();
      task = nullptr;  // what it holds goes before the lock is taken
      mutex_.Lock();
      --running_;
      continue;
    }
    if (ending_) break;
    ++idle_;
    const bool timed_out = task_or_end_.WaitWithTimeout(&mutex_, kIdleTime);
    --idle_;
    if (timed_out && waiting_.empty()) break;
  }
  --threads_;
  mutex_.Unlock();
}

}  // namespace common
