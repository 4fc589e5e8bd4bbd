#include "common/json_text.h"

#include <string>

#include "gtest/gtest.h"

namespace common {
namespace {

std::string Escaped(absl::string_view text) {
  std::string out;
  AppendJsonEscaped(text, out);
  return out;
}

TEST(JsonTextTest, EscapesWhatJsonRequires) { EXPECT_EQ(Escaped("a\"b\\c\nd\x01"), "a\\\"b\\\\c\\nd\\u0001"); }

TEST(JsonTextTest, KeepsValidUtf8AndReplacesTheRest) {
  EXPECT_EQ(Escaped("é€😀"), "é€😀");
  EXPECT_EQ(Escaped("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(Escaped("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate is not UTF-8
  EXPECT_EQ(Escaped("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // cut short
}

TEST(JsonTextTest, CutsBetweenCharacters) {
  EXPECT_EQ(CutUtf8("abc", 3), "abc");
  EXPECT_EQ(CutUtf8("abc", 2), "ab");
  EXPECT_EQ(CutUtf8("a€b", 4), "a€");
  EXPECT_EQ(CutUtf8("a€b", 3), "a");
  EXPECT_EQ(CutUtf8("a€b", 2), "a");
  EXPECT_EQ(CutUtf8("😀", 3), "");
  EXPECT_EQ(CutUtf8("", 0), "");
}

}  // namespace
}  // namespace common
