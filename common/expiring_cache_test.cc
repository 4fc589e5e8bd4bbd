#include "common/expiring_cache.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace common {
namespace {

TEST(ExpiringCacheTest, AnEntryIsThereUntilItExpires) {
  FakeClock clock;
  ExpiringCache<std::string, int> cache(100, clock);
  cache.Put("a", 1, clock.Now() + absl::Seconds(10));
  clock.Advance(absl::Seconds(9));
  EXPECT_EQ(cache.Get("a"), 1);
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(cache.Get("a"), std::nullopt);
  EXPECT_EQ(cache.size(), 0);
}

TEST(ExpiringCacheTest, PutReplacesAndAPastExpiryRemoves) {
  FakeClock clock;
  ExpiringCache<std::string, int> cache(100, clock);
  cache.Put("a", 1, clock.Now() + absl::Seconds(10));
  cache.Put("a", 2, clock.Now() + absl::Seconds(10));
  EXPECT_EQ(cache.Get("a"), 2);
  cache.Put("a", 3, clock.Now());
  EXPECT_EQ(cache.Get("a"), std::nullopt);
}

TEST(ExpiringCacheTest, NeverHoldsMoreThanItsCapacityRoundedUp) {
  FakeClock clock;
  ExpiringCache<int, int> cache(64, clock);
  for (int i = 0; i < 10'000; ++i) cache.Put(i, i, clock.Now() + absl::Hours(1));
  EXPECT_LE(cache.size(), 64);
  EXPECT_GT(cache.size(), 0);
}

TEST(ExpiringCacheTest, TheEntryUsedLongestAgoMakesRoom) {
  FakeClock clock;
  ExpiringCache<int, int> cache(16 * 50, clock);
  cache.Put(-1, -1, clock.Now() + absl::Hours(1));
  for (int i = 0; i < 10'000; ++i) {
    cache.Put(i, i, clock.Now() + absl::Hours(1));
    EXPECT_EQ(cache.Get(-1), -1);
  }
}

TEST(ExpiringCacheTest, CapacityZeroHoldsNothing) {
  FakeClock clock;
  ExpiringCache<int, int> cache(0, clock);
  cache.Put(1, 1, clock.Now() + absl::Hours(1));
  EXPECT_EQ(cache.Get(1), std::nullopt);
}

TEST(ExpiringCacheTest, ServesManyThreads) {
  FakeClock clock;
  ExpiringCache<int, int> cache(256, clock);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) {
        cache.Put(i % 300, i % 300, clock.Now() + absl::Seconds(1));
        const auto value = cache.Get(i % 300);
        if (value.has_value()) {
          EXPECT_EQ(*value, i % 300);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace common
