#include "mcp_edge/http/disconnect_monitor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

class DisconnectMonitorTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets_), 0); }
  void TearDown() override {
    close(sockets_[0]);
    close(sockets_[1]);
  }

  int sockets_[2];
  DisconnectMonitor monitor_{absl::Milliseconds(1)};
};

TEST_F(DisconnectMonitorTest, TellsOnceWhenThePeerIsGone) {
  absl::Notification gone;
  const auto watch = monitor_.WatchSocket(sockets_[0], [&] { gone.Notify(); });
  shutdown(sockets_[1], SHUT_RDWR);
  EXPECT_TRUE(gone.WaitForNotificationWithTimeout(absl::Seconds(10)));
}

TEST_F(DisconnectMonitorTest, DataIsNoReason) {
  std::atomic<bool> gone{false};
  absl::Notification other_gone;
  const auto watch = monitor_.WatchSocket(sockets_[0], [&] { gone = true; });
  ASSERT_EQ(write(sockets_[1], "x", 1), 1);
  int others[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, others), 0);
  const auto other_watch = monitor_.WatchSocket(others[0], [&] { other_gone.Notify(); });
  close(others[1]);
  other_gone.WaitForNotification();
  EXPECT_FALSE(gone);
  close(others[0]);
}

TEST_F(DisconnectMonitorTest, AfterTheWatchEndsNothingIsTold) {
  std::atomic<bool> gone{false};
  {
    const auto watch = monitor_.WatchSocket(sockets_[0], [&] { gone = true; });
  }
  absl::Notification other_gone;
  shutdown(sockets_[1], SHUT_RDWR);
  const auto other_watch = monitor_.WatchSocket(sockets_[0], [&] { other_gone.Notify(); });
  other_gone.WaitForNotification();
  EXPECT_FALSE(gone);
}

}  // namespace
}  // namespace mcp_edge
