#include "tool_service/sdk/json.h"

#include "gtest/gtest.h"

namespace tool_service {
namespace {

TEST(ParseArgumentsTest, NoArgumentsAreAnEmptyObject) {
  const auto arguments = ParseArguments("");
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(*arguments, nlohmann::json::object());
}

TEST(ParseArgumentsTest, WhatIsNoObjectIsRefused) {
  for (const char* text : {"[]", "null", "{", "{\"a\":1}x", "\"a\"", "{\"a\":\"\xFF\"}"}) {
    EXPECT_EQ(ParseArguments(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ParseArgumentsTest, ReadsAnObject) { EXPECT_EQ((*ParseArguments(R"({"a":[1,2]})"))["a"][1], 2); }

TEST(ResultTest, AnErrorSaysSo) {
  const CallToolResult result = ErrorResult("no such city");
  EXPECT_TRUE(result.is_error());
  EXPECT_EQ(result.content(0).text().text(), "no such city");
  EXPECT_FALSE(TextResult("fine").is_error());
}

TEST(ResultTest, AJsonResultHasTheSameTextTwice) {
  const CallToolResult result = JsonResult(R"({"b":1,"a":2.50})");
  EXPECT_EQ(result.content(0).text().text(), R"({"b":1,"a":2.50})");
  EXPECT_EQ(result.structured_content_json(), R"({"b":1,"a":2.50})");
}

}  // namespace
}  // namespace tool_service
