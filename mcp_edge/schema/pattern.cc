#include "mcp_edge/schema/pattern.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "re2/re2.h"

namespace mcp_edge {
namespace {

constexpr size_t kMaxPatternBytes = 4 << 10;
// Of a compiled pattern with all that it remembers while it is used.
constexpr int64_t kMaxPatternMemory = 1 << 20;

// What \s stands for in ECMA-262 (WhiteSpace and LineTerminator), and all else, as the inside of a character class.
constexpr char kSpace[] = R"(\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";
constexpr char kNoSpace[] =
    R"(\x00-\x08\x0e-\x1f!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e})"
    R"(\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff})";

// General categories by the names that RE2 does not know (Unicode, PropertyValueAliases).
constexpr struct {
  absl::string_view name;
  absl::string_view short_name;
} kCategories[] = {
    {"Letter", "L"},
    {"Cased_Letter", "LC"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
};

// Writes an ECMA-262 pattern in the syntax of RE2. What the two do not have in common is written out or refused:
// nothing reaches RE2 that means something else there.
class Translator {
 public:
  explicit Translator(absl::string_view text) : text_(text) {}

  absl::StatusOr<std::string> Translate() {
    while (at_ < text_.size() && problem_.empty()) TakeTerm();
    if (!problem_.empty()) return absl::InvalidArgumentError(problem_);
    return std::move(out_);
  }

 private:
  void Refuse(absl::string_view problem) {
    if (problem_.empty()) problem_ = std::string(problem);
  }

  bool TakeIf(absl::string_view token) {
    if (!absl::StartsWith(text_.substr(at_), token)) return false;
    at_ += token.size();
    return true;
  }

  void TakeTerm() {
    const char c = text_[at_];
    if (c == '\\') {
      ++at_;
      TakeEscape(/*in_class=*/false);
    } else if (c == '[') {
      ++at_;
      TakeClass();
    } else if (c == '(') {
      ++at_;
      TakeGroup();
    } else if (c == '.') {
      ++at_;
      out_ += R"([^\n\r\x{2028}\x{2029}])";
    } else if (c == '{') {
      TakeBraces();
    } else {
      ++at_;
      out_ += c;
    }
  }

  void TakeGroup() {
    if (TakeIf("?:")) {
      out_ += "(?:";
    } else if (absl::StartsWith(text_.substr(at_), "?<") && !absl::StartsWith(text_.substr(at_), "?<=") &&
               !absl::StartsWith(text_.substr(at_), "?<!")) {
      const size_t end = text_.find('>', at_);
      if (end == absl::string_view::npos) return Refuse("the name of a group has no end");
      at_ = end + 1;
      out_ += "(?:";
    } else if (TakeIf("?")) {
      Refuse("look-ahead, look-behind and flags in groups are not supported: they may take more than linear time");
    } else {
      out_ += "(";
    }
  }

  // A quantifier; or a brace that stands for itself, which ECMA-262 allows without its `u` flag.
  void TakeBraces() {
    const size_t end = text_.find('}', at_);
    const absl::string_view inside =
        end == absl::string_view::npos ? absl::string_view() : text_.substr(at_ + 1, end - at_ - 1);
    const bool quantifier = !inside.empty() && absl::ascii_isdigit(inside[0]) &&
                            inside.find_first_not_of("0123456789,") == absl::string_view::npos &&
                            std::count(inside.begin(), inside.end(), ',') <= 1;
    if (!quantifier) {
      ++at_;
      out_ += R"(\{)";
      return;
    }
    at_ = end + 1;
    absl::StrAppend(&out_, "{", inside, "}");
  }

  void TakeClass() {
    const bool negated = TakeIf("^");
    if (TakeIf("]")) {  // nothing, or everything
      out_ += negated ? R"([\x00-\x{10ffff}])" : R"([^\x00-\x{10ffff}])";
      return;
    }
    out_ += negated ? "[^" : "[";
    while (at_ < text_.size() && problem_.empty()) {
      const char c = text_[at_++];
      if (c == ']') {
        out_ += ']';
        return;
      }
      if (c == '\\') {
        TakeEscape(/*in_class=*/true);
      } else if (c == '[' || c == '^' || c == '&' || c == '~') {
        out_ += '\\';
        out_ += c;
      } else {
        out_ += c;
      }
    }
    Refuse("a character class has no end");
  }

  std::optional<uint32_t> TakeHex(size_t digits) {
    const absl::string_view text = text_.substr(at_, digits);
    uint32_t value = 0;
    if (text.size() < digits || text.empty() || text.size() > 6 ||
        !std::all_of(text.begin(), text.end(), absl::ascii_isxdigit) || !absl::SimpleHexAtoi(text, &value)) {
      return std::nullopt;
    }
    at_ += digits;
    return value;
  }

  void PutCodePoint(std::optional<uint32_t> code_point) {
    if (!code_point.has_value() || *code_point > 0x10ffff) return Refuse("an escape names no code point");
    if (*code_point >= 0xd800 && *code_point < 0xe000) {
      return Refuse("an escape names half of a surrogate pair, which no string can hold");
    }
    absl::StrAppendFormat(&out_, "\\x{%x}", *code_point);
  }

  // After \u.
  void TakeUnicodeEscape() {
    if (TakeIf("{")) {
      const size_t end = text_.find('}', at_);
      const auto code_point = end == absl::string_view::npos ? std::nullopt : TakeHex(end - at_);
      if (code_point.has_value()) ++at_;
      return PutCodePoint(code_point);
    }
    std::optional<uint32_t> code_point = TakeHex(4);
    if (code_point.has_value() && *code_point >= 0xd800 && *code_point < 0xdc00 && TakeIf("\\u")) {
      const std::optional<uint32_t> low = TakeHex(4);
      const bool pair = low.has_value() && *low >= 0xdc00 && *low < 0xe000;
      code_point =
          pair ? std::optional<uint32_t>(0x10000 + ((*code_point - 0xd800) << 10) + (*low - 0xdc00)) : std::nullopt;
    }
    PutCodePoint(code_point);
  }

  // After \p or \P.
  void TakeProperty(bool negated, bool in_class) {
    const size_t end = text_.find('}', at_);
    if (!TakeIf("{") || end == absl::string_view::npos) return Refuse("\\p needs a property in braces");
    absl::string_view name = text_.substr(at_, end - at_);
    at_ = end + 1;
    for (const absl::string_view property : {"General_Category=", "gc=", "Script=", "sc="}) {
      if (absl::ConsumePrefix(&name, property)) break;
    }
    const auto* const category = std::find_if(std::begin(kCategories), std::end(kCategories),
                                              [name](const auto& row) { return row.name == name; });
    if (category != std::end(kCategories)) name = category->short_name;
    if (name.empty() ||
        !std::all_of(name.begin(), name.end(), [](char c) { return absl::ascii_isalpha(c) || c == '_'; })) {
      return Refuse("\\p names no general category and no script");
    }
    // An unknown name is for RE2 to refuse.
    if (name == "LC") {
      if (in_class && negated) return Refuse("\\P of cased letters is not supported in a character class");
      absl::StrAppend(&out_, in_class ? "" : negated ? "[^" : "[", R"(\p{Lu}\p{Ll}\p{Lt})", in_class ? "" : "]");
    } else {
      absl::StrAppend(&out_, negated ? "\\P{" : "\\p{", name, "}");
    }
  }

  // After the backslash.
  void TakeEscape(bool in_class) {
    if (at_ >= text_.size()) return Refuse("ends in a backslash");
    const char c = text_[at_++];
    switch (c) {
      case 'd':
      case 'D':
      case 'w':
      case 'W':
      case 't':
      case 'n':
      case 'v':
      case 'f':
      case 'r':
        out_ += '\\';
        out_ += c;
        return;
      case 's':
        absl::StrAppend(&out_, in_class ? "" : "[", kSpace, in_class ? "" : "]");
        return;
      case 'S':
        absl::StrAppend(&out_, in_class ? "" : "[", kNoSpace, in_class ? "" : "]");
        return;
      case 'b':
        out_ += in_class ? R"(\x08)" : R"(\b)";
        return;
      case 'B':
        if (in_class) return Refuse("\\B has no meaning in a character class");
        out_ += R"(\B)";
        return;
      case 'c':
        if (at_ >= text_.size() || !absl::ascii_isalpha(text_[at_])) return Refuse("\\c needs a letter");
        return PutCodePoint(text_[at_++] % 32);
      case 'x':
        return PutCodePoint(TakeHex(2));
      case 'u':
        return TakeUnicodeEscape();
      case 'p':
      case 'P':
        return TakeProperty(c == 'P', in_class);
      case '0':
        if (at_ < text_.size() && absl::ascii_isdigit(text_[at_])) return Refuse("octal escapes are not supported");
        return PutCodePoint(0);
      default:
        break;
    }
    if (absl::ascii_isdigit(c) || c == 'k') {
      return Refuse("references to groups are not supported: they may take more than linear time");
    }
    if (!absl::ascii_ispunct(c)) return Refuse(absl::StrCat("\\", absl::string_view(&c, 1), " is no escape"));
    out_ += '\\';
    out_ += c;
  }

  const absl::string_view text_;
  size_t at_ = 0;
  std::string out_;
  std::string problem_;
};

class Re2Pattern final : public Pattern {
 public:
  Re2Pattern(const std::string& re2, const RE2::Options& options) : re2_(re2, options) {}

  const RE2& re2() const { return re2_; }
  bool Finds(absl::string_view text) const override {
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), re2_);
  }
  size_t size() const override { return static_cast<size_t>(std::max(re2_.ProgramSize(), 1)); }

 private:
  const RE2 re2_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Pattern>> Pattern::Compile(absl::string_view ecmascript) {
  if (ecmascript.size() > kMaxPatternBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("may have at most ", kMaxPatternBytes, " bytes, has ", ecmascript.size()));
  }
  const absl::StatusOr<std::string> re2 = Translator(ecmascript).Translate();
  if (!re2.ok()) return re2.status();
  RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(kMaxPatternMemory);
  auto pattern = std::make_shared<Re2Pattern>(*re2, options);
  if (!pattern->re2().ok()) return absl::InvalidArgumentError(pattern->re2().error());
  return pattern;
}

}  // namespace mcp_edge
