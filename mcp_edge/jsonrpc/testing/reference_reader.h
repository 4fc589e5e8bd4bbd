// ReadJson by the parser of nlohmann/json, which others have tested: what ours must agree with.

#ifndef GATEHOUSE_MCP_EDGE_JSONRPC_TESTING_REFERENCE_READER_H_
#define GATEHOUSE_MCP_EDGE_JSONRPC_TESTING_REFERENCE_READER_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/jsonrpc/json_scanner.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

// Builds the document event by event. Iterative, so that depth costs no stack.
class ReferenceBuilder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit ReferenceBuilder(size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return Fail("binary values are not JSON"); }
  bool start_object(std::size_t) override { return Open(nlohmann::json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(nlohmann::json::array()); }
  bool end_array() override { return Close(); }

  bool key(string_t& key) override {
    const auto [member, is_new] = open_.back()->get_ref<nlohmann::json::object_t&>().emplace(std::move(key), nullptr);
    if (!is_new) return Fail("a member of an object is named twice");
    member_ = &member->second;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return Fail(absl::StrCat("not JSON in UTF-8, at byte ", position));
  }

  const std::string& problem() const { return problem_; }
  nlohmann::json TakeDocument() { return std::move(document_); }

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
  nlohmann::json* Place(T&& value) {
    if (++values_ > kMaxJsonValues) {
      Fail(absl::StrCat("has more than ", kMaxJsonValues, " values"));
      return nullptr;
    }
    if (open_.empty()) {
      document_ = std::forward<T>(value);
      return &document_;
    }
    if (open_.back()->is_array()) {
      auto& array = open_.back()->get_ref<nlohmann::json::array_t&>();
      array.emplace_back(std::forward<T>(value));
      return &array.back();
    }
    *member_ = std::forward<T>(value);
    return member_;
  }

  bool Open(nlohmann::json container) {
    if (open_.size() >= max_depth_) return Fail(absl::StrCat("nested deeper than ", max_depth_, " levels"));
    nlohmann::json* const place = Place(std::move(container));
    if (place == nullptr) return false;
    open_.push_back(place);
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  const size_t max_depth_;
  nlohmann::json document_;
  std::vector<nlohmann::json*>
      open_;  // the containers around the place where we are; an array grows only at its innermost end
  nlohmann::json* member_ = nullptr;
  size_t values_ = 0;
  std::string problem_;
};

// See ReadJson; the words of the errors are others.
inline absl::StatusOr<nlohmann::json> ReadJsonByReference(absl::string_view text, size_t max_depth = kMaxJsonDepth) {
  // The library takes a zero byte for the end, and skips a byte order mark.
  if (text.find('\0') != absl::string_view::npos) return absl::InvalidArgumentError("has a zero byte");
  if (absl::StartsWith(text, "\xEF\xBB\xBF")) return absl::InvalidArgumentError("begins with a byte order mark");
  ReferenceBuilder builder(max_depth);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    return absl::InvalidArgumentError(builder.problem());
  }
  return builder.TakeDocument();
}

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_JSONRPC_TESTING_REFERENCE_READER_H_
