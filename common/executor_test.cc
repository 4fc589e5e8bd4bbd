#include "common/executor.h"

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace common {
namespace {

TEST(ThreadExecutorTest, RunsAsManyAtOnceAsItHasThreads) {
  absl::BlockingCounter missing(3);
  absl::Notification met;
  ThreadExecutor executor(3, 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(executor.Submit([&] {
      if (missing.DecrementCount()) met.Notify();
      met.WaitForNotification();  // returns only when all three run at once
    }));
  }
}

TEST(ThreadExecutorTest, RefusesWhatFindsNoRoom) {
  absl::Notification release;
  std::atomic<int> ran{0};
  {
    ThreadExecutor executor(1, 2);
    absl::Notification started;
    EXPECT_TRUE(executor.Submit([&] {
      started.Notify();
      release.WaitForNotification();
      ++ran;
    }));
    started.WaitForNotification();
    EXPECT_TRUE(executor.Submit([&] { ++ran; }));
    EXPECT_TRUE(executor.Submit([&] { ++ran; }));
    EXPECT_FALSE(executor.Submit([&] { ++ran; }));
    release.Notify();
  }
  EXPECT_EQ(ran, 3);  // the destructor waits for what was accepted
}

TEST(ThreadExecutorTest, UsesIdleThreadsAgain) {
  ThreadExecutor executor(2, 1000);
  for (int round = 0; round < 200; ++round) {
    absl::BlockingCounter done(3);
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(executor.Submit([&] { done.DecrementCount(); }));
    }
    done.Wait();
  }
}

TEST(ThreadExecutorTest, TakesNothingOnceStopped) {
  ThreadExecutor executor(1, 1);
  executor.Stop();
  EXPECT_FALSE(executor.Submit([] { FAIL(); }));
}

}  // namespace
}  // namespace common
