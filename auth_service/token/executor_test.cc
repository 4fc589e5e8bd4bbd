#include "auth_service/token/executor.h"

#include <atomic>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

TEST(ThreadExecutorTest, RunsEverythingBeforeItEnds) {
  std::atomic<int> ran{0};
  {
    ThreadExecutor executor(3, 1000);
    for (int i = 0; i < 500; ++i) EXPECT_TRUE(executor.Submit([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 500);
}

TEST(ThreadExecutorTest, UsesAllItsThreads) {
  ThreadExecutor executor(4, 0);
  // Each waits for the others.
  auto* const barrier = new absl::Barrier(4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(executor.Submit([barrier] {
      if (barrier->Block()) delete barrier;
    }));
  }
}

TEST(ThreadExecutorTest, TurnsAwayWhatItHasNoRoomFor) {
  absl::Notification go;
  std::atomic<int> ran{0};
  {
    ThreadExecutor executor(2, 3);
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(executor.Submit([&] {
        go.WaitForNotification();
        ++ran;
      })) << i;
    }
    EXPECT_FALSE(executor.Submit([&] { ++ran; }));
    go.Notify();
  }
  EXPECT_EQ(ran, 5);
}

TEST(ThreadExecutorTest, TakesNothingOnceStopped) {
  ThreadExecutor executor(1, 1);
  executor.Stop();
  EXPECT_FALSE(executor.Submit([] { FAIL(); }));
}

}  // namespace
}  // namespace auth_service
