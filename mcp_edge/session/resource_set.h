// Resources that somebody subscribed to.

#ifndef GATEHOUSE_MCP_EDGE_SESSION_RESOURCE_SET_H_
#define GATEHOUSE_MCP_EDGE_SESSION_RESOURCE_SET_H_

#include <cstddef>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {

// Not thread-safe.
class ResourceSet {
 public:
  // How many there may be.
  static constexpr size_t kMaxSize = 1'000;

  // Adds a resource; twice is once. False: there are too many.
  bool Add(absl::string_view uri);
  void Remove(absl::string_view uri) { uris_.erase(uri); }

  // Whether a change of `uri` is one of a resource in the set: of that itself, or of something below it ("a://b/c" is
  // below "a://b").
  bool Covers(absl::string_view uri) const;

  bool empty() const { return uris_.empty(); }

 private:
  absl::flat_hash_set<std::string> uris_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_RESOURCE_SET_H_
