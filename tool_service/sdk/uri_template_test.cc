#include "tool_service/sdk/uri_template.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tool_service {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Variables Matched(const char* text, const std::string& uri) {
  return UriTemplate::Parse(text)->Match(uri).value_or(Variables{{"no", "match"}});
}

TEST(UriTemplateTest, FindsTheVariables) {
  EXPECT_THAT(Matched("test://template/{id}/data", "test://template/123/data"), ElementsAre(Pair("id", "123")));
  EXPECT_THAT(Matched("{scheme}://{host}", "https://example.com"),
              ElementsAre(Pair("host", "example.com"), Pair("scheme", "https")));
  EXPECT_THAT(Matched("file:///{+path}.txt", "file:///a/b.txt.txt"), ElementsAre(Pair("path", "a/b.txt")));
  EXPECT_THAT(Matched("a:{x}-{y}", "a:1-2-3"), ElementsAre(Pair("x", "1"), Pair("y", "2-3")));
  EXPECT_THAT(Matched("a:{x}", "a:%41%2Fb"), ElementsAre(Pair("x", "A/b")));
  EXPECT_THAT(Matched("a:b", "a:b"), ElementsAre());
}

TEST(UriTemplateTest, WhatDoesNotFitDoesNotMatch) {
  for (const char* uri : {"", "a:", "a:/data", "a:x/y/data", "a:x/data/", "a:x/dat", "b:x/data", "a:%4/data",
                          "a:%/data", "a:%zz/data", "a:x?y/data"}) {
    EXPECT_FALSE(UriTemplate::Parse("a:{id}/data")->Match(uri).has_value()) << uri;
  }
  EXPECT_FALSE(UriTemplate::Parse("a:b")->Match("a:bc").has_value());
}

TEST(UriTemplateTest, LongHostileUrisTakeLittleTime) {
  const UriTemplate uri_template = *UriTemplate::Parse("a:{+a}x{+b}x{+c}x{+d}y");
  EXPECT_FALSE(uri_template.Match("a:" + std::string(1'000'000, 'x')).has_value());
}

TEST(UriTemplateTest, WhatCannotBeUndoneIsRefused) {
  for (const char* text : {"a:{", "a:}", "a:{}", "a:{b}{c}", "a:{?q}", "a:{b*}", "a:{b,c}", "a:{b}/{b}", "a:{b{c}}"}) {
    EXPECT_EQ(UriTemplate::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace tool_service
