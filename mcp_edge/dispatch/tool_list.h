// The pages of `tools/list`, written once per catalogue and version rather than once per request.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_TOOL_LIST_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_TOOL_LIST_H_

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/protocol/version.h"

namespace mcp_edge {

// Thread-safe.
class ToolList {
 public:
  // `page_size`: tools on a page.
  explicit ToolList(size_t page_size = 1000) : page_size_(page_size) {}

  // The result of `tools/list` for `cursor` (empty: the first page), or null when the cursor is none of ours, or no
  // longer names a page. A cursor is opaque, names its place by content, and so means the same on every replica.
  std::shared_ptr<const std::string> Page(const CatalogSnapshot& snapshot, ProtocolVersion version,
                                          absl::string_view cursor, const CacheTerms& cache);

 private:
  struct Pages {
    uint64_t generation = 0;
    std::vector<std::shared_ptr<const std::string>> results;
    absl::flat_hash_map<std::string, size_t> by_cursor;
  };

  std::shared_ptr<const Pages> Write(const CatalogSnapshot& snapshot, ProtocolVersion version,
                                     const CacheTerms& cache) const;

  const size_t page_size_;
  absl::Mutex mutex_;
  std::array<std::shared_ptr<const Pages>, kProtocolVersionCount> pages_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_TOOL_LIST_H_
