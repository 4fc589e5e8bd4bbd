#include "mcp_edge/http/disconnect_monitor.h"

#include <poll.h>

#include <vector>

namespace mcp_edge {

DisconnectMonitor::DisconnectMonitor(absl::Duration interval) : interval_(interval), thread_([this] { Run(); }) {}

DisconnectMonitor::~DisconnectMonitor() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
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
  absl::MutexLock lock(&mutex_);
  while (true) {
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_), interval_);
    if (stopping_) return;
    if (entries_.empty()) continue;
    // The lock is held while the sockets are looked at: none can be closed, and its number be given to another
    // connection, before its watch is removed. With a time-out of zero this takes microseconds.
    sockets.clear();
    numbers.clear();
    for (const auto& [number, entry] : entries_) {
      sockets.push_back({entry.socket, POLLRDHUP, 0});
      numbers.push_back(number);
    }
    if (poll(sockets.data(), sockets.size(), 0) <= 0) continue;
    for (size_t i = 0; i < sockets.size(); ++i) {
      if (sockets[i].revents == 0) continue;
      const auto found = entries_.find(numbers[i]);
      const std::function<void()> on_gone = std::move(found->second.on_gone);
      entries_.erase(found);
      on_gone();
    }
  }
}

}  // namespace mcp_edge
