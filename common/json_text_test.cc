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

TEST(JsonTextTest, PlainIsAllThatNeedsNoLook) {
  for (int special = 0; special < 256; ++special) {
    const char c = static_cast<char>(special);
    const bool is_plain = special >= 0x20 && special < 0x80 && c != '"' && c != '\\';
    for (size_t at = 0; at < 20; ++at) {
      std::string text = "abcdefghijklmnopqrst";
      text[at] = c;
      EXPECT_EQ(PlainJsonLength(text), is_plain ? text.size() : at) << special;
      text.back() = '"';
      EXPECT_EQ(PlainJsonLength(text), is_plain || at == 19 ? 19 : at) << special;
    }
  }
  EXPECT_EQ(PlainJsonLength(""), 0);
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
