#include "auth_service/token/executor.h"

#include <utility>

namespace auth_service {

void ThreadExecutor::Stop() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    work_.SignalAll();
    threads = std::move(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

bool ThreadExecutor::Submit(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  // What a free thread is about to take does not wait.
  if (stopping_ || tasks_.size() >= idle_ + (max_threads_ - threads_.size()) + max_waiting_) return false;
  tasks_.push_back(std::move(task));
  if (tasks_.size() > idle_ && threads_.size() < max_threads_) {
    ++idle_;
    threads_.emplace_back([this] { Work(); });
  } else {
    work_.Signal();
  }
  return true;
}

void ThreadExecutor::Work() {
  absl::MutexLock lock(&mutex_);
  --idle_;
  while (true) {
    if (tasks_.empty()) {
      if (stopping_) return;
      ++idle_;
      work_.Wait(&mutex_);
      --idle_;
      continue;
    }
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    mutex_.Unlock();
    task();
    task = nullptr;  // what it holds is let go without the lock
    mutex_.Lock();
  }
}

}  // namespace auth_service
