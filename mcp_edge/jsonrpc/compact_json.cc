#include "mcp_edge/jsonrpc/compact_json.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace mcp_edge {
namespace {

// Up to that many names of an object are compared with one another as they stand; more are sorted first.
constexpr size_t kFewNames = 8;

// Copies the text without its space, and keeps the names of the members of all open objects.
class Copier {
 public:
  Copier(absl::string_view text, std::string& out) : text_(text), out_(out) {}

  void Space(size_t begin, size_t end) {
    Flush(begin);
    copied_ = end;
  }

  // Copies what there is up to `end`.
  void Flush(size_t end) { out_.append(text_.data() + copied_, end - copied_); }

  void Open(bool) { open_.push_back(names_.size()); }

  bool Name(absl::string_view inside, bool has_escapes) {
    if (has_escapes) {
      unescaped_.push_back(UnescapeJson(inside));
      inside = unescaped_.back();
    }
    names_.push_back(inside);
    return true;
  }

  bool Close() {
    const auto begin = names_.begin() + static_cast<ptrdiff_t>(open_.back());
    if (!AreUnique(begin, names_.end())) return false;
    names_.erase(begin, names_.end());
    open_.pop_back();
    return true;
  }

  void String(absl::string_view, bool) {}
  void Number(absl::string_view, bool) {}
  void Bool(bool) {}
  void Null() {}

 private:
  using Names = absl::InlinedVector<absl::string_view, 32>;

  static bool AreUnique(Names::iterator begin, Names::iterator end) {
    if (static_cast<size_t>(end - begin) > kFewNames) {
      std::sort(begin, end);
      return std::adjacent_find(begin, end) == end;
    }
    for (; begin != end; ++begin) {
      if (std::find(begin + 1, end, *begin) != end) return false;
    }
    return true;
  }

  const absl::string_view text_;
  std::string& out_;
  size_t copied_ = 0;                     // up to there the text has been copied, or left out
  absl::InlinedVector<size_t, 16> open_;  // where the names of each open container begin in names_
  Names names_;
  std::deque<std::string> unescaped_;  // that names_ points into
};

}  // namespace

absl::Status AppendCompactJson(absl::string_view text, std::string& out, size_t max_depth) {
  Copier copier(text, out);
  absl::Status status = JsonScanner<Copier>(text, max_depth, copier).Scan();
  if (status.ok()) copier.Flush(text.size());
  return status;
}

absl::StatusOr<std::string> CompactJson(absl::string_view text, size_t max_depth) {
  std::string compact;
  compact.reserve(text.size());
  const absl::Status status = AppendCompactJson(text, compact, max_depth);
  if (!status.ok()) return status;
  return compact;
}

}  // namespace mcp_edge
