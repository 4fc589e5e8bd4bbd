#include "mcp_edge/session/session_state.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

TEST(SessionStateTest, SubscriptionsCoverWhatIsBelow) {
  SessionState state;
  EXPECT_FALSE(state.IsSubscribed("a://b"));
  ASSERT_TRUE(state.Subscribe("a://b"));
  EXPECT_TRUE(state.Subscribe("a://b"));
  EXPECT_TRUE(state.IsSubscribed("a://b"));
  EXPECT_TRUE(state.IsSubscribed("a://b/c/d"));
  EXPECT_FALSE(state.IsSubscribed("a://bc"));
  EXPECT_FALSE(state.IsSubscribed("a://"));
  state.Unsubscribe("a://b");
  EXPECT_FALSE(state.IsSubscribed("a://b"));
}

TEST(SessionStateTest, SubscriptionsAreBounded) {
  SessionState state;
  for (size_t i = 0; i < SessionState::kMaxSubscriptions; ++i) ASSERT_TRUE(state.Subscribe(absl::StrCat("a://", i)));
  EXPECT_FALSE(state.Subscribe("a://one-more"));
  EXPECT_TRUE(state.Subscribe("a://0"));
}

TEST(SessionStateTest, LogsWarningsUntilToldOtherwise) {
  SessionState state;
  EXPECT_EQ(state.log_level(), gatehouse::tool::v1::LOG_LEVEL_WARNING);
  state.set_log_level(gatehouse::tool::v1::LOG_LEVEL_DEBUG);
  EXPECT_EQ(state.log_level(), gatehouse::tool::v1::LOG_LEVEL_DEBUG);
}

}  // namespace
}  // namespace mcp_edge
