#include "mcp_edge/session/session_state.h"

#include <string>

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

TEST(SessionStateTest, BytesOfSubscriptionsAreBounded) {
  SessionState state;
  EXPECT_FALSE(state.Subscribe(std::string(ResourceSet::kMaxUriBytes + 1, 'a')));
  std::string uri(ResourceSet::kMaxUriBytes, 'a');
  for (size_t i = 0; i < ResourceSet::kMaxBytes / ResourceSet::kMaxUriBytes; ++i) {
    uri[0] = static_cast<char>('a' + i);
    ASSERT_TRUE(state.Subscribe(uri));
  }
  EXPECT_FALSE(state.Subscribe("a://b"));
  EXPECT_TRUE(state.Subscribe(uri)) << "it is there already";
  state.Unsubscribe("a://b");
  EXPECT_FALSE(state.Subscribe("a://b")) << "nothing went";
  state.Unsubscribe(uri);
  EXPECT_TRUE(state.Subscribe("a://b"));
  EXPECT_TRUE(state.IsSubscribed(absl::StrCat(uri.replace(0, 1, "a"), "/below")));
}

TEST(SessionStateTest, LevelsThatAreLookedAtAreBounded) {
  SessionState state;
  std::string deepest = "a:";  // that covers what is below
  for (size_t i = 1; i < ResourceSet::kMaxLevels; ++i) deepest += "/b";
  const std::string deeper = absl::StrCat("c", deepest.substr(1), "/b");
  ASSERT_TRUE(state.Subscribe(deepest));
  ASSERT_TRUE(state.Subscribe(deeper));
  EXPECT_TRUE(state.IsSubscribed(deepest + "/below"));
  EXPECT_TRUE(state.IsSubscribed(absl::StrCat(deepest, std::string(1'000'000, '/'))));
  EXPECT_TRUE(state.IsSubscribed(deeper));
  EXPECT_FALSE(state.IsSubscribed(deeper + "/below"));
}

TEST(SessionStateTest, LogsWarningsUntilToldOtherwise) {
  SessionState state;
  EXPECT_EQ(state.log_level(), gatehouse::tool::v1::LOG_LEVEL_WARNING);
  state.set_log_level(gatehouse::tool::v1::LOG_LEVEL_DEBUG);
  EXPECT_EQ(state.log_level(), gatehouse::tool::v1::LOG_LEVEL_DEBUG);
}

}  // namespace
}  // namespace mcp_edge
