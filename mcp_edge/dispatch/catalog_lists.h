// The pages of `tools/list`, `resources/list`, `resources/templates/list` and `prompts/list` that the catalogue holds,
// written once per catalogue and version rather than once per request.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_CATALOG_LISTS_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_CATALOG_LISTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "common/clock.h"
#include "mcp_edge/auth/principal.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/protocol/version.h"
#include "mcp_edge/sealing/sealer.h"

namespace mcp_edge {

enum class ListKind { kTools, kResources, kResourceTemplates, kPrompts };
inline constexpr size_t kListKindCount = 4;

// The member of the result that holds the list.
absl::string_view ListMember(ListKind kind);

// Cursors are sealed, so that they mean the same on every replica and nothing can be read from or changed in them. They
// name their place by content: the catalogue may change between pages, and only the end of the entry where the next
// page begins makes a cursor bad. They are good for the caller they were given to; those of lists that are the same for
// everybody, and so may be shared (`cacheScope`), for everybody. Thread-safe.
class CatalogLists {
 public:
  static constexpr absl::Duration kCursorLifetime = absl::Hours(1);
  static constexpr size_t kPageSize = 1000;
  // A page that has reached that many bytes gets no further entry.
  static constexpr size_t kPageBytes = 2 << 20;

  // `sealer` and `clock` must outlive it. `page_size`: entries on a page.
  CatalogLists(const Sealer& sealer, const common::Clock& clock, size_t page_size = kPageSize)
      : sealer_(sealer), clock_(clock), page_size_(page_size) {}

  // The cursor is none that was given out to this caller, has expired, or its entry is gone: JSON-RPC code -32602.
  struct BadCursor {};
  // A place in the pages of resources that the tool service of that name gives itself. An empty cursor: their start.
  struct ServicePlace {
    std::string service;
    std::string cursor;

    friend bool operator==(const ServicePlace&, const ServicePlace&) = default;
  };
  // The JSON-RPC result; or where the page must be asked for, for resources only.
  using Page = std::variant<std::string, ServicePlace, BadCursor>;

  // The page at `cursor`; empty: the first one. `principal_key`: of the caller (Principal::key). `cache`: terms of the
  // list; lists that services continue are never public. `visible_to`: the list holds only entries whose required
  // scopes this principal has, and is not public; null: it holds all. Takes the time of writing the page, and for the
  // entries that are left out that of looking at a number; each different requirement is judged once.
  Page GetPage(ListKind kind, const CatalogSnapshot& snapshot, ProtocolVersion version, absl::string_view cursor,
               absl::string_view principal_key, const CacheTerms& cache, const Principal* visible_to = nullptr);

  // A result of `resources/list` with elements that RenderResource gave, separated by commas. An empty `next_cursor`:
  // it is the last.
  static std::string ResourcePage(absl::string_view elements, absl::string_view next_cursor, ProtocolVersion version,
                                  const CacheTerms& cache);

  // The cursor for a place in a service's pages.
  std::string CursorFor(const ServicePlace& place, absl::string_view principal_key) const;

  size_t page_size() const { return page_size_; }

 private:
  // A whole list in the words of one version.
  struct Elements {
    uint64_t generation = 0;
    // Separated by commas, and where each begins.
    std::string text;
    std::vector<size_t> begins;
    // The different scopes that entries require, and for each entry, which of them.
    std::vector<std::vector<ScopeSet>> requirements;
    std::vector<uint32_t> requirement_of;

    absl::string_view Entry(size_t i) const;
  };
  struct Slot {
    absl::Mutex mutex;  // held while the list is written: others that want it wait rather than write it, too
    std::shared_ptr<const Elements> elements ABSL_GUARDED_BY(mutex);
  };

  std::shared_ptr<const Elements> ElementsOf(ListKind kind, const CatalogSnapshot& snapshot, ProtocolVersion version);

  const Sealer& sealer_;
  const common::Clock& clock_;
  const size_t page_size_;
  std::array<std::array<Slot, kProtocolVersionCount>, kListKindCount> slots_;
};

// The services that have pages of resources, in the order in which clients see those.
std::vector<const ResourceSource*> ListingSources(const CatalogSnapshot& snapshot);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_CATALOG_LISTS_H_
