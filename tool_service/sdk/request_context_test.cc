#include "tool_service/sdk/request_context.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tool_service/sdk/content.h"
#include "tool_service/sdk/fake_tool_context.h"

namespace tool_service {
namespace {

using ::testing::HasSubstr;

constexpr char kNameForm[] = R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})";

TEST(AskTest, AQuestionWithoutAnAnswerIsSentAndAnAnswerComesBack) {
  FakeToolContext context;
  EXPECT_FALSE(context.AskUser("name", "Who?", kNameForm).has_value());
  const auto required = context.NeedInput();
  ASSERT_TRUE(required.ok()) << required.status();
  ASSERT_EQ(required->requests_size(), 1);
  EXPECT_EQ(required->requests().at("name").method(), "elicitation/create");
  const auto params = nlohmann::json::parse(required->requests().at("name").params_json());
  EXPECT_EQ(params["message"], "Who?");
  EXPECT_EQ(params["requestedSchema"], nlohmann::json::parse(kNameForm));
  EXPECT_FALSE(params.contains("mode"));  // unknown before 2025-11-25
  EXPECT_EQ(required->state(), "");       // nothing to be kept

  context.BeginNextRound(*required);
  context.AnswerUser("name", R"({"name":"Alice"})");
  const auto answer = context.AskUser("name", "Who?", kNameForm);
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->accepted());
  EXPECT_EQ(answer->content["name"], "Alice");
}

TEST(AskTest, AFormKeepsTheOrderOfItsFields) {
  FakeToolContext context;
  (void)context.AskUser("k", "Say \"hi\"",
                        R"({"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number"}}})");
  EXPECT_EQ(context.NeedInput()->requests().at("k").params_json(),
            R"({"message":"Say \"hi\"","requestedSchema":)"
            R"({"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number"}}}})");
}

TEST(AskTest, TheUserMayDeclineOrCancel) {
  for (const auto& [text, action] :
       {std::pair{"decline", UserAnswer::Action::kDecline}, std::pair{"cancel", UserAnswer::Action::kCancel}}) {
    FakeToolContext context;
    context.Answer("name", std::string(R"({"action":")") + text + R"(","content":{"name":"x"}})");
    const auto answer = context.AskUser("name", "Who?", kNameForm);
    ASSERT_TRUE(answer.has_value()) << text;
    EXPECT_EQ(answer->action, action);
    EXPECT_FALSE(answer->accepted());
    EXPECT_TRUE(answer->content.empty());
  }
}

TEST(AskTest, WhatIsNoAnswerIsAskedAgain) {
  const std::string deep =
      R"({"action":"accept","content":{"name":"x","a":)" + std::string(1'000, '[') + std::string(1'000, ']') + "}}";
  for (const std::string& wrong : {std::string("12345"), std::string("null"), std::string("{"), std::string(),
                                   std::string(R"({"action":"maybe"})"), std::string(R"({"action":"accept"})"),
                                   std::string(R"({"action":"accept","content":{"name":7}})"), deep,
                                   R"({"action":"decline","a":")" + std::string(2 << 20, 'a') + "\"}"}) {
    FakeToolContext context;
    context.Answer("name", wrong);
    EXPECT_FALSE(context.AskUser("name", "Who?", kNameForm).has_value()) << wrong.substr(0, 80);
    const auto required = context.NeedInput();
    ASSERT_TRUE(required.ok());
    EXPECT_EQ(required->requests_size(), 1);
    EXPECT_EQ(required->state(), "");
  }
}

TEST(AskTest, AnswersAreKeptOverRounds) {
  FakeToolContext context;
  context.AnswerUser("name", R"({"name":"Alice"})");
  ASSERT_TRUE(context.AskUser("name", "Who?", kNameForm).has_value());
  EXPECT_FALSE(context.ListRoots("roots").has_value());
  const auto second = context.NeedInput();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->requests_size(), 1);
  EXPECT_NE(second->state(), "");

  context.BeginNextRound(*second);
  context.Answer("roots", R"({"roots":[{"uri":"file:///a","name":"A"},{"uri":"file:///b"}]})");
  context.AnswerUser("name", R"({"name":"Mallory"})");  // not asked any more
  EXPECT_EQ(context.AskUser("name", "Who?", kNameForm)->content["name"], "Alice");
  const auto roots = context.ListRoots("roots");
  ASSERT_TRUE(roots.has_value());
  ASSERT_EQ(roots->size(), 2);
  EXPECT_EQ((*roots)[0].name, "A");
  EXPECT_EQ((*roots)[1].uri, "file:///b");
}

TEST(AskTest, AStateComesBackUntilAnotherOneIsSaved) {
  FakeToolContext context;
  EXPECT_EQ(context.state(), "");
  context.SaveState(std::string("a\0b", 3));
  const auto first = context.NeedInput();  // a state alone: the client comes again at once
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->requests_size(), 0);
  context.BeginNextRound(*first);
  EXPECT_EQ(context.state(), std::string("a\0b", 3));
  EXPECT_FALSE(context.ListRoots("roots").has_value());
  const auto second = context.NeedInput();
  context.BeginNextRound(*second);
  EXPECT_EQ(context.state(), std::string("a\0b", 3));
  context.SaveState("c");
  context.BeginNextRound(*context.NeedInput());
  EXPECT_EQ(context.state(), "c");
}

TEST(AskTest, AStateThatIsNoneOfOursIsNoState) {
  FakeToolContext context;
  context.mutable_request().set_request_state("\xFF\xFF\xFFgarbage");
  EXPECT_EQ(context.state(), "");
  EXPECT_FALSE(context.ListRoots("roots").has_value());
}

TEST(AskTest, TheModelSaysText) {
  FakeToolContext context;
  EXPECT_FALSE(context.AskModel("q", "Why?", 50).has_value());
  const auto required = context.NeedInput();
  ASSERT_TRUE(required.ok());
  const auto params = nlohmann::json::parse(required->requests().at("q").params_json());
  EXPECT_EQ(params["messages"][0]["role"], "user");
  EXPECT_EQ(params["messages"][0]["content"]["text"], "Why?");
  EXPECT_EQ(params["maxTokens"], 50);

  for (const char* wrong : {"{}", R"({"role":"assistant","model":"m"})", R"({"role":"assistant","content":{}})",
                            R"({"role":"assistant","model":"m","content":[1]})"}) {
    context.Answer("q", wrong);
    EXPECT_FALSE(context.AskModel("q", "Why?", 50).has_value()) << wrong;
  }
  context.Answer("q", R"({"role":"assistant","model":"m","stopReason":"endTurn",)"
                      R"("content":[{"type":"text","text":"Be"},{"type":"text","text":"cause"}]})");
  const auto answer = context.AskModel("q", "Why?", 50);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->text, "Because");
  EXPECT_EQ(answer->model, "m");
  EXPECT_EQ(answer->stop_reason, "endTurn");
}

TEST(AskTest, ToOpenAUrlIsAgreedToWithoutContent) {
  FakeToolContext context;
  EXPECT_FALSE(context.AskUserToOpen("pay", "Pay here", "https://pay.example/1").has_value());
  const auto required = context.NeedInput();
  const auto params = nlohmann::json::parse(required->requests().at("pay").params_json());
  EXPECT_EQ(params, nlohmann::json({{"mode", "url"}, {"message", "Pay here"}, {"url", "https://pay.example/1"}}));
  context.Answer("pay", R"({"action":"accept"})");
  EXPECT_TRUE(context.AskUserToOpen("pay", "Pay here", "https://pay.example/1")->accepted());
}

TEST(AskTest, MistakesOfTheAuthorAreErrors) {
  FakeToolContext nothing;
  EXPECT_EQ(nothing.NeedInput().status().code(), absl::StatusCode::kInternal);
  FakeToolContext bad_schema;
  EXPECT_FALSE(bad_schema.AskUser("name", "Who?", "{").has_value());
  EXPECT_EQ(bad_schema.NeedInput().status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(bad_schema.NeedInput().status().message()), HasSubstr("\"name\""));
  FakeToolContext no_key;
  EXPECT_FALSE(no_key.ListRoots("").has_value());
  EXPECT_EQ(no_key.NeedInput().status().code(), absl::StatusCode::kInternal);
}

TEST(AskTest, WhatIsKeptIsBounded) {
  FakeToolContext context;
  context.SaveState(std::string(65 << 10, 'a'));
  EXPECT_EQ(context.NeedInput().status().code(), absl::StatusCode::kResourceExhausted);
  context.SaveState(std::string(63 << 10, 'a'));
  EXPECT_TRUE(context.NeedInput().ok());
}

TEST(CapabilitiesTest, OnlyWhatTheClientDeclared) {
  FakeToolContext context;
  const auto declare = [&](const char* json) {
    context.mutable_request().mutable_context()->set_client_capabilities_json(json);
  };
  EXPECT_FALSE(context.CanAskUser() || context.CanAskUserToOpen() || context.CanAskModel() || context.CanListRoots());
  declare(R"({"elicitation":{},"roots":{"listChanged":true}})");
  EXPECT_TRUE(context.CanAskUser());
  EXPECT_FALSE(context.CanAskUserToOpen());
  EXPECT_FALSE(context.CanAskModel());
  EXPECT_TRUE(context.CanListRoots());
  declare(R"({"elicitation":{"url":{}},"sampling":{}})");
  EXPECT_FALSE(context.CanAskUser());
  EXPECT_TRUE(context.CanAskUserToOpen());
  EXPECT_TRUE(context.CanAskModel());
  declare("[");
  EXPECT_FALSE(context.CanAskUser());
}

TEST(ToolContextTest, ATaskBeginsOnlyWhereItMay) {
  FakeToolContext context;
  EXPECT_FALSE(context.StartTask());
  EXPECT_TRUE(context.events().empty());
  context.mutable_request().mutable_context()->set_can_start_task(true);
  EXPECT_TRUE(context.StartTask());
  ASSERT_EQ(context.events().size(), 1);
  EXPECT_TRUE(context.events()[0].has_task_started());
}

TEST(ToolContextTest, AStreamIsClosedForAMinuteAtMost) {
  FakeToolContext context;
  context.CloseStream();
  context.CloseStream(absl::Milliseconds(1500));
  context.CloseStream(absl::Hours(1));
  const auto events = context.events();
  ASSERT_EQ(events.size(), 3);
  EXPECT_FALSE(events[0].close_stream().has_retry_delay());
  EXPECT_EQ(events[1].close_stream().retry_delay().seconds(), 1);
  EXPECT_EQ(events[1].close_stream().retry_delay().nanos(), 500'000'000);
  EXPECT_EQ(events[2].close_stream().retry_delay().seconds(), 60);
}

TEST(ToolContextTest, TextIsLoggedAsJson) {
  FakeToolContext context;
  context.LogText(LogLevel::LOG_LEVEL_INFO, "say \"hi\"");
  ASSERT_EQ(context.events().size(), 1);
  EXPECT_EQ(context.events()[0].log().data_json(), R"("say \"hi\"")");
}

}  // namespace
}  // namespace tool_service
