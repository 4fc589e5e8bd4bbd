#include "mcp_edge/jsonrpc/json_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

std::string Nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonReaderTest, BuildsTheDocument) {
  const auto json = ReadJson(R"( {"a":[1,-2,3.5,"x",null,true,{"b":{}}],"c":18446744073709551615} )");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(json->dump(), R"({"a":[1,-2,3.5,"x",null,true,{"b":{}}],"c":18446744073709551615})");
}

TEST(JsonReaderTest, AcceptsAScalarDocument) { EXPECT_EQ(ReadJson("42")->get<int>(), 42); }

TEST(JsonReaderTest, RefusesWhatIsNotJson) {
  for (const char* text :
       {"", "{", "{\"a\":}", "nope", "{} {}", "[1,]", "\"\xff\"", "'a'", "{\"a\":1e999}", "\xef\xbb"}) {
    EXPECT_EQ(ReadJson(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(JsonReaderTest, RefusesMembersNamedTwiceAtAnyDepth) {
  EXPECT_FALSE(ReadJson(R"({"a":1,"a":2})").ok());
  EXPECT_FALSE(ReadJson(R"([{"x":{"a":1,"\u0061":2}}])").ok());
  EXPECT_TRUE(ReadJson(R"([{"a":1},{"a":2}])").ok());
}

TEST(JsonReaderTest, BoundsTheDepth) {
  EXPECT_TRUE(ReadJson(Nested(kMaxJsonDepth)).ok());
  EXPECT_FALSE(ReadJson(Nested(kMaxJsonDepth + 1)).ok());
  EXPECT_FALSE(ReadJson(std::string(1'000'000, '[')).ok());
}

TEST(JsonReaderTest, AZeroByteIsNoEnd) {
  const std::string text("{}\0\n\nevent: message", 20);
  EXPECT_FALSE(ReadJson(text).ok());
  EXPECT_FALSE(CompactJson(text).ok());
  EXPECT_FALSE(ReadJson(std::string("\0", 1)).ok());
}

TEST(JsonReaderTest, AByteOrderMarkIsRefused) { EXPECT_FALSE(ReadJson("\xEF\xBB\xBF{}").ok()); }

TEST(JsonReaderTest, BoundsTheNumberOfValues) {
  std::string text = "[0";
  for (size_t i = 2; i < kMaxJsonValues; ++i) text += ",0";
  EXPECT_TRUE(ReadJson(text + "]").ok());
  EXPECT_FALSE(ReadJson(text + ",0]").ok());
}

TEST(JsonReaderTest, RawMemberIsTheTextAsSent) {
  constexpr char kText[] = R"({ "z" : 1.50 , "a":{"s":"}\"]", "n":[1, 2]} ,"e":"" ,"\u0062":true})";
  EXPECT_EQ(RawMember(kText, "z"), "1.50");
  EXPECT_EQ(RawMember(kText, "a"), R"({"s":"}\"]", "n":[1, 2]})");
  EXPECT_EQ(RawMember(kText, "e"), "\"\"");
  EXPECT_EQ(RawMember(kText, "b"), "true");
  EXPECT_EQ(RawMember(kText, "s"), "");
  EXPECT_EQ(RawMember("[1]", "a"), "");
  EXPECT_EQ(RawMember("{}", "a"), "");
}

TEST(JsonReaderTest, RawMembersAreAllInTheirOrder) {
  using Members = std::vector<std::pair<std::string, absl::string_view>>;
  EXPECT_EQ(RawMembers(R"({ "z" : 1.50 , "a":{"s":"}\"]", "n":[1, 2]} ,"":"" ,"\u0062\"":true})"),
            (Members{{"z", "1.50"}, {"a", R"({"s":"}\"]", "n":[1, 2]})"}, {"", "\"\""}, {"b\"", "true"}}));
  EXPECT_TRUE(RawMembers("{ }").empty());
  EXPECT_TRUE(RawMembers("[1]").empty());
}

TEST(JsonReaderTest, CompactJsonTouchesNothingButWhiteSpace) {
  EXPECT_EQ(*CompactJson("{ \"a\" : [ 1.50,\n\t2e1 ], \"b c\":\" \\\" \"}\r\n"), R"({"a":[1.50,2e1],"b c":" \" "})");
  EXPECT_FALSE(CompactJson("{").ok());
}

TEST(JsonReaderTest, RawElementsAreTheTextsAsSent) {
  EXPECT_EQ(RawElements(R"([ {"a":[1,2]} , "x,]" ,[],3 ])"),
            (std::vector<absl::string_view>{R"({"a":[1,2]})", R"("x,]")", "[]", "3"}));
  EXPECT_TRUE(RawElements("[]").empty());
}

}  // namespace
}  // namespace mcp_edge
