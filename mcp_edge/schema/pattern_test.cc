#include "mcp_edge/schema/pattern.h"

#include <string>

#include "absl/time/time.h"
#include "common/testing/cpu_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using ::testing::HasSubstr;

bool Finds(absl::string_view pattern, absl::string_view text) {
  const auto compiled = Pattern::Compile(pattern);
  EXPECT_TRUE(compiled.ok()) << pattern << ": " << compiled.status();
  return compiled.ok() && (*compiled)->Finds(text);
}

std::string Refusal(absl::string_view pattern) { return std::string(Pattern::Compile(pattern).status().message()); }

TEST(PatternTest, MeansWhatEcmaScriptMeans) {
  EXPECT_TRUE(Finds("b", "abc"));
  EXPECT_FALSE(Finds("^b", "abc"));
  EXPECT_FALSE(Finds("^abc$", "abc\n"));
  EXPECT_FALSE(Finds("a.c",
                     "a\xE2\x80\xA8"
                     "c"));  // U+2028
  EXPECT_TRUE(Finds("^a.c$",
                    "a\xF0\x9F\x90\xB2"
                    "c"));  // one code point
  EXPECT_TRUE(Finds(R"(^\cC\x41\u0042\u{43}\uD83D\uDC32$)",
                    "\x03"
                    "ABC\xF0\x9F\x90\xB2"));
  EXPECT_TRUE(Finds(R"(^[\s]\S[^\S]$)", "\xC2\xA0x\xEF\xBB\xBF"));
  EXPECT_TRUE(Finds(R"(^[\b\-/[:alpha:]+$)", "\x08-/[:ahlp"));
  EXPECT_TRUE(Finds(R"(^(?<year>\d{4})-(?:0|1)\d$)", "2026-11"));
  EXPECT_TRUE(Finds(R"(^\p{Letter}\p{Script=Greek}\P{Lu}\p{gc=Decimal_Number}$)", "\xC3\xA9\xCE\xB1x1"));
  EXPECT_TRUE(Finds(R"(^\p{LC}[\p{LC}\d]+\P{LC}[^\p{LC}]$)", "aB1--"));
  EXPECT_FALSE(Finds(R"([\p{Cased_Letter}])", "1]"));
  EXPECT_TRUE(Finds("^{a}$", "{a}"));
  EXPECT_TRUE(Finds("^[^]$", "\n"));
  EXPECT_FALSE(Finds("[]", "x"));
  EXPECT_TRUE(Finds("", ""));
}

TEST(PatternTest, SaysWhatIsNotSupported) {
  EXPECT_THAT(Refusal("(?=a)"), HasSubstr("linear time"));
  EXPECT_THAT(Refusal("(?<!a)b"), HasSubstr("linear time"));
  EXPECT_THAT(Refusal("(?i)a"), HasSubstr("flags"));
  EXPECT_THAT(Refusal("(?P<x>a)"), HasSubstr("flags"));
  EXPECT_THAT(Refusal(R"((a)\1)"), HasSubstr("references to groups"));
  EXPECT_THAT(Refusal(R"(\a)"), HasSubstr("no escape"));
  EXPECT_THAT(Refusal(R"(\Qa\E)"), HasSubstr("no escape"));
  EXPECT_THAT(Refusal(R"(\ud800)"), HasSubstr("surrogate"));
  EXPECT_THAT(Refusal(R"(\u{110000})"), HasSubstr("code point"));
  EXPECT_THAT(Refusal(R"(\xg0)"), HasSubstr("code point"));
  EXPECT_THAT(Refusal(R"(\)"), HasSubstr("backslash"));
  EXPECT_THAT(Refusal("(a"), HasSubstr("missing"));
  EXPECT_THAT(Refusal("[a"), HasSubstr("no end"));
  EXPECT_THAT(Refusal("a**"), HasSubstr("repetition"));
  EXPECT_THAT(Refusal("a{1001}"), HasSubstr("repetition"));
  EXPECT_THAT(Refusal(R"([\P{LC}])"), HasSubstr("in a character class"));
  EXPECT_NE(Refusal(R"(\p{Emoji})"), "");
  EXPECT_NE(Refusal(R"(\p{L)"), "");
  EXPECT_THAT(Refusal(std::string(5000, 'a')), HasSubstr("4096"));
  EXPECT_THAT(Refusal(R"((\p{L}{500}\p{L}{500}){1}|\p{L}{1000}|\P{Lu}{1000})"), HasSubstr("too large"));
}

TEST(PatternTest, NoTextMakesItSlow) {
  const auto pattern = *Pattern::Compile("^(a+)+$|(x+x+)+y");
  const std::string text = std::string(100'000, 'a') + "!" + std::string(100'000, 'x');
  const absl::Duration start = common::ProcessCpuTime();
  EXPECT_FALSE(pattern->Finds(text));
  EXPECT_LT(common::ProcessCpuTime() - start, absl::Seconds(1));
}

}  // namespace
}  // namespace mcp_edge
