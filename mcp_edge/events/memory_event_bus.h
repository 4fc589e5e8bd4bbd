// Tells what has changed within one process.

#ifndef GATEHOUSE_MCP_EDGE_EVENTS_MEMORY_EVENT_BUS_H_
#define GATEHOUSE_MCP_EDGE_EVENTS_MEMORY_EVENT_BUS_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "mcp_edge/events/event_bus.h"

namespace mcp_edge {

// One event at a time: every subscriber is told of them in the same order. Must outlive its subscriptions.
class MemoryEventBus final : public EventBus {
 public:
  MemoryEventBus() = default;

  MemoryEventBus(const MemoryEventBus&) = delete;
  MemoryEventBus& operator=(const MemoryEventBus&) = delete;

  void Publish(const Event& event) override;
  std::unique_ptr<Subscription> Subscribe(Subscriber subscriber) override;

 private:
  class Entry;

  absl::Mutex mutex_;  // held while subscribers are called
  uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<uint64_t, Subscriber> subscribers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_EVENTS_MEMORY_EVENT_BUS_H_
