#include "mcp_edge/jsonrpc/json_reader.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

// Builds the document event by event. Iterative, so that depth costs no stack.
class Builder final : public nlohmann::json_sax<json> {
 public:
  explicit Builder(size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return Fail("binary values are not JSON"); }
  bool start_object(std::size_t) override { return Open(json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(json::array()); }
  bool end_array() override { return Close(); }

  bool key(string_t& key) override {
    const auto [member, is_new] = open_.back()->get_ref<json::object_t&>().emplace(std::move(key), nullptr);
    if (!is_new) return Fail("a member of an object is named twice");
    member_ = &member->second;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return Fail(absl::StrCat("not JSON in UTF-8, at byte ", position));
  }

  const std::string& problem() const { return problem_; }
  json TakeDocument() { return std::move(document_); }

 private:
  bool Fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }

  template <typename T>
  bool Add(T&& value) {
    return Place(std::forward<T>(value)) != nullptr;
  }

  // Null when there are too many values.
  template <typename T>
  json* Place(T&& value) {
    if (++values_ > kMaxJsonValues) {
      Fail(absl::StrCat("has more than ", kMaxJsonValues, " values"));
      return nullptr;
    }
    if (open_.empty()) {
      document_ = std::forward<T>(value);
      return &document_;
    }
    if (open_.back()->is_array()) {
      auto& array = open_.back()->get_ref<json::array_t&>();
      array.emplace_back(std::forward<T>(value));
      return &array.back();
    }
    *member_ = std::forward<T>(value);
    return member_;
  }

  bool Open(json container) {
    if (open_.size() >= max_depth_) return Fail(absl::StrCat("nested deeper than ", max_depth_, " levels"));
    json* const place = Place(std::move(container));
    if (place == nullptr) return false;
    open_.push_back(place);
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  const size_t max_depth_;
  json document_;
  std::vector<json*> open_;  // the containers around the place where we are; an array grows only at its innermost end
  json* member_ = nullptr;
  size_t values_ = 0;
  std::string problem_;
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
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return;
      }
    }
  }

  absl::string_view text_;
  size_t at_ = 0;
};

// The text of a string that is known to be one, with its quotation marks; `text` is for what must be unescaped.
absl::string_view Unquoted(absl::string_view quoted, std::string& text) {
  const absl::string_view inside = quoted.substr(1, quoted.size() - 2);
  if (inside.find('\\') == absl::string_view::npos) return inside;
  const json unescaped = json::parse(quoted.begin(), quoted.end(), nullptr, /*allow_exceptions=*/false);
  text = unescaped.is_string() ? unescaped.get_ref<const std::string&>() : "";
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
  // The library takes a zero byte for the end, and skips a mark that the texts of members would begin with.
  if (text.find('\0') != absl::string_view::npos) return absl::InvalidArgumentError("has a zero byte");
  if (absl::StartsWith(text, "\xEF\xBB\xBF")) return absl::InvalidArgumentError("begins with a byte order mark");
  Builder builder(max_depth);
  if (!json::sax_parse(text.begin(), text.end(), &builder)) return absl::InvalidArgumentError(builder.problem());
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
