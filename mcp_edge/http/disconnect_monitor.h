// Notices clients that leave while their request is being worked on.

#ifndef GATEHOUSE_MCP_EDGE_HTTP_DISCONNECT_MONITOR_H_
#define GATEHOUSE_MCP_EDGE_HTTP_DISCONNECT_MONITOR_H_

#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mcp_edge {

// Looks at all watched sockets, every `interval`, with one system call. To watch one costs no system call, so that a
// request that is answered sooner pays next to nothing. Thread-safe.
class DisconnectMonitor {
 public:
  explicit DisconnectMonitor(absl::Duration interval = absl::Milliseconds(50));
  ~DisconnectMonitor();

  DisconnectMonitor(const DisconnectMonitor&) = delete;
  DisconnectMonitor& operator=(const DisconnectMonitor&) = delete;

  // Watches until destroyed. On return from the destructor the callback neither runs nor will.
  class Watch {
   public:
    Watch() = default;
    Watch(DisconnectMonitor* monitor, uint64_t number) : monitor_(monitor), number_(number) {}
    Watch(Watch&& other) noexcept : monitor_(std::exchange(other.monitor_, nullptr)), number_(other.number_) {}
    Watch& operator=(Watch&& other) noexcept {
      std::swap(monitor_, other.monitor_);
      std::swap(number_, other.number_);
      return *this;
    }
    ~Watch() {
      if (monitor_ != nullptr) monitor_->Remove(number_);
    }

   private:
    DisconnectMonitor* monitor_ = nullptr;
    uint64_t number_ = 0;
  };

  // Calls `on_gone` once, on the monitor's thread, when the peer of `socket` has closed its side or the connection
  // broke. It must not block, and must not use the monitor. The socket must stay open while it is watched.
  Watch WatchSocket(int socket, std::function<void()> on_gone);

 private:
  struct Entry {
    int socket;
    std::function<void()> on_gone;
  };

  void Remove(uint64_t number);
  void Run();

  const absl::Duration interval_;
  absl::Mutex mutex_;
  // Not a condition of the mutex, which each request would look at when it unlocks.
  absl::CondVar stop_;
  absl::flat_hash_map<uint64_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_HTTP_DISCONNECT_MONITOR_H_
