#include "mcp_edge/dispatch/client_answer.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

constexpr char kForm[] =
    R"({"message":"Who?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}})";
constexpr char kUrl[] = R"({"mode":"url","message":"Go","url":"https://example.com/","elicitationId":"1"})";

absl::StatusOr<std::string> Use(const char* method, const char* params, std::string result) {
  return UseClientAnswer(method, params, {std::move(result), 0, ""});
}

TEST(ClientAnswerTest, GoodAnswersPassAsSent) {
  for (const auto& [method, params, result] :
       {std::tuple{"elicitation/create", kForm, R"({"action":"accept", "content":{"name":"Alice"}})"},
        {"elicitation/create", kForm, R"({"action":"decline"})"},
        {"elicitation/create", kForm, R"({"action":"cancel"})"},
        {"elicitation/create", kUrl, R"({"action":"accept"})"},
        {"sampling/createMessage", "{}", R"({"role":"assistant","content":{"type":"text","text":"x"},"model":"m"})"},
        {"sampling/createMessage", "{}", R"({"role":"assistant","content":[{"type":"text","text":"x"}],"model":"m"})"},
        {"roots/list", "{}", R"({"roots":[]})"},
        {"roots/list", "{}", R"({"roots":[{"uri":"file:///a","name":"a"}]})"}}) {
    const auto used = Use(method, params, result);
    ASSERT_TRUE(used.ok()) << result << used.status();
    EXPECT_EQ(*used, result);
  }
}

TEST(ClientAnswerTest, AnswersOfAnotherShapeAreRefusedWithTheReason) {
  for (const auto& [method, params, result] :
       {std::tuple{"elicitation/create", kForm, "5"},
        {"elicitation/create", kForm, "[]"},
        {"elicitation/create", kForm, "{}"},
        {"elicitation/create", kForm, R"({"action":"yes"})"},
        {"elicitation/create", kForm, R"({"action":5})"},
        {"elicitation/create", kForm, R"({"action":"accept"})"},
        {"elicitation/create", kForm, R"({"action":"accept","content":[]})"},
        {"elicitation/create", kForm, R"({"action":"accept","content":{}})"},
        {"elicitation/create", kForm, R"({"action":"accept","content":{"name":5}})"},
        {"sampling/createMessage", "{}", R"({"role":"assistant","content":"x","model":"m"})"},
        {"sampling/createMessage", "{}", R"({"role":"assistant","content":[5],"model":"m"})"},
        {"sampling/createMessage", "{}", R"({"role":"assistant","content":{"type":"text"}})"},
        {"sampling/createMessage", "{}", R"({"content":{"type":"text"},"model":"m"})"},
        {"roots/list", "{}", R"({"roots":{}})"},
        {"roots/list", "{}", R"({"roots":[{"name":"a"}]})"}}) {
    const auto used = Use(method, params, result);
    EXPECT_EQ(used.status().code(), absl::StatusCode::kInvalidArgument) << result;
    EXPECT_TRUE(absl::StrContains(used.status().message(), method)) << used.status();
  }
}

TEST(ClientAnswerTest, AnErrorIsADialogueThatWentAwayOrARefusal) {
  const ClientAnswer error = {"", -1, "User rejected"};
  EXPECT_EQ(*UseClientAnswer("elicitation/create", kForm, error), R"({"action":"cancel"})");
  for (const char* method : {"sampling/createMessage", "roots/list"}) {
    const auto used = UseClientAnswer(method, "{}", error);
    EXPECT_EQ(used.status().code(), absl::StatusCode::kAborted);
    EXPECT_TRUE(absl::StrContains(used.status().message(), "User rejected")) << used.status();
  }
}

TEST(ClientAnswerTest, ABadSchemaIsTheAuthorsFault) {
  const auto used = Use("elicitation/create", R"({"requestedSchema":{"type":"object","properties":5}})",
                        R"({"action":"accept","content":{}})");
  EXPECT_EQ(used.status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace mcp_edge
