#include "auth_service/json/strict_json.h"

#include <string>

#include "gtest/gtest.h"

namespace auth_service {
namespace {

TEST(StrictJsonTest, ReadsAnObject) {
  const auto json = ParseJsonObject(R"( {"sub":"alice","n":[1,{"a":null}]} )");
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(StringMember(*json, "sub"), "alice");
}

TEST(StrictJsonTest, OnlyAnObjectWillDo) {
  for (const char* text : {"", " ", "[]", "\"a\"", "1", "null", "{", "{}x", "{} {}", "{'a':1}", "{\"a\":1,}", "nul"}) {
    EXPECT_FALSE(ParseJsonObject(text).has_value()) << text;
  }
}

TEST(StrictJsonTest, RefusesAByteOrderMark) {
  EXPECT_FALSE(ParseJsonObject("\xEF\xBB\xBF{}").has_value());
  EXPECT_FALSE(ParseJsonArray("\xEF\xBB\xBF[]").has_value());
  EXPECT_TRUE(ParseJsonObject("{\"\xEF\xBB\xBF\":1}").has_value());
}

TEST(StrictJsonTest, RefusesANameThatComesTwiceInOneObject) {
  EXPECT_FALSE(ParseJsonObject(R"({"sub":"alice","sub":"bob"})").has_value());
  EXPECT_FALSE(ParseJsonObject(R"({"sub":"alice","s\u0075b":"bob"})").has_value());
  EXPECT_FALSE(ParseJsonObject(R"({"a":[{"b":1,"b":1}]})").has_value());
  EXPECT_TRUE(ParseJsonObject(R"({"a":{"b":1},"b":{"b":1}})").has_value());
}

TEST(StrictJsonTest, RefusesWhatIsNotUtf8) {
  EXPECT_FALSE(ParseJsonObject("{\"a\":\"\xFF\"}").has_value());
  EXPECT_FALSE(ParseJsonObject(R"({"a":"\ud800"})").has_value());
}

TEST(StrictJsonTest, BoundsTheDepth) {
  const auto nested = [](int depth) {
    std::string text = "{\"a\":";
    for (int i = 1; i < depth; ++i) text += "[";
    for (int i = 1; i < depth; ++i) text += "]";
    return text + "}";
  };
  EXPECT_TRUE(ParseJsonObject(nested(2)).has_value());
  EXPECT_TRUE(ParseJsonObject(nested(kMaxJsonDepth)).has_value());
  EXPECT_FALSE(ParseJsonObject(nested(kMaxJsonDepth + 1)).has_value());
  EXPECT_FALSE(ParseJsonObject(nested(100'000)).has_value());
}

TEST(StrictJsonTest, CompactingTakesNothingButWhiteSpaceBetweenTokens) {
  EXPECT_EQ(CompactJson("{ \"z\" : 1.50e+1 ,\r\n\t\"a\" : \"x  \\\" y\\\\\" , \"big\":12345678901234567890123 }"),
            "{\"z\":1.50e+1,\"a\":\"x  \\\" y\\\\\",\"big\":12345678901234567890123}");
}

TEST(StrictJsonTest, AnArrayIsReadAsStrictly) {
  EXPECT_EQ(ParseJsonArray(R"([{"a":1},null])"), nlohmann::json::parse(R"([{"a":1},null])"));
  for (const char* text : {"", "{}", "null", "[1", "[1]]", R"([{"a":1,"a":2}])", "[\"\xFF\"]"}) {
    EXPECT_FALSE(ParseJsonArray(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseJsonArray(std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']')).has_value());
}

TEST(StrictJsonTest, AMemberThatIsNotAStringHasNoText) {
  const auto json = ParseJsonObject(R"({"a":1,"b":null,"c":""})");
  ASSERT_TRUE(json.has_value());
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_EQ(StringMember(*json, name), "") << name;
}

TEST(MergeJsonObjectsTest, WhatIsThereStaysAndTheRestIsAddedAsItIsWritten) {
  const auto merge = [](const char* base, const char* extra) {
    std::vector<std::string> added;
    std::string merged = MergeJsonObjects(base, extra, added);
    for (const std::string& name : added) merged += " " + name;
    return merged;
  };
  EXPECT_EQ(merge("{}", "{}"), "{}");
  EXPECT_EQ(merge(R"({"a":1})", "{}"), R"({"a":1})");
  EXPECT_EQ(merge("{}", R"({"a":1.50,"b":[{"c":"}"},2]})"), R"({"a":1.50,"b":[{"c":"}"},2]} a b)");
  EXPECT_EQ(merge(R"({"a":{"x":1},"b":2})", R"({"b":3,"x":4,"\u0061":5,"c\"":"\\"})"),
            R"({"a":{"x":1},"b":2,"x":4,"c\"":"\\"} x c")");
  EXPECT_EQ(merge(R"({"a":1})", R"({"\\":{"a":[",",{}]},"a":2,"z":null})"),
            R"({"a":1,"\\":{"a":[",",{}]},"z":null} \ z)");
}

}  // namespace
}  // namespace auth_service
