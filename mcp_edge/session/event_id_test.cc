#include "mcp_edge/session/event_id.h"

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

TEST(EventIdTest, WhatIsWrittenIsRead) {
  const std::string text = FormatEventId({SessionTag("s"), 3, 17});
  EXPECT_EQ(text.substr(8), ".3-17");
  const auto id = ParseEventId(text);
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->session_tag, SessionTag("s"));
  EXPECT_EQ(id->stream, 3u);
  EXPECT_EQ(id->event, 17u);
}

TEST(EventIdTest, SessionsHaveTagsOfTheirOwn) { EXPECT_NE(SessionTag("a"), SessionTag("b")); }

TEST(EventIdTest, NothingElseIsRead) {
  for (const char* text :
       {"", "1", "0123abcd", "0123abcd.", "0123abcd.1", "0123abcd.1-", "0123abcd.-1", "0123abcd.1-2-3", "0123ABCD.1-2",
        "0123abcg.1-2", "0123abcd-1-2", "0123abcd.01-2", "0123abcd.1-02", "0123abcd.+1-2", "0123abcd.1-2 ",
        "0123abcd.1-99999999999999999999", "123abcd.1-2"}) {
    EXPECT_FALSE(ParseEventId(text).has_value()) << text;
  }
  EXPECT_TRUE(ParseEventId("0123abcd.0-0").has_value());
}

}  // namespace
}  // namespace mcp_edge
