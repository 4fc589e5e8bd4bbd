#include "mcp_edge/http/disconnect_monitor.h"

#include <poll.h>

#include <vector>

#include "absl/time/clock.h"

namespace mcp_edge {

DisconnectMonitor::DisconnectMonitor(absl::Duration interval) : interval_(interval), thread_([this] { Run(); }) {}

DisconnectMonitor::~DisconnectMonitor() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    stop_.Signal();
  }
  thread_.join();
}

DisconnectMonitor::Watch DisconnectMonitor::WatchSocket(int socket, std::function<void()> on_gone) {
  absl::MutexLock lock(&mutex_);
  const uint64_t number = next_number_++;
  entries_.emplace(number, Entry{socket, std::move(on_gone)});
  return Watch(this, number);
}

void DisconnectMonitor::Remove(uint64_t number) {
  absl::MutexLock lock(&mutex_);
  entries_.erase(number);
}

void DisconnectMonitor::Run() {
  std::vector<pollfd> sockets;
  std::vector<uint64_t> numbers;
  while (true) {
    sockets.clear();
    numbers.clear();
    {
      absl::MutexLock lock(&mutex_);
      const absl::Time look_time = absl::Now() + interval_;
      while (!stopping_ && !stop_.WaitWithDeadline(&mutex_, look_time)) {
      }
      if (stopping_) return;
      for (const auto& [number, entry] : entries_) {
        sockets.push_back({entry.socket, POLLRDHUP, 0});
        numbers.push_back(number);
      }
    }
    // Without the lock: with thousands of sockets this takes a while. One that is closed meanwhile may have its number
    // given to another connection, so what is found only counts for watches that are still there afterwards: their
    // sockets have been open all the time.
    if (sockets.empty() || poll(sockets.data(), sockets.size(), 0) <= 0) continue;
    absl::MutexLock lock(&mutex_);
    for (size_t i = 0; i < sockets.size(); ++i) {
      if (sockets[i].revents == 0) continue;
      const auto found = entries_.find(numbers[i]);
      if (found == entries_.end()) continue;
      const std::function<void()> on_gone = std::move(found->second.on_gone);
      entries_.erase(found);
      on_gone();
    }
  }
}

}  // namespace mcp_edge
