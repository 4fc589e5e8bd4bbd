#include "mcp_edge/http/elastic_task_queue.h"

#include <pthread.h>

#include <utility>

#include "absl/time/clock.h"

namespace mcp_edge {
namespace {

// A request's path through the edge needs a small part of this; what is not touched costs nothing.
constexpr size_t kStackBytes = 512 * 1024;

}  // namespace

bool ElasticTaskQueue::Run(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (shut_down_) return false;
  if (idle_ == 0) {
    if (threads_ >= max_threads_ || !StartThread()) return false;
  } else {
    --idle_;
  }
  tasks_.push_back(std::move(task));
  task_added_.Signal();
  return true;
}

bool ElasticTaskQueue::StartThread() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, &ElasticTaskQueue::ThreadMain, this);
  pthread_attr_destroy(&attributes);
  if (error != 0) return false;
  ++threads_;
  return true;
}

void* ElasticTaskQueue::ThreadMain(void* queue) {
  static_cast<ElasticTaskQueue*>(queue)->Work();
  return nullptr;
}

void ElasticTaskQueue::Work() {
  mutex_.Lock();
  while (true) {
    const absl::Time give_up_time = absl::Now() + idle_timeout_;
    while (tasks_.empty() && !shut_down_) {
      // A thread may only end while there are more waiting than tasks promised to them.
      if (task_added_.WaitWithDeadline(&mutex_, give_up_time) && tasks_.empty() && idle_ > 0) {
        --idle_;
        --threads_;
        thread_ended_.SignalAll();
        mutex_.Unlock();
        return;
      }
    }
    if (tasks_.empty()) break;
    {
      std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      mutex_.Unlock();
      task();
    }  // the task is destroyed before the lock is taken again
    mutex_.Lock();
    ++idle_;
  }
  --threads_;
  thread_ended_.SignalAll();
  mutex_.Unlock();
}

void ElasticTaskQueue::Shutdown() {
  absl::MutexLock lock(&mutex_);
  shut_down_ = true;
  task_added_.SignalAll();
  while (threads_ > 0) thread_ended_.Wait(&mutex_);
}

size_t ElasticTaskQueue::threads() const {
  absl::MutexLock lock(&mutex_);
  return threads_;
}

size_t ElasticTaskQueue::busy() const {
  absl::MutexLock lock(&mutex_);
  return threads_ - idle_;
}

}  // namespace mcp_edge
