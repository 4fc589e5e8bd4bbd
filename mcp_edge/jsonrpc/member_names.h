// Finds members of an object that are named twice, while a JsonScanner reads it.

#ifndef GATEHOUSE_MCP_EDGE_JSONRPC_MEMBER_NAMES_H_
#define GATEHOUSE_MCP_EDGE_JSONRPC_MEMBER_NAMES_H_

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "mcp_edge/jsonrpc/json_scanner.h"

namespace mcp_edge {

// The names of the members of all open objects, which point into the text that is read. To be told what a handler is.
class MemberNames {
 public:
  void Open() { open_.push_back(names_.size()); }

  void Add(absl::string_view inside, bool has_escapes) {
    if (has_escapes) {
      unescaped_.push_back(UnescapeJson(inside));
      inside = unescaped_.back();
    }
    names_.push_back(inside);
  }

  // Ends the innermost object or array. Whether no two of its members have the same name.
  bool Close() {
    const auto begin = names_.begin() + static_cast<ptrdiff_t>(open_.back());
    if (!AreUnique(begin, names_.end())) return false;
    names_.erase(begin, names_.end());
    open_.pop_back();
    return true;
  }

 private:
  using Names = absl::InlinedVector<absl::string_view, 32>;

  // Up to that many are compared with one another as they stand; more are sorted first.
  static constexpr size_t kFewNames = 8;

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

  absl::InlinedVector<size_t, 16> open_;  // where the names of each open container begin
  Names names_;
  std::deque<std::string> unescaped_;  // that names_ points into
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_JSONRPC_MEMBER_NAMES_H_
