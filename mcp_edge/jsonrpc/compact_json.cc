#include "mcp_edge/jsonrpc/compact_json.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"

namespace mcp_edge {
namespace {

// A number with fewer digits and no exponent is within the range of a double.
constexpr size_t kSafeDigits = 300;
// Up to that many names of an object are compared with one another as they stand; more are sorted first.
constexpr size_t kFewNames = 8;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendUtf8(uint32_t code_point, std::string& out) {
  const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) {
    add(code_point);
  } else if (code_point < 0x800) {
    add(0xC0 | (code_point >> 6));
    add(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    add(0xE0 | (code_point >> 12));
    add(0x80 | ((code_point >> 6) & 0x3F));
    add(0x80 | (code_point & 0x3F));
  } else {
    add(0xF0 | (code_point >> 18));
    add(0x80 | ((code_point >> 12) & 0x3F));
    add(0x80 | ((code_point >> 6) & 0x3F));
    add(0x80 | (code_point & 0x3F));
  }
}

// Reads the text from its begin to its end. Iterative, so that depth costs no stack.
class Scanner {
 public:
  Scanner(absl::string_view text, size_t max_depth, std::string& out) : text_(text), max_depth_(max_depth), out_(out) {}

  absl::Status Scan() {
    if (!Value()) return Problem();
    SkipSpace();
    if (at_ != text_.size()) return NotJson();
    Flush();
    return absl::OkStatus();
  }

 private:
  // A container that is open.
  struct Open {
    bool is_object;
    // Where its names begin in names_.
    size_t names;
  };

  absl::Status Problem() const { return problem_.ok() ? NotJson() : problem_; }
  absl::Status NotJson() const {
    return absl::InvalidArgumentError(absl::StrCat("not JSON in UTF-8, at byte ", at_ + 1));
  }
  bool Fail(absl::string_view problem) {
    problem_ = absl::InvalidArgumentError(problem);
    return false;
  }

  bool Has(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool Take(char c) {
    if (!Has(c)) return false;
    ++at_;
    return true;
  }

  // Copies what has been read since the last time.
  void Flush() {
    out_.append(text_.data() + copied_, at_ - copied_);
    copied_ = at_;
  }

  void SkipSpace() {
    if (at_ >= text_.size() || !IsSpace(text_[at_])) return;
    Flush();
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    copied_ = at_;
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
        if (open_.back().is_object && !Name()) return false;
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
      case '"':
        return String(nullptr);
      case 't':
        return Word("true");
      case 'f':
        return Word("false");
      case 'n':
        return Word("null");
      default:
        return Number();
    }
  }

  bool BeginContainer() {
    if (open_.size() >= max_depth_) return Fail(absl::StrCat("nested deeper than ", max_depth_, " levels"));
    open_.push_back({Has('{'), names_.size()});
    ++at_;
    SkipSpace();
    if (Has(open_.back().is_object ? '}' : ']')) return Close();
    if (open_.back().is_object && !Name()) return false;
    expects_value_ = true;
    return true;
  }

  bool Close() {
    if (!Take(open_.back().is_object ? '}' : ']')) return false;
    const auto begin = names_.begin() + static_cast<ptrdiff_t>(open_.back().names);
    if (!AreUnique(begin, names_.end())) return Fail("a member of an object is named twice");
    names_.erase(begin, names_.end());
    open_.pop_back();
    return true;
  }

  using NameIterator = std::vector<absl::string_view>::iterator;
  static bool AreUnique(NameIterator begin, NameIterator end) {
    if (static_cast<size_t>(end - begin) > kFewNames) {
      std::sort(begin, end);
      return std::adjacent_find(begin, end) == end;
    }
    for (; begin != end; ++begin) {
      if (std::find(begin + 1, end, *begin) != end) return false;
    }
    return true;
  }

  // The name of a member, and the colon after it.
  bool Name() {
    absl::string_view name;
    if (!Has('"') || !String(&name)) return false;
    names_.push_back(name);
    SkipSpace();
    return Take(':');
  }

  // `value`: gets what is between the quotation marks, without escapes.
  bool String(absl::string_view* value) {
    const size_t begin = ++at_;
    bool is_ascii = true;
    bool has_escapes = false;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        const absl::string_view inside = text_.substr(begin, at_ - begin);
        if (!is_ascii && !common::IsUtf8(inside)) return false;
        ++at_;
        if (value != nullptr) *value = has_escapes ? Unescaped(inside) : inside;
        return true;
      }
      if (c < 0x20) return false;
      if (c == '\\') {
        has_escapes = true;
        if (!Escape()) return false;
        continue;
      }
      if (c >= 0x80) is_ascii = false;
      ++at_;
    }
    return false;
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

  // `inside`: of a string that is known to be good.
  absl::string_view Unescaped(absl::string_view inside) {
    std::string plain;
    const auto hex = [&](size_t at) {
      return static_cast<uint32_t>(std::strtoul(std::string(inside.substr(at, 4)).c_str(), nullptr, 16));
    };
    for (size_t i = 0; i < inside.size(); ++i) {
      if (inside[i] != '\\') {
        plain += inside[i];
        continue;
      }
      const char c = inside[++i];
      if (c != 'u') {
        constexpr absl::string_view kEscapes = "bfnrt";
        const size_t which = kEscapes.find(c);
        plain += which == absl::string_view::npos ? c : "\b\f\n\r\t"[which];
        continue;
      }
      uint32_t code_point = hex(i + 1);
      i += 4;
      if (code_point >= 0xD800 && code_point <= 0xDBFF) {
        code_point = 0x10000 + ((code_point - 0xD800) << 10) + (hex(i + 3) - 0xDC00);
        i += 6;
      }
      AppendUtf8(code_point, plain);
    }
    unescaped_.push_back(std::move(plain));
    return unescaped_.back();
  }

  bool Word(absl::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool Number() {
    const size_t begin = at_;
    Take('-');
    if (!Take('0') && !Digits()) return false;
    if (Take('.') && !Digits()) return false;
    bool has_exponent = false;
    if (Has('e') || Has('E')) {
      has_exponent = true;
      ++at_;
      if (Has('+') || Has('-')) ++at_;
      if (!Digits()) return false;
    }
    if (!has_exponent && at_ - begin < kSafeDigits) return true;
    return std::isfinite(std::strtod(std::string(text_.substr(begin, at_ - begin)).c_str(), nullptr));
  }

  // At least one.
  bool Digits() {
    const size_t begin = at_;
    while (at_ < text_.size() && IsDigit(text_[at_])) ++at_;
    return at_ > begin;
  }

  const absl::string_view text_;
  const size_t max_depth_;
  std::string& out_;
  size_t at_ = 0;
  size_t copied_ = 0;  // up to there the text has been copied, or left out
  size_t values_ = 0;
  bool expects_value_ = false;
  std::vector<Open> open_;
  std::vector<absl::string_view> names_;  // of the members of all open objects
  std::deque<std::string> unescaped_;     // that names_ points into
  absl::Status problem_;
};

}  // namespace

absl::Status AppendCompactJson(absl::string_view text, std::string& out, size_t max_depth) {
  return Scanner(text, max_depth, out).Scan();
}

absl::StatusOr<std::string> CompactJson(absl::string_view text, size_t max_depth) {
  std::string compact;
  compact.reserve(text.size());
  const absl::Status status = AppendCompactJson(text, compact, max_depth);
  if (!status.ok()) return status;
  return compact;
}

}  // namespace mcp_edge
