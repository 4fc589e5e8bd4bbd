#include "tool_service/sdk/content.h"

#include "gtest/gtest.h"

namespace tool_service {
namespace {

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

TEST(ContentTest, BlocksAreOfTheirKindAndInTheirOrder) {
  const std::string bytes("\0\xFF", 2);
  const CallToolResult result =
      ContentResult({Text("a"), Image(bytes, "image/png"), Audio(bytes, "audio/wav"), Link("test://l", "l", "text/css"),
                     Embedded(BinaryContents("test://b", bytes, "application/zip"))});
  ASSERT_EQ(result.content_size(), 5);
  EXPECT_EQ(result.content(0).text().text(), "a");
  EXPECT_EQ(result.content(1).image().data(), bytes);
  EXPECT_EQ(result.content(2).audio().mime_type(), "audio/wav");
  EXPECT_EQ(result.content(3).resource_link().name(), "l");
  EXPECT_EQ(result.content(4).resource().contents().blob(), bytes);
}

TEST(ContentTest, AnnotationsSayOnlyWhatWasSaid) {
  const ContentBlock plain = Annotated(Text("a"), {});
  EXPECT_FALSE(plain.annotations().has_priority());
  EXPECT_FALSE(plain.annotations().has_last_modified_time());
  const ContentBlock block = Annotated(
      Text("a"), {.audience = {Role::ROLE_USER}, .priority = 0, .last_modified_time = absl::FromUnixMillis(1'500)});
  EXPECT_EQ(block.annotations().audience(0), Role::ROLE_USER);
  EXPECT_TRUE(block.annotations().has_priority());
  EXPECT_EQ(block.annotations().last_modified_time().seconds(), 1);
  EXPECT_EQ(block.annotations().last_modified_time().nanos(), 500'000'000);
}

TEST(PromptTest, MessagesHaveTheirSpeakers) {
  const GetPromptResult result = PromptResult({UserSays("Hi"), AssistantSays(Link("test://l", "l"))});
  EXPECT_EQ(result.messages(0).role(), Role::ROLE_USER);
  EXPECT_EQ(result.messages(1).role(), Role::ROLE_ASSISTANT);
  EXPECT_EQ(result.messages(1).content().resource_link().uri(), "test://l");
}

}  // namespace
}  // namespace tool_service
