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

  // What each URI may take, and all together, in bytes.
  static constexpr size_t kMaxUriBytes = 2 << 10;
  static constexpr size_t kMaxBytes = 64 << 10;
  // How far above a URI Covers looks, in slashes from its beginning. A resource that is deeper covers only itself.
  static constexpr size_t kMaxLevels = 32;

  // Adds a resource; twice is once. False: it is too long, or there are too many.
  bool Add(absl::string_view uri);
  void Remove(absl::string_view uri);

  // Whether a change of `uri` is one of a resource in the set: of that itself, or of something below it ("a://b/c" is
  // below "a://b"). Takes the time of reading kMaxUriBytes a few times, however long the URI.
  bool Covers(absl::string_view uri) const;

  bool empty() const { return uris_.empty(); }

 private:
  absl::flat_hash_set<std::string> uris_;
  size_t bytes_ = 0;  // of uris_
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_RESOURCE_SET_H_
