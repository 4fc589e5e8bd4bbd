#include "tool_service/sdk/executor.h"

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace tool_service {
namespace {

TEST(ExecutorTest, RunsAsManyAtOnceAsItHasThreads) {
  absl::BlockingCounter missing(3);
  absl::Notification met;
  Executor executor(3, 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(executor.TryRun([&] {
      if (missing.DecrementCount()) met.Notify();
      met.WaitForNotification();  // returns only when all three run at once
    }));
  }
}

TEST(ExecutorTest, RefusesWhatFindsNoRoom) {
  absl::Notification release;
  std::atomic<int> ran{0};
  {
    Executor executor(1, 2);
    absl::Notification started;
    EXPECT_TRUE(executor.TryRun([&] {
      started.Notify();
      release.WaitForNotification();
      ++ran;
    }));
    started.WaitForNotification();
    EXPECT_TRUE(executor.TryRun([&] { ++ran; }));
    EXPECT_TRUE(executor.TryRun([&] { ++ran; }));
    EXPECT_FALSE(executor.TryRun([&] { ++ran; }));
    release.Notify();
  }
  EXPECT_EQ(ran, 3);  // the destructor waits for what was accepted
}

TEST(ExecutorTest, UsesIdleThreadsAgain) {
  Executor executor(2, 1000);
  for (int round = 0; round < 200; ++round) {
    absl::BlockingCounter done(3);
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(executor.TryRun([&] { done.DecrementCount(); }));
    }
    done.Wait();
  }
}

}  // namespace
}  // namespace tool_service
