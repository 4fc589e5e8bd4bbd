// The grammar of JSON, once for all who read it: what they make of a text is up to them.

#ifndef GATEHOUSE_MCP_EDGE_JSONRPC_JSON_SCANNER_H_
#define GATEHOUSE_MCP_EDGE_JSONRPC_JSON_SCANNER_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/json_text.h"

namespace mcp_edge {

// How deep arrays and objects may be nested in what a client or a tool service sends.
inline constexpr size_t kMaxJsonDepth = 64;
// How many values (arrays and objects included) it may hold: each takes many times its text in memory.
inline constexpr size_t kMaxJsonValues = 100'000;

// The text that `inside`, of a JSON string that a scanner accepted, stands for.
std::string UnescapeJson(absl::string_view inside);

// Reads one JSON text (RFC 8259) in UTF-8 from its begin to its end, and tells `Handler` of each token in order:
//
//   void Space(size_t begin, size_t end);      white space, as offsets in the text
//   void Open(bool is_object);
//   bool Name(absl::string_view inside, bool has_escapes);   false: the object has a member of that name already
//   bool Close();                                            false: two of its members have the same name
//   void String(absl::string_view inside, bool has_escapes);
//   void Number(absl::string_view text, bool is_integer);    an integer has neither fraction nor exponent
//   void Bool(bool value);
//   void Null();
//
// `inside` is what stands between the quotation marks. Iterative, so that depth costs no stack.
template <typename Handler>
class JsonScanner {
 public:
  JsonScanner(absl::string_view text, size_t max_depth, Handler& handler)
      : text_(text), max_depth_(max_depth), handler_(handler) {}

  // Errors: kInvalidArgument, the text is not JSON or not UTF-8, is nested deeper than `max_depth`, has more than
  // kMaxJsonValues values, names a member of an object twice, or holds a number beyond the range of a double. What the
  // handler was told before counts for nothing then.
  absl::Status Scan() {
    if (!Value()) return Problem();
    SkipSpace();
    if (at_ != text_.size()) return NotJson();
    return absl::OkStatus();
  }

 private:
  // A number with fewer digits and no exponent is within the range of a double.
  static constexpr size_t kSafeDigits = 300;

  static bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }

  absl::Status Problem() const { return problem_.ok() ? NotJson() : problem_; }
  absl::Status NotJson() const {
    return absl::InvalidArgumentError(absl::StrCat("not JSON in UTF-8, at byte ", at_ + 1));
  }
  bool Fail(absl::string_view problem) {
    problem_ = absl::InvalidArgumentError(problem);
    return false;
  }
  bool FailNamedTwice() { return Fail("a member of an object is named twice"); }

  bool Has(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool Take(char c) {
    if (!Has(c)) return false;
    ++at_;
    return true;
  }

  void SkipSpace() {
    if (at_ >= text_.size() || !IsSpace(text_[at_])) return;
    const size_t begin = at_;
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    handler_.Space(begin, at_);
  }

  // One value with all that is in it.
  bool Value() {
    while (true) {
      SkipSpace();
      if (!BeginValue()) return false;
      // A container that was opened goes on with its first value, unless it is empty; what has ended goes on with what
      // follows in the container around it, which may end with it.
      while (!expects_value_) {
        if (open_.empty()) return true;
        SkipSpace();
        if (!Take(',')) {
          if (!Close()) return false;
          continue;
        }
        SkipSpace();
        if (open_.back() && !Name()) return false;
        expects_value_ = true;
      }
    }
  }

  // A scalar, or the begin of a container up to where its first value stands.
  bool BeginValue() {
    if (++values_ > kMaxJsonValues) return Fail(absl::StrCat("has more than ", kMaxJsonValues, " values"));
    expects_value_ = false;
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '{':
      case '[':
        return BeginContainer();
      case '"': {
        absl::string_view inside;
        bool has_escapes = false;
        if (!String(inside, has_escapes)) return false;
        handler_.String(inside, has_escapes);
        return true;
      }
      case 't':
        if (!Word("true")) return false;
        handler_.Bool(true);
        return true;
      case 'f':
        if (!Word("false")) return false;
        handler_.Bool(false);
        return true;
      case 'n':
        if (!Word("null")) return false;
        handler_.Null();
        return true;
      default:
        return Number();
    }
  }

  bool BeginContainer() {
    if (open_.size() >= max_depth_) return Fail(absl::StrCat("nested deeper than ", max_depth_, " levels"));
    const bool is_object = Has('{');
    open_.push_back(is_object);
    ++at_;
    handler_.Open(is_object);
    SkipSpace();
    if (Has(is_object ? '}' : ']')) return Close();
    if (is_object && !Name()) return false;
    expects_value_ = true;
    return true;
  }

  bool Close() {
    if (!Take(open_.back() ? '}' : ']')) return false;
    open_.pop_back();
    return handler_.Close() || FailNamedTwice();
  }

  // The name of a member, and the colon after it.
  bool Name() {
    absl::string_view inside;
    bool has_escapes = false;
    if (!Has('"') || !String(inside, has_escapes)) return false;
    if (!handler_.Name(inside, has_escapes)) return FailNamedTwice();
    SkipSpace();
    return Take(':');
  }

  bool String(absl::string_view& inside, bool& has_escapes) {
    const size_t begin = ++at_;
    bool is_ascii = true;
    while (true) {
      at_ += common::PlainJsonLength(text_.substr(at_));
      if (at_ >= text_.size()) return false;
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        inside = text_.substr(begin, at_ - begin);
        if (!is_ascii && !common::IsUtf8(inside)) return false;
        ++at_;
        return true;
      }
      if (c < 0x20) return false;
      if (c == '\\') {
        has_escapes = true;
        if (!Escape()) return false;
      } else {
        is_ascii = false;
        ++at_;
      }
    }
  }

  // An escape sequence, a pair of surrogates included (RFC 8259, section 7).
  bool Escape() {
    if (++at_ >= text_.size()) return false;
    if (text_[at_] != 'u') return absl::string_view("\"\\/bfnrt").find(text_[at_++]) != absl::string_view::npos;
    uint32_t unit = 0;
    if (!Hex(unit)) return false;
    if (unit >= 0xDC00 && unit <= 0xDFFF) return false;
    if (unit < 0xD800 || unit > 0xDBFF) return true;
    if (!Take('\\') || !Has('u')) return false;
    return Hex(unit) && unit >= 0xDC00 && unit <= 0xDFFF;
  }

  // "uXXXX" at the place.
  bool Hex(uint32_t& unit) {
    ++at_;
    unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ >= text_.size()) return false;
      const char c = text_[at_];
      if (IsDigit(c)) {
        unit = unit * 16 + static_cast<uint32_t>(c - '0');
      } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
        unit = unit * 16 + static_cast<uint32_t>((c | 0x20) - 'a' + 10);
      } else {
        return false;
      }
    }
    return true;
  }

  bool Word(absl::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool Number() {
    const size_t begin = at_;
    bool is_integer = true;
    bool has_exponent = false;
    Take('-');
    if (!Take('0') && !Digits()) return false;
    if (Take('.')) {
      is_integer = false;
      if (!Digits()) return false;
    }
    if (Has('e') || Has('E')) {
      is_integer = false;
      has_exponent = true;
      ++at_;
      if (Has('+') || Has('-')) ++at_;
      if (!Digits()) return false;
    }
    const absl::string_view number = text_.substr(begin, at_ - begin);
    if ((has_exponent || number.size() >= kSafeDigits) &&
        !std::isfinite(std::strtod(std::string(number).c_str(), nullptr))) {
      return false;
    }
    handler_.Number(number, is_integer);
    return true;
  }

  // At least one.
  bool Digits() {
    const size_t begin = at_;
    while (at_ < text_.size() && IsDigit(text_[at_])) ++at_;
    return at_ > begin;
  }

  const absl::string_view text_;
  const size_t max_depth_;
  Handler& handler_;
  size_t at_ = 0;
  size_t values_ = 0;
  bool expects_value_ = false;
  absl::InlinedVector<bool, 64> open_;  // whether the containers around the place where we are are objects
  absl::Status problem_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_JSONRPC_JSON_SCANNER_H_
