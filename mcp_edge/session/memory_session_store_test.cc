#include "mcp_edge/session/memory_session_store.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

std::shared_ptr<const SessionRecord> Record(absl::string_view id, absl::string_view principal) {
  auto record = std::make_shared<SessionRecord>();
  record->id = std::string(id);
  record->principal_key = std::string(principal);
  return record;
}

TEST(MemorySessionStoreTest, ASessionIsThereUntilErased) {
  common::FakeClock clock;
  MemorySessionStore store({}, clock);
  ASSERT_TRUE(store.Create(Record("s", "alice")).ok());
  EXPECT_EQ((*store.Get("s"))->principal_key, "alice");
  EXPECT_TRUE(store.Erase("s").ok());
  EXPECT_EQ(store.Get("s").status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store.Erase("s").ok());
}

TEST(MemorySessionStoreTest, UseKeepsASessionAndIdlenessEndsIt) {
  common::FakeClock clock;
  MemorySessionStore store({.idle_timeout = absl::Minutes(10)}, clock);
  ASSERT_TRUE(store.Create(Record("s", "alice")).ok());
  for (int i = 0; i < 5; ++i) {
    clock.Advance(absl::Minutes(9));
    EXPECT_TRUE(store.Get("s").ok());
  }
  clock.Advance(absl::Minutes(10));
  EXPECT_FALSE(store.Get("s").ok());
  EXPECT_EQ(store.size(), 0);
}

TEST(MemorySessionStoreTest, ToAskWhetherASessionExistsIsNoUse) {
  common::FakeClock clock;
  MemorySessionStore store({.idle_timeout = absl::Minutes(10)}, clock);
  ASSERT_TRUE(store.Create(Record("s", "alice")).ok());
  clock.Advance(absl::Minutes(9));
  EXPECT_TRUE(*store.Exists("s"));
  clock.Advance(absl::Minutes(1));
  EXPECT_FALSE(*store.Exists("s"));
  EXPECT_FALSE(*store.Exists("t"));
}

TEST(MemorySessionStoreTest, ExpiredSessionsMakeRoomByThemselves) {
  common::FakeClock clock;
  MemorySessionStore store({.idle_timeout = absl::Minutes(10), .max_sessions = 2}, clock);
  ASSERT_TRUE(store.Create(Record("a", "alice")).ok());
  ASSERT_TRUE(store.Create(Record("b", "bob")).ok());
  EXPECT_EQ(store.Create(Record("c", "carol")).status().code(), absl::StatusCode::kResourceExhausted);
  clock.Advance(absl::Minutes(10));
  EXPECT_TRUE(store.Create(Record("c", "carol")).ok());
  EXPECT_EQ(store.size(), 1);
}

TEST(MemorySessionStoreTest, OnePrincipalCannotCrowdOutOthers) {
  common::FakeClock clock;
  MemorySessionStore store({.max_sessions_per_principal = 2}, clock);
  ASSERT_TRUE(store.Create(Record("bob", "bob")).ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store.Create(Record(absl::StrCat("a", i), "alice")).ok());
  EXPECT_TRUE(store.Get("bob").ok());
  EXPECT_FALSE(store.Get("a2").ok());
  EXPECT_TRUE(store.Get("a3").ok());
  EXPECT_TRUE(store.Get("a4").ok());
}

}  // namespace
}  // namespace mcp_edge
