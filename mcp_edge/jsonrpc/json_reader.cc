#include "mcp_edge/jsonrpc/json_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "common/json_text.h"
#include "mcp_edge/jsonrpc/json_scanner.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

// Builds the document token by token.
class Builder {
 public:
  void Space(size_t, size_t) {}
  void Null() { *Place() = nullptr; }
  void Bool(bool value) { *Place() = value; }

  void Open(bool is_object) {
    json* const place = Place();
    *place = is_object ? json::object() : json::array();
    open_.push_back(place);
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  bool Name(absl::string_view inside, bool has_escapes) {
    const auto [member, is_new] =
        open_.back()->get_ref<json::object_t&>().try_emplace(Text(inside, has_escapes), nullptr);
    member_ = &member->second;
    return is_new;
  }

  void String(absl::string_view inside, bool has_escapes) { *Place() = Text(inside, has_escapes); }

  void Number(absl::string_view text, bool is_integer) {
    const bool is_negative = text.front() == '-';
    if (is_integer) {
      uint64_t natural = 0;
      int64_t integer = 0;
      if (!is_negative && absl::SimpleAtoi(text, &natural)) {
        *Place() = natural;
        return;
      }
      if (is_negative && absl::SimpleAtoi(text, &integer)) {
        *Place() = integer;
        return;
      }
    }
    *Place() = std::strtod(std::string(text).c_str(), nullptr);
  }

  json TakeDocument() { return std::move(document_); }

 private:
  static std::string Text(absl::string_view inside, bool has_escapes) {
    return has_escapes ? UnescapeJson(inside) : std::string(inside);
  }

  // Of the next value.
  json* Place() {
    if (open_.empty()) return &document_;
    if (!open_.back()->is_array()) return member_;
    return &open_.back()->get_ref<json::array_t&>().emplace_back();
  }

  json document_;
  // The containers around the place where we are; an array grows only at its innermost end.
  absl::InlinedVector<json*, 16> open_;
  json* member_ = nullptr;
};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// A reader of text that is known to be JSON.
class Cursor {
 public:
  explicit Cursor(absl::string_view text) : text_(text) {}

  bool TakeIf(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  absl::string_view TakeValue() {
    SkipSpace();
    const size_t begin = at_;
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        SkipString();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        if (depth == 0) break;
        --depth;
        ++at_;
      } else if (depth == 0 && (c == ',' || c == ':' || IsSpace(c))) {
        break;
      } else {
        ++at_;
        continue;
      }
      if (depth == 0) break;
    }
    return text_.substr(begin, at_ - begin);
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  }

  void SkipString() {
    ++at_;
    while (true) {
      at_ += common::PlainJsonLength(text_.substr(at_));
      if (at_ >= text_.size()) return;
      if (text_[at_] == '"') {
        ++at_;
        return;
      }
      at_ = std::min(at_ + (text_[at_] == '\\' ? 2 : 1), text_.size());
    }
  }

  absl::string_view text_;
  size_t at_ = 0;
};

// The text of a string that is known to be one, with its quotation marks; `text` is for what must be unescaped.
absl::string_view Unquoted(absl::string_view quoted, std::string& text) {
  const absl::string_view inside = quoted.substr(1, quoted.size() - 2);
  if (inside.find('\\') == absl::string_view::npos) return inside;
  text = UnescapeJson(inside);
  return text;
}

// Calls `visit` with the key and the text of each member, until it returns false.
template <typename Visit>
void VisitMembers(absl::string_view object_text, Visit visit) {
  Cursor cursor(object_text);
  if (!cursor.TakeIf('{')) return;
  std::string unescaped;
  do {
    const absl::string_view name = cursor.TakeValue();
    if (name.size() < 2 || name.front() != '"' || !cursor.TakeIf(':')) return;
    const absl::string_view value = cursor.TakeValue();
    if (!visit(Unquoted(name, unescaped), value)) return;
  } while (cursor.TakeIf(','));
}

}  // namespace

absl::StatusOr<json> ReadJson(absl::string_view text, size_t max_depth) {
  Builder builder;
  if (const absl::Status status = JsonScanner<Builder>(text, max_depth, builder).Scan(); !status.ok()) {
    // What clients may not see in their texts has words of its own.
    if (text.find('\0') != absl::string_view::npos) return absl::InvalidArgumentError("has a zero byte");
    if (absl::StartsWith(text, "\xEF\xBB\xBF")) return absl::InvalidArgumentError("begins with a byte order mark");
    return status;
  }
  return builder.TakeDocument();
}

const json* FindMember(const json& object, absl::string_view key) {
  const auto found = object.find(std::string_view(key.data(), key.size()));
  return found == object.end() ? nullptr : &*found;
}

absl::string_view RawMember(absl::string_view object_text, absl::string_view key) {
  absl::string_view found;
  VisitMembers(object_text, [&](absl::string_view name, absl::string_view value) {
    const bool is_it = name == key;
    if (is_it) found = value;
    return !is_it;
  });
  return found;
}

std::vector<std::pair<std::string, absl::string_view>> RawMembers(absl::string_view object_text) {
  std::vector<std::pair<std::string, absl::string_view>> members;
  VisitMembers(object_text, [&](absl::string_view name, absl::string_view value) {
    members.emplace_back(name, value);
    return true;
  });
  return members;
}

std::vector<absl::string_view> RawElements(absl::string_view array_text) {
  std::vector<absl::string_view> elements;
  Cursor cursor(array_text);
  if (!cursor.TakeIf('[')) return elements;
  do {
    const absl::string_view element = cursor.TakeValue();
    if (!element.empty()) elements.push_back(element);
  } while (cursor.TakeIf(','));
  return elements;
}

}  // namespace mcp_edge
