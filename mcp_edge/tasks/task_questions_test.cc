#include "mcp_edge/tasks/task_questions.h"

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

gatehouse::tool::v1::InputRequest Request(const std::string& method, const std::string& params) {
  gatehouse::tool::v1::InputRequest request;
  request.set_method(method);
  request.set_params_json(params);
  return request;
}

ClientDescription Client(const std::string& capabilities) {
  ClientDescription client;
  client.capabilities_json = capabilities;
  return client;
}

constexpr char kForm[] = R"({"message":"Who?","requestedSchema":{"type":"object","properties":{}}})";
constexpr char kUrl[] = R"({"mode":"url","message":"Go","url":"https://example.com"})";
constexpr char kSample[] = R"({"messages":[],"maxTokens":5})";

bool CanAsk(const std::string& method, const std::string& params, const std::string& capabilities) {
  return std::holds_alternative<TaskQuestion>(MakeTaskQuestion("k", Request(method, params), Client(capabilities)));
}

RpcError Refusal(const std::string& method, const std::string& params, const std::string& capabilities = R"({})",
                 const std::string& key = "k") {
  const auto question = MakeTaskQuestion(key, Request(method, params), Client(capabilities));
  const auto* error = std::get_if<RpcError>(&question);
  return error == nullptr ? RpcError{WireErrorKind::kNotFound, "it was not refused", ""} : *error;
}

TEST(TaskQuestionsTest, OnlyWhatTheClientDeclaredIsAsked) {
  EXPECT_TRUE(CanAsk("elicitation/create", kForm, R"({"elicitation":{}})"));
  EXPECT_TRUE(CanAsk("elicitation/create", kForm, R"({"elicitation":{"form":{}}})"));
  EXPECT_FALSE(CanAsk("elicitation/create", kForm, R"({"elicitation":{"url":{}}})"));
  EXPECT_FALSE(CanAsk("elicitation/create", kForm, R"({"sampling":{}})"));
  EXPECT_TRUE(CanAsk("elicitation/create", kUrl, R"({"elicitation":{"url":{}}})"));
  EXPECT_FALSE(CanAsk("elicitation/create", kUrl, R"({"elicitation":{}})"));
  EXPECT_TRUE(CanAsk("sampling/createMessage", kSample, R"({"sampling":{}})"));
  EXPECT_FALSE(CanAsk("sampling/createMessage", kSample, "{}"));
  const std::string with_tools = R"({"messages":[],"maxTokens":5,"tools":[]})";
  EXPECT_FALSE(CanAsk("sampling/createMessage", with_tools, R"({"sampling":{}})"));
  EXPECT_TRUE(CanAsk("sampling/createMessage", with_tools, R"({"sampling":{"tools":{}}})"));
  EXPECT_TRUE(CanAsk("roots/list", "", R"({"roots":{}})"));
  EXPECT_FALSE(CanAsk("roots/list", "", "{}"));
}

TEST(TaskQuestionsTest, ARefusalForACapabilitySaysWhichOne) {
  const RpcError error = Refusal("elicitation/create", kForm);
  EXPECT_EQ(error.kind, WireErrorKind::kMissingClientCapability);
  EXPECT_EQ(error.data_json, R"({"requiredCapabilities":{"elicitation":{"form":{}}}})");
}

TEST(TaskQuestionsTest, WhatMcpDoesNotHaveIsNotAsked) {
  const std::string all = R"({"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}})";
  for (const auto& [method, params] : std::vector<std::pair<std::string, std::string>>{
           {"ping", "{}"},
           {"", ""},
           {"roots/list", "[]"},
           {"roots/list", "{"},
           {"roots/list", R"({"a":1,"a":2})"},
           {"elicitation/create", ""},
           {"elicitation/create", R"({"message":"x"})"},
           {"elicitation/create", R"({"message":"x","requestedSchema":5})"},
           {"elicitation/create", R"({"message":"x","mode":"voice","requestedSchema":{}})"},
           {"elicitation/create", R"({"message":"x","mode":5,"requestedSchema":{}})"},
           {"elicitation/create", R"({"message":"x","mode":"url"})"},
           {"sampling/createMessage", R"({"messages":[]})"},
           {"sampling/createMessage", R"({"messages":{},"maxTokens":1})"},
       }) {
    EXPECT_EQ(Refusal(method, params, all).kind, WireErrorKind::kInternal) << method << " " << params;
  }
  EXPECT_EQ(Refusal("roots/list", "", all, "").kind, WireErrorKind::kInternal);
  EXPECT_EQ(Refusal("roots/list", "", all, std::string(129, 'k')).kind, WireErrorKind::kInternal);
}

TEST(TaskQuestionsTest, ParamsAreOneLineAndOtherwiseAsTheToolGaveThem) {
  const auto question =
      MakeTaskQuestion("k", Request("elicitation/create", "{\n \"requestedSchema\": {},\n \"message\": \"a\\nb\"}"),
                       Client(R"({"elicitation":{}})"));
  EXPECT_EQ(std::get<TaskQuestion>(question).params_json, R"({"requestedSchema":{},"message":"a\nb"})");
  EXPECT_EQ(std::get<TaskQuestion>(question).tool_key, "k");
}

bool IsAnswer(const std::string& method, const std::string& params, const std::string& answer) {
  return !CheckTaskAnswer({"k", "k", method, params}, json::parse(answer)).has_value();
}

TEST(TaskQuestionsTest, AnAnswerHasTheShapeOfItsMethod) {
  EXPECT_TRUE(IsAnswer("elicitation/create", kForm, R"({"action":"accept","content":{}})"));
  EXPECT_TRUE(IsAnswer("elicitation/create", kForm, R"({"action":"decline"})"));
  EXPECT_TRUE(IsAnswer("elicitation/create", kForm, R"({"action":"cancel"})"));
  EXPECT_TRUE(IsAnswer("elicitation/create", kUrl, R"({"action":"accept"})"));
  EXPECT_TRUE(IsAnswer("sampling/createMessage", kSample,
                       R"({"role":"assistant","model":"m","content":{"type":"text","text":"x"}})"));
  EXPECT_TRUE(IsAnswer("roots/list", "{}", R"({"roots":[{"uri":"file:///a"}]})"));
  for (const char* answer : {"5", "null", "[]", "{}", R"({"action":"maybe"})", R"({"action":5})",
                             R"({"action":"accept"})", R"({"action":"accept","content":"x"})"}) {
    EXPECT_FALSE(IsAnswer("elicitation/create", kForm, answer)) << answer;
  }
  for (const char* answer : {"{}", R"({"role":"assistant","model":"m"})", R"({"model":"m","content":{}})",
                             R"({"role":"assistant","model":"m","content":"x"})"}) {
    EXPECT_FALSE(IsAnswer("sampling/createMessage", kSample, answer)) << answer;
  }
  for (const char* answer : {"{}", R"({"roots":{}})", R"({"roots":[5]})", R"({"roots":[{"name":"x"}]})"}) {
    EXPECT_FALSE(IsAnswer("roots/list", "{}", answer)) << answer;
  }
}

TEST(TaskQuestionsTest, AComplaintNamesTheKeyAndNothingOfTheAnswer) {
  const auto problem =
      CheckTaskAnswer({"who", "k", "elicitation/create", kForm}, json::parse(R"({"action":"s3cret"})"));
  ASSERT_TRUE(problem.has_value());
  EXPECT_NE(problem->find("who"), std::string::npos);
  EXPECT_EQ(problem->find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace mcp_edge
