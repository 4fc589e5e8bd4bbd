#include "tool_service/sdk/json.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tool_service {
namespace {

TEST(ParseArgumentsTest, NoArgumentsAreAnEmptyObject) {
  const auto arguments = ParseArguments("");
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(*arguments, nlohmann::json::object());
}

TEST(ParseArgumentsTest, WhatIsNoObjectIsRefused) {
  for (const char* text : {"[]", "null", "{", "{\"a\":1}x", "\"a\"", "{\"a\":\"\xFF\"}", "\xEF\xBB\xBF{}"}) {
    EXPECT_EQ(ParseArguments(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ParseArgumentsTest, ReadsAnObject) { EXPECT_EQ((*ParseArguments(R"({"a":[1,2]})"))["a"][1], 2); }

TEST(ParseJsonObjectTest, DepthIsBoundedAndBracketsInTextDoNotCount) {
  const std::string deep = R"({"a":)" + std::string(4, '[') + std::string(4, ']') + "}";
  EXPECT_TRUE(ParseJsonObject("it", deep, 5).ok());
  EXPECT_THAT(std::string(ParseJsonObject("it", deep, 4).status().message()),
              testing::HasSubstr("it must be at most 4 levels deep, is 5"));
  EXPECT_TRUE(ParseJsonObject("it", R"({"a":"[[[[[\"[[[["})", 1).ok());
  EXPECT_FALSE(ParseArguments(std::string(1'000'000, '[')).ok());
}

}  // namespace
}  // namespace tool_service
