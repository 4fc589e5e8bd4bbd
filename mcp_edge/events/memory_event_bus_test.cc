#include "mcp_edge/events/memory_event_bus.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

TEST(MemoryEventBusTest, TellsEverySubscriberInOrder) {
  MemoryEventBus bus;
  std::string first, second;
  const auto a = bus.Subscribe([&](const Event& event) { first += event.uri; });
  const auto b = bus.Subscribe([&](const Event& event) { second += event.uri; });
  bus.Publish({.kind = Event::Kind::kResourceUpdated, .uri = "1"});
  bus.Publish({.kind = Event::Kind::kResourceUpdated, .uri = "2"});
  EXPECT_EQ(first, "12");
  EXPECT_EQ(second, "12");
}

TEST(MemoryEventBusTest, WhoLeftIsToldNoMore) {
  MemoryEventBus bus;
  int heard = 0;
  auto subscription = bus.Subscribe([&](const Event&) { ++heard; });
  bus.Publish({});
  subscription.reset();
  bus.Publish({});
  EXPECT_EQ(heard, 1);
}

TEST(MemoryEventBusTest, SubscribersComeAndGoWhileOthersPublish) {
  MemoryEventBus bus;
  int heard = 0;  // only touched while the bus calls, which is one call at a time
  const auto stays = bus.Subscribe([&](const Event&) { ++heard; });
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) bus.Publish({});
    });
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        int own = 0;
        const auto visits = bus.Subscribe([&](const Event&) { ++own; });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(heard, 400);
}

}  // namespace
}  // namespace mcp_edge
