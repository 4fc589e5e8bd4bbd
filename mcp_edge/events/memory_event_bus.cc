#include "mcp_edge/events/memory_event_bus.h"

#include <utility>

namespace mcp_edge {

class MemoryEventBus::Entry final : public EventBus::Subscription {
 public:
  Entry(MemoryEventBus& bus, uint64_t number) : bus_(bus), number_(number) {}
  ~Entry() override {
    absl::MutexLock lock(&bus_.mutex_);
    bus_.subscribers_.erase(number_);
  }

 private:
  MemoryEventBus& bus_;
  const uint64_t number_;
};

void MemoryEventBus::Publish(const Event& event) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [number, subscriber] : subscribers_) subscriber(event);
}

std::unique_ptr<EventBus::Subscription> MemoryEventBus::Subscribe(Subscriber subscriber) {
  absl::MutexLock lock(&mutex_);
  subscribers_.emplace(++last_number_, std::move(subscriber));
  return std::make_unique<Entry>(*this, last_number_);
}

}  // namespace mcp_edge
