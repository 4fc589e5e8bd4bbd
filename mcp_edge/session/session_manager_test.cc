#include "mcp_edge/session/session_manager.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "mcp_edge/session/memory_session_store.h"

namespace mcp_edge {
namespace {

class SessionManagerTest : public testing::Test {
 protected:
  std::shared_ptr<Session> Open(const char* principal) {
    SessionRecord record;
    record.principal_key = principal;
    return *manager_.Open(std::move(record));
  }

  common::FakeClock clock_;
  MemorySessionStore store_{{.idle_timeout = absl::Minutes(10)}, clock_};
  SessionManager manager_{store_};
};

TEST_F(SessionManagerTest, IdsAreLongRandomAndOfTheAllowedCharacters) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = NewSessionId();
    EXPECT_TRUE(LooksLikeSessionId(id)) << id;
    EXPECT_TRUE(ids.insert(id).second);
  }
  EXPECT_FALSE(LooksLikeSessionId(""));
  EXPECT_FALSE(LooksLikeSessionId(std::string(43, ' ')));
  EXPECT_FALSE(LooksLikeSessionId(std::string(44, 'a')));
}

TEST_F(SessionManagerTest, FindsTheSessionForItsPrincipalOnly) {
  const auto session = Open("alice");
  EXPECT_EQ(*manager_.Find(session->record().id, "alice"), session);
  const absl::Status other = manager_.Find(session->record().id, "bob").status();
  const absl::Status unknown = manager_.Find(NewSessionId(), "bob").status();
  EXPECT_EQ(other, unknown) << "another's session must look like none";
}

TEST_F(SessionManagerTest, AnEndedSessionIsNotFoundAndItsRequestsAreCancelled) {
  const auto session = Open("alice");
  bool cancelled = false;
  ASSERT_EQ(session->Begin("1", [&] { cancelled = true; }), Session::Begun::kYes);
  ASSERT_TRUE(manager_.End(*session).ok());
  EXPECT_TRUE(cancelled);
  EXPECT_FALSE(manager_.Find(session->record().id, "alice").ok());
  EXPECT_EQ(manager_.size(), 0);
}

TEST_F(SessionManagerTest, ASessionOfTheStoreIsServedByAProcessThatDidNotOpenIt) {
  const auto session = Open("alice");
  SessionManager other(store_);
  const auto found = other.Find(session->record().id, "alice");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)->record().id, session->record().id);
  ASSERT_TRUE(other.End(**found).ok());
  EXPECT_FALSE(manager_.Find(session->record().id, "alice").ok());
  EXPECT_TRUE(session->ended() || manager_.size() == 0);
}

TEST_F(SessionManagerTest, SweepEndsIdleSessions) {
  const auto idle = Open("alice");
  clock_.Advance(absl::Minutes(6));
  const auto busy = Open("alice");
  clock_.Advance(absl::Minutes(6));
  manager_.Sweep();
  EXPECT_TRUE(idle->ended());
  EXPECT_FALSE(busy->ended());
  EXPECT_EQ(manager_.size(), 1);
}

}  // namespace
}  // namespace mcp_edge
