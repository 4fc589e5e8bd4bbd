#include "mcp_edge/tasks/task_questions.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::InputRequired;

constexpr char kForm[] =
    R"({"message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string","maxLength":5}},)"
    R"("required":["name"]}})";
constexpr char kUrl[] = R"({"mode":"url","message":"Go","url":"https://example.com"})";
constexpr char kSample[] = R"({"messages":[],"maxTokens":5})";

InputRequired Asks(const std::string& method, const std::string& params, const std::string& key = "k") {
  InputRequired input;
  auto& request = (*input.mutable_requests())[key];
  request.set_method(method);
  request.set_params_json(params);
  return input;
}

TEST(TaskQuestionsTest, QuestionsComeInTheOrderOfTheirKeysOnOneLine) {
  InputRequired input = Asks("elicitation/create", absl::StrCat(" \n", kForm, "\n"), "b");
  input.MergeFrom(Asks("roots/list", "", "a"));
  input.MergeFrom(Asks("sampling/createMessage", kSample, "c"));
  const auto questions = ReadTaskQuestions(input);
  ASSERT_TRUE(questions.ok()) << questions.status();
  ASSERT_EQ(questions->size(), 3);
  EXPECT_EQ((*questions)[0].tool_key, "a");
  EXPECT_EQ((*questions)[0].params_json, "{}");
  EXPECT_EQ((*questions)[1].method, "elicitation/create");
  EXPECT_EQ((*questions)[1].params_json, kForm);
  EXPECT_EQ((*questions)[2].tool_key, "c");
  EXPECT_EQ((*questions)[2].key, "");
}

TEST(TaskQuestionsTest, WhatBreaksTheContractIsRefused) {
  for (
      const auto& [method, params] : std::vector<std::pair<std::string, std::string>>{
          {"ping", "{}"},
          {"", ""},
          {"roots/list", "[]"},
          {"roots/list", "{"},
          {"elicitation/create", ""},
          {"elicitation/create", R"({"message":"x"})"},
          {"elicitation/create", R"({"message":"x","requestedSchema":5})"},
          {"elicitation/create",
           R"({"message":"x","requestedSchema":{"type":"object","properties":{"a":{"type":"string","pattern":"("}}}})"},
          {"sampling/createMessage", R"({"messages":[]})"},
      }) {
    EXPECT_EQ(ReadTaskQuestions(Asks(method, params)).status().code(), absl::StatusCode::kInternal)
        << method << " " << params;
  }
}

TEST(TaskQuestionsTest, KeysNumberAndSizeAreBounded) {
  EXPECT_TRUE(ReadTaskQuestions(Asks("roots/list", "", std::string(kMaxTaskQuestionKeyBytes, 'k'))).ok());
  EXPECT_FALSE(ReadTaskQuestions(Asks("roots/list", "", std::string(kMaxTaskQuestionKeyBytes + 1, 'k'))).ok());
  EXPECT_FALSE(ReadTaskQuestions(Asks("roots/list", "", "")).ok());
  InputRequired many;
  for (size_t i = 0; i < kMaxTaskQuestions; ++i) many.MergeFrom(Asks("roots/list", "", absl::StrCat("k", i)));
  EXPECT_TRUE(ReadTaskQuestions(many).ok());
  many.MergeFrom(Asks("roots/list", "", "one more"));
  EXPECT_FALSE(ReadTaskQuestions(many).ok());
  const std::string blanks(kMaxTaskQuestionBytes, ' ');
  EXPECT_FALSE(ReadTaskQuestions(Asks("elicitation/create", blanks + kForm)).ok());
}

bool IsAnswer(const std::string& method, const std::string& params, const std::string& answer) {
  return !CheckTaskAnswer({"k", "k", method, params}, answer).has_value();
}

TEST(TaskQuestionsTest, AnAnswerHasTheShapeOfItsMethod) {
  EXPECT_TRUE(IsAnswer("elicitation/create", kForm, R"({"action":"accept","content":{"name":"Bob"}})"));
  EXPECT_TRUE(IsAnswer("elicitation/create", kForm, R"({"action":"decline"})"));
  EXPECT_TRUE(IsAnswer("elicitation/create", kForm, R"({"action":"cancel"})"));
  EXPECT_TRUE(IsAnswer("elicitation/create", kUrl, R"({"action":"accept"})"));
  EXPECT_TRUE(IsAnswer("sampling/createMessage", kSample,
                       R"({"role":"assistant","model":"m","content":{"type":"text","text":"x"}})"));
  EXPECT_TRUE(IsAnswer("roots/list", "{}", R"({"roots":[{"uri":"file:///a"}]})"));
  for (const char* answer : {"5", "null", "[]", "{}", R"({"action":"maybe"})", R"({"action":5})",
                             R"({"action":"accept"})", R"({"action":"accept","content":"x"})",
                             R"({"action":"accept","content":{}})", R"({"action":"accept","content":{"name":5}})"}) {
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

TEST(TaskQuestionsTest, AComplaintNamesTheQuestionAndTheField) {
  const auto problem = CheckTaskAnswer({"who", "k", "elicitation/create", kForm},
                                       R"({"action":"accept","content":{"name":"much too long"}})");
  ASSERT_TRUE(problem.has_value());
  EXPECT_NE(problem->find("who"), std::string::npos) << *problem;
  EXPECT_NE(problem->find("/name"), std::string::npos) << *problem;
  EXPECT_EQ(problem->find("much too long"), std::string::npos) << *problem;
}

}  // namespace
}  // namespace mcp_edge
