#include "mcp_edge/rpc/event_loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/time/clock.h"

namespace mcp_edge {
namespace {

constexpr int kMaxEvents = 64;
constexpr int kMaxWaitMs = 60'000;

// Without them nothing can be called at all.
int Needed(int fd, const char* what) {
  if (fd >= 0) return fd;
  std::perror(what);
  std::abort();
}

}  // namespace

EventLoop& EventLoop::Get() {
  static EventLoop& loop = *new EventLoop;
  return loop;
}

EventLoop::EventLoop()
    : epoll_fd_(Needed(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_fd_(Needed(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = 0;
  epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event);
  // Signals are for the thread that waits for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

uint64_t EventLoop::Add(int fd, std::shared_ptr<Handler> handler) {
  uint64_t id = 0;
  {
    absl::MutexLock lock(&mutex_);
    id = next_id_++;
    handlers_.emplace(id, std::move(handler));
  }
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = id;
  epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
  return id;
}

void EventLoop::WaitForWritable(uint64_t id, int fd, bool wanted) {
  epoll_event event = {};
  event.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u64 = id;
  epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::Remove(uint64_t id, int fd) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  std::shared_ptr<Handler> handler;  // is let go of without the lock
  absl::MutexLock lock(&mutex_);
  const auto found = handlers_.find(id);
  if (found == handlers_.end()) return;
  handler = std::move(found->second);
  handlers_.erase(found);
}

void EventLoop::RunAt(absl::Time time, std::function<void()> action) {
  bool is_first = false;
  {
    absl::MutexLock lock(&mutex_);
    is_first = actions_.empty() || time < actions_.begin()->first;
    actions_.emplace(time, std::move(action));
  }
  if (!is_first) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

int EventLoop::RunDue() {
  while (true) {
    std::function<void()> action;
    {
      absl::MutexLock lock(&mutex_);
      if (actions_.empty()) return kMaxWaitMs;
      const absl::Duration wait = actions_.begin()->first - absl::Now();
      if (wait > absl::ZeroDuration()) {
        const int64_t ms = absl::ToInt64Milliseconds(wait) + 1;
        return static_cast<int>(std::min<int64_t>(ms, kMaxWaitMs));
      }
      action = std::move(actions_.begin()->second);
      actions_.erase(actions_.begin());
    }
    action();
  }
}

void EventLoop::Work() {
  pthread_setname_np(pthread_self(), "rpc");
  std::vector<char> buffer(kBufferBytes);
  std::array<epoll_event, kMaxEvents> events;
  while (true) {
    const int timeout_ms = RunDue();
    const int count = epoll_wait(epoll_fd_, events.data(), kMaxEvents, timeout_ms);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[i];
      if (event.data.u64 == 0) {
        uint64_t wakes = 0;
        [[maybe_unused]] const ssize_t size = read(wake_fd_, &wakes, sizeof(wakes));
        continue;
      }
      std::shared_ptr<Handler> handler;
      {
        absl::MutexLock lock(&mutex_);
        const auto found = handlers_.find(event.data.u64);
        if (found != handlers_.end()) handler = found->second;
      }
      if (handler == nullptr) continue;
      const bool readable = (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
      const bool writable = (event.events & (EPOLLOUT | EPOLLERR)) != 0;
      handler->OnEvents(readable, writable, buffer.data());
    }
  }
}

}  // namespace mcp_edge
