// What belongs to a caller is of no use to any other: sessions, tasks, the sealed state of tools, cursors of lists and
// of skills are bound to issuer, subject and client together, whatever characters these have.

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "mcp_edge/auth/principal.h"
#include "mcp_edge/dispatch/catalog_lists.h"
#include "mcp_edge/dispatch/round_input.h"
#include "mcp_edge/dispatch/skills.h"
#include "mcp_edge/events/memory_event_bus.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/sealing/aead_sealer.h"
#include "mcp_edge/session/memory_session_store.h"
#include "mcp_edge/session/session_manager.h"
#include "mcp_edge/tasks/memory_task_store.h"
#include "mcp_edge/tasks/task_manager.h"

namespace mcp_edge {
namespace {

Principal Caller(const std::string& issuer, const std::string& subject, const std::string& client_id,
                 const std::string& scope = "openid") {
  gatehouse::auth::v1::Principal verdict;
  verdict.set_issuer(issuer);
  verdict.set_subject(subject);
  verdict.set_client_id(client_id);
  verdict.add_scopes(scope);
  verdict.set_scopes_known(true);
  return PrincipalFromVerdict(verdict);
}

class PrincipalBindingTest : public testing::Test {
 protected:
  // Another token of the owner.
  const Principal owner_ = Caller("https://i", "alice\nagent", "c");
  const Principal again_ = Caller("https://i", "alice\nagent", "c", "more");
  const std::vector<Principal> others_ = {
      Caller("https://other", "alice\nagent", "c"), Caller("https://i", "bob", "c"),
      Caller("https://i", "alice\nagent", "other"), Caller("https://i", "alice\nagent", ""),
      Caller("https://i", "alice", "agent\nc"),     Caller("https://i\nalice", "agent", "c"),
      Caller("https://i", "alice\nagentc", ""),     Caller("https://i", "alice\nagent\nc", ""),
      Caller("https://i11:alice\nagent", "", "c"),  Caller("", "https://i11:alice\nagent", "c"),
  };
  common::FakeClock clock_;
  AeadSealer sealer_{RandomKeyRing(), clock_};
};

TEST_F(PrincipalBindingTest, Sessions) {
  MemorySessionStore store({}, clock_);
  SessionManager sessions(store);
  SessionRecord record;
  record.principal_key = owner_.key;
  const auto session = sessions.Open(std::move(record));
  ASSERT_TRUE(session.ok());
  const std::string id = (*session)->record().id;
  EXPECT_TRUE(sessions.Find(id, again_.key).ok());
  for (const Principal& other : others_) {
    EXPECT_TRUE(absl::IsNotFound(sessions.Find(id, other.key).status())) << other.key;
  }
  sessions.CloseAll();
}

TEST_F(PrincipalBindingTest, Tasks) {
  prometheus::Registry registry;
  EdgeMetrics metrics(registry);
  MemoryTaskStore store({}, clock_);
  MemoryEventBus bus;
  TaskManager tasks({}, store, bus, clock_, metrics);
  TaskRecord record;
  record.id = "task";
  record.principal_key = owner_.key;
  record.expire_time = clock_.Now() + absl::Hours(1);
  ASSERT_TRUE(store.Create(record).ok());
  Message message;
  message.params = *ReadJson(R"({"taskId":"task","inputResponses":{}})");
  ClientDescription client;
  const auto may = [&](const Principal& principal) {
    RequestContext context;
    context.principal = std::make_shared<const Principal>(principal);
    context.client = &client;
    const bool gets = std::holds_alternative<std::string>(tasks.Get(message, context));
    EXPECT_EQ(std::holds_alternative<std::string>(tasks.Update(message, context)), gets);
    EXPECT_EQ(tasks.Owns("task", principal), gets);
    EXPECT_EQ(tasks.Notification("task", principal).has_value(), gets);
    if (!gets) {
      EXPECT_TRUE(std::holds_alternative<RpcError>(tasks.Cancel(message, context)));
    }
    return gets;
  };
  EXPECT_TRUE(may(again_));
  for (const Principal& other : others_) EXPECT_FALSE(may(other)) << other.key;
  EXPECT_EQ((*store.Get("task"))->status, TaskStatus::kWorking) << "nobody else has cancelled it";
}

class FakeOperation final : public ServiceOperation {
 public:
  std::unique_ptr<Round> Begin(const InputResponses&, absl::string_view) override { return nullptr; }
  std::string Identity() const override { return "tools/call\nt\n{}"; }
  RoundEvent Refuse(absl::string_view) override { return RpcError(); }
  RpcError Broken(const absl::Status&) override { return {}; }
};

TEST_F(PrincipalBindingTest, SealedState) {
  const FakeOperation operation;
  const std::string sealed = SealState("state", owner_, operation, sealer_, clock_.Now());
  std::string state;
  EXPECT_FALSE(OpenState(sealed, again_, operation, sealer_, state).has_value());
  EXPECT_EQ(state, "state");
  for (const Principal& other : others_) {
    EXPECT_TRUE(OpenState(sealed, other, operation, sealer_, state).has_value()) << other.key;
  }
}

TEST_F(PrincipalBindingTest, CursorsOfLists) {
  CatalogContents contents;
  for (int i = 0; i < 3; ++i) {
    contents.tools.emplace_back().name = absl::StrCat("tool", i);
    contents.tools.back().tool.set_input_schema_json("{}");
  }
  const CatalogSnapshot snapshot(contents, nullptr);
  CatalogLists lists(sealer_, clock_, /*page_size=*/1);
  const auto page = [&](absl::string_view cursor, const Principal& principal) {
    return lists.GetPage(ListKind::kTools, snapshot, ProtocolVersion::k2025_11_25, cursor, principal.key,
                         {absl::Seconds(1), /*is_public=*/false});
  };
  const auto first = ReadJson(std::get<std::string>(page("", owner_)));
  const std::string cursor = (*first)["nextCursor"];
  EXPECT_TRUE(std::holds_alternative<std::string>(page(cursor, again_)));
  const std::string of_service = lists.CursorFor({"service", "next"}, owner_.key);
  for (const Principal& other : others_) {
    EXPECT_TRUE(std::holds_alternative<CatalogLists::BadCursor>(page(cursor, other))) << other.key;
    EXPECT_TRUE(std::holds_alternative<CatalogLists::BadCursor>(page(of_service, other))) << other.key;
  }
}

TEST_F(PrincipalBindingTest, CursorsOfSkills) {
  CatalogContents contents;
  for (const char* uri : {"skill://a/SKILL.md", "skill://b/SKILL.md"}) {
    contents.skills.emplace_back().skill.set_uri(uri);
    contents.skills.back().skill.set_frontmatter_json("{}");
  }
  const CatalogSnapshot snapshot(contents, nullptr);
  SkillsOptions options;
  options.page_size = 1;
  const Skills skills(options, sealer_, clock_);
  const auto list = [&](const std::string& cursor, const Principal& principal) {
    Message message;
    message.params = nlohmann::json::object();
    if (!cursor.empty()) message.params["cursor"] = cursor;
    RequestContext context;
    context.principal = std::make_shared<const Principal>(principal);
    return skills.List(message, context, snapshot, {absl::Seconds(1), /*is_public=*/false});
  };
  const auto first = ReadJson(std::get<std::string>(list("", owner_)));
  const std::string cursor = (*first)["nextCursor"];
  EXPECT_TRUE(std::holds_alternative<std::string>(list(cursor, again_)));
  for (const Principal& other : others_) {
    EXPECT_TRUE(std::holds_alternative<RpcError>(list(cursor, other))) << other.key;
  }
}

}  // namespace
}  // namespace mcp_edge
