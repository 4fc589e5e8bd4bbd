// What the audit log says of requests.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/log.h"
#include "mcp_edge/dispatch/testing/dispatcher_fixture.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

class AuditTest : public DispatcherFixture {
 protected:
  void SetUp() override {
    DispatcherFixture::SetUp();
    audit_ = &audit_log_;
    service_->OnCall([](const tool::CallToolRequest& request) {
      if (request.arguments_json() == R"({"hang":1})") return FakeCallScript{.hang = true};
      if (request.arguments_json() == R"({"break":1})") {
        return FakeCallScript{.status = grpc::Status(grpc::StatusCode::INTERNAL, "broken")};
      }
      return FakeCallScript{{TextResult("done")}};
    });
  }

  // What `action` has the audit log say: "<method> <name> [<scopes asked>] <outcome> <reason>" for each line.
  template <typename Action>
  std::vector<std::string> Said(const Action& action) {
    common::FlushLog();
    testing::internal::CaptureStderr();
    action();
    common::FlushLog();
    text_ = testing::internal::GetCapturedStderr();
    std::vector<std::string> said;
    for (absl::string_view line : absl::StrSplit(text_, '\n', absl::SkipEmpty())) {
      const auto json = ReadJson(line);
      if (!json.ok() || json->value("event", "") != "audit") continue;
      EXPECT_EQ((*json)["subject"], "alice");
      EXPECT_EQ((*json)["request_id"], "request-1");
      EXPECT_EQ((*json)["scopes_held"], "openid a");
      EXPECT_GE((*json)["duration_us"], 0);
      const auto text = [&](const char* key) { return (*json)[key].get<std::string>(); };
      said.push_back(absl::StrCat(text("method"), " ", text("name"), " [", text("scopes_asked"), "] ", text("outcome"),
                                  " ", text("reason")));
    }
    return said;
  }

  std::vector<std::string> SaidOf(absl::string_view method, absl::string_view params,
                                  ProtocolVersion version = kLegacy) {
    return Said([&] { Run(method, params, version); });
  }

  using Lines = std::vector<std::string>;

  AuditLog audit_log_{true, registry_};
  std::string text_;  // all of the log
};

TEST_F(AuditTest, ToolCallsByWhatBecameOfThem) {
  EXPECT_EQ(SaidOf("tools/call", R"({"name":"p.t","arguments":{"x":"secret words"}})"),
            Lines{"tools/call p.t [] allowed "});
  EXPECT_FALSE(absl::StrContains(text_, "secret words"));
  EXPECT_EQ(SaidOf("tools/call", R"({"name":"p.t","arguments":{"break":1}})"),
            Lines{"tools/call p.t [] failed internal"});
  EXPECT_EQ(SaidOf("tools/call", R"({"name":"no"})"), Lines{"tools/call no [] refused invalid_params"});
  EXPECT_EQ(SaidOf("tools/call", R"({"name":7})"), Lines{"tools/call  [] refused invalid_params"});
  Publish([](ToolEntry& entry) { entry.required_scopes = {{"b", "c"}, {"a", "d"}}; });
  EXPECT_EQ(SaidOf("tools/call", R"({"name":"p.t"})"),
            Lines{"tools/call p.t [b c | a d] challenged insufficient_scope"});
  Publish([](ToolEntry& entry) { entry.required_scopes = {{"b"}, {"a"}}; });
  EXPECT_EQ(SaidOf("tools/call", R"({"name":"p.t"})"), Lines{"tools/call p.t [b | a] allowed "});
}

TEST_F(AuditTest, WhatTheClientLeavesOrCancelsIsCancelled) {
  const auto start = [&] { return Start("tools/call", R"({"name":"p.t","arguments":{"hang":1}})", kLegacy); };
  EXPECT_EQ(Said([&] { start(); }), Lines{"tools/call p.t [] cancelled cancelled"});
  EXPECT_EQ(Said([&] {
              const auto exchange = start();
              exchange->Wait(absl::Now());
              exchange->Cancel();
              Finish(*exchange);
            }),
            Lines{"tools/call p.t [] cancelled cancelled"});
}

TEST_F(AuditTest, PromptsResourcesAndSubscriptions) {
  Publish(nullptr, [](CatalogContents& contents) {
    contents.prompts[0].required_scopes = {{"d"}};
    contents.resources[0].required_scopes = {{"a"}};
    contents.resource_templates[0].required_scopes = {{"c"}};
  });
  EXPECT_EQ(SaidOf("prompts/get", R"({"name":"p.q","arguments":{"a":"1"}})"),
            Lines{"prompts/get p.q [d] challenged insufficient_scope"});
  EXPECT_EQ(SaidOf("resources/subscribe", R"({"uri":"test://r"})"), Lines{"resources/subscribe test://r [a] allowed "});
  EXPECT_EQ(SaidOf("resources/read", R"({"uri":"test://x/1"})"),
            Lines{"resources/read test://x/1 [c] challenged insufficient_scope"});
  EXPECT_EQ(SaidOf("resources/read", R"({"uri":"test://nothing"})"),
            Lines{"resources/read test://nothing [] refused resource_not_found_legacy"});
}

TEST_F(AuditTest, WhatDecidesNothingIsNotAudited) {
  EXPECT_EQ(SaidOf("tools/list", "{}"), Lines{});
  EXPECT_EQ(SaidOf("ping", "{}"), Lines{});
  EXPECT_EQ(SaidOf("no/such", "{}"), Lines{});
  audit_ = nullptr;
}

TEST_F(AuditTest, RequestsThatAreRefusedTogetherAreAuditedOneByOne) {
  Publish([](ToolEntry& entry) { entry.required_scopes = {{"b"}}; },
          [](CatalogContents& contents) { contents.resources[0].required_scopes = {{"e"}}; });
  const std::string batch = R"([{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"p.t"}},)"
                            R"({"jsonrpc":"2.0","id":2,"method":"ping"},)"
                            R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"p.t"}},)"
                            R"({"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"test://r"}}])";
  const auto body = ParseBody(batch);
  ASSERT_TRUE(body.ok());
  std::shared_ptr<const ScopeShortage> shortage;
  EXPECT_EQ(Said([&] { shortage = dispatcher().FindShortage(body->messages, *principal_, "request-1"); }),
            (Lines{"tools/call p.t [b] challenged insufficient_scope",
                   "resources/read test://r [e] challenged insufficient_scope"}));
  ASSERT_NE(shortage, nullptr);
  EXPECT_EQ(shortage->needed, "b e openid a");
}

}  // namespace
}  // namespace mcp_edge
