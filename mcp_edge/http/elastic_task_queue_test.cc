#include "mcp_edge/http/elastic_task_queue.h"

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

TEST(ElasticTaskQueueTest, BlockedTasksDoNotHoldUpOthersUntilTheBound) {
  ElasticTaskQueue queue(3);
  absl::Notification release;
  absl::BlockingCounter started(3);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue.Run([&] {
      started.DecrementCount();
      release.WaitForNotification();
    }));
  }
  started.Wait();
  EXPECT_EQ(queue.busy(), 3);
  EXPECT_FALSE(queue.Run([] {}));
  release.Notify();
}

TEST(ElasticTaskQueueTest, AnIdleThreadIsUsedAgain) {
  ElasticTaskQueue queue(100);
  for (int i = 0; i < 50; ++i) {
    absl::Notification done;
    ASSERT_TRUE(queue.Run([&] { done.Notify(); }));
    done.WaitForNotification();
    while (queue.busy() > 0) absl::SleepFor(absl::Microseconds(50));
  }
  EXPECT_EQ(queue.threads(), 1);
}

TEST(ElasticTaskQueueTest, IdleThreadsEnd) {
  ElasticTaskQueue queue(10, absl::Milliseconds(10));
  absl::BlockingCounter done(10);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(queue.Run([&] { done.DecrementCount(); }));
  done.Wait();
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (queue.threads() > 0 && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(queue.threads(), 0);
  absl::Notification again;
  ASSERT_TRUE(queue.Run([&] { again.Notify(); }));
  again.WaitForNotification();
}

TEST(ElasticTaskQueueTest, ShutdownWaitsForWhatRuns) {
  std::atomic<int> finished{0};
  ElasticTaskQueue queue(10);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(queue.Run([&] {
      absl::SleepFor(absl::Milliseconds(5));
      ++finished;
    }));
  }
  queue.Shutdown();
  EXPECT_EQ(finished, 10);
  EXPECT_FALSE(queue.Run([] {}));
}

}  // namespace
}  // namespace mcp_edge
