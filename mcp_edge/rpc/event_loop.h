// One thread that waits for all sockets of the edge's connections to services, and for times.

#ifndef GATEHOUSE_MCP_EDGE_RPC_EVENT_LOOP_H_
#define GATEHOUSE_MCP_EDGE_RPC_EVENT_LOOP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace mcp_edge {

// Thread-safe.
class EventLoop {
 public:
  class Handler {
   public:
    virtual ~Handler() = default;
    // On the loop's thread; must not block. `buffer`: for whatever the handler likes, of kBufferBytes.
    virtual void OnEvents(bool readable, bool writable, char* buffer) = 0;
  };
  static constexpr size_t kBufferBytes = 64 << 10;

  // That of the process. Never destroyed: what it waits for may be left until the very end.
  static EventLoop& Get();

  // Waits for `fd` to be readable from now on. Keeps the handler until Remove(). Returns its number.
  uint64_t Add(int fd, std::shared_ptr<Handler> handler);
  // Whether to wait for the socket to be writable too.
  void WaitForWritable(uint64_t id, int fd, bool wanted);
  // Nothing more is told, but for what is being told already. `fd` must still be open.
  void Remove(uint64_t id, int fd);

  // Runs `action` at that time or soon after, on the loop's thread; it must not block.
  void RunAt(absl::Time time, std::function<void()> action);

 private:
  EventLoop();
  void Work();
  // Runs what is due. Returns how long to wait at most, in milliseconds.
  int RunDue();

  const int epoll_fd_;
  const int wake_fd_;
  absl::Mutex mutex_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::flat_hash_map<uint64_t, std::shared_ptr<Handler>> handlers_ ABSL_GUARDED_BY(mutex_);
  std::multimap<absl::Time, std::function<void()>> actions_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_RPC_EVENT_LOOP_H_
