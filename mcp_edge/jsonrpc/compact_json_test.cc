#include "mcp_edge/jsonrpc/compact_json.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/jsonrpc/testing/reference_reader.h"

namespace mcp_edge {
namespace {

TEST(CompactJsonTest, OnlySpaceBetweenTokensGoes) {
  EXPECT_EQ(*CompactJson("\r\n{ \"a b\" : [ 1.50 ,\t\"x \\\" y\\\\\" , { } , [ ] ] , \"c\":null }\n "),
            R"({"a b":[1.50,"x \" y\\",{},[]],"c":null})");
  EXPECT_EQ(*CompactJson(" -0.0e-1 "), "-0.0e-1");
  EXPECT_EQ(*CompactJson("[true,false,null]"), "[true,false,null]");
}

TEST(CompactJsonTest, AppendsToWhatIsThere) {
  std::string out = "x";
  ASSERT_TRUE(AppendCompactJson(" [ ] ", out).ok());
  EXPECT_EQ(out, "x[]");
}

void ExpectTheSame(absl::string_view text) {
  const auto expected = ReadJsonByReference(text);
  EXPECT_EQ(CompactJson(text).ok(), expected.ok()) << text;
  const auto read = ReadJson(text);
  ASSERT_EQ(read.ok(), expected.ok()) << text;
  if (!read.ok()) return;
  EXPECT_EQ(*read, *expected) << text;
  EXPECT_EQ(read->type(), expected->type()) << text;
  EXPECT_EQ(read->dump(), expected->dump()) << text;
}

// Each with the verdict and the document of a parser that others have tested.
TEST(CompactJsonTest, AcceptsAndReadsWhatTheReferenceDoes) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "]",
                           "{}",
                           "[]",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{1:2}",
                           "{\"a\":1 \"b\":2}",
                           "[}",
                           "{]",
                           "[]]",
                           "[] []",
                           "tru",
                           "truex",
                           "nul",
                           "True",
                           "'a'",
                           "\"",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\uD83D\\uDE00\"",
                           "\"\\ud83d\"",
                           "\"\\ud83dx\"",
                           "\"\\ud83d\\n\"",
                           "\"\\ud83d\\u0041\"",
                           "\"\\ude00\"",
                           "\"\x01\"",
                           "\"\x7f\"",
                           "\"\xc3\xa9\"",
                           "\"\xc3\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "\"\xf0\x9f\x98\x80\"",
                           "\xc3\xa9",
                           "0",
                           "-0",
                           "-",
                           "+1",
                           "01",
                           "-01",
                           "1.",
                           ".1",
                           "1.0",
                           "1e",
                           "1e+",
                           "1e5",
                           "1E-5",
                           "1e308",
                           "1e309",
                           "-1e309",
                           "1e-999",
                           "1.5e",
                           "0x1",
                           "NaN",
                           "Infinity",
                           "18446744073709551615",
                           "18446744073709551616",
                           "9223372036854775808",
                           "-9223372036854775808",
                           "-9223372036854775809",
                           "-1",
                           "1.25",
                           "-0.0",
                           "123456789012345678901234567890",
                           "\"eight by\\\"tes\"",
                           "\"1234567\"",
                           "\"12345678\"",
                           "\"1234567\x1f\"",
                           "\"1234567\xc3\xa9 and so on\"",
                           "\"\\b\\f\\n\\r\\t\\/\\\\\\u0041\\uD83D\\uDE00\"",
                           "/**/1",
                           "[1]//",
                           "\xEF\xBB\xBF[]",
                           "{\"a\":1,\"a\":2}",
                           "{\"a\":1,\"\\u0061\":2}",
                           "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}",
                           "{\"\\n\":1,\"\\u000a\":2}",
                           "{\"\\/\":1,\"/\":2}",
                           "{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
                           "[{\"a\":1},{\"a\":1}]",
                           "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"a\":1}"}) {
    ExpectTheSame(text);
  }
  const std::string digits(400, '9');
  for (const std::string& text : {digits, "0." + digits, "-" + digits, std::string("\"\0\"", 3)}) {
    ExpectTheSame(text);
  }
}

TEST(CompactJsonTest, BoundsDepthAndNumberOfValues) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(CompactJson(nested(kMaxJsonDepth)).ok());
  EXPECT_FALSE(CompactJson(nested(kMaxJsonDepth + 1)).ok());
  EXPECT_FALSE(CompactJson(std::string(1'000'000, '[')).ok());
  EXPECT_TRUE(CompactJson("[[]]", 2).ok());
  EXPECT_FALSE(CompactJson("[[[]]]", 2).ok());
  std::string values = "[0";
  for (size_t i = 2; i < kMaxJsonValues; ++i) values += ",0";
  EXPECT_TRUE(CompactJson(values + "]").ok());
  EXPECT_FALSE(CompactJson(values + ",0]").ok());
}

TEST(CompactJsonTest, ManyNamesAreCheckedInTime) {
  std::string text = "{";
  for (int i = 0; i < 50'000; ++i) absl::StrAppend(&text, "\"name", i, "\":0,");
  EXPECT_TRUE(CompactJson(text + "\"last\":0}").ok());
  EXPECT_FALSE(CompactJson(text + "\"name7\":0}").ok());
}

TEST(CompactJsonTest, SaysWhatIsWrong) {
  EXPECT_EQ(CompactJson("[1,x]").status().message(), "not JSON in UTF-8, at byte 4");
  EXPECT_EQ(CompactJson(R"({"a":1,"a":1})").status().message(), "a member of an object is named twice");
}

}  // namespace
}  // namespace mcp_edge
