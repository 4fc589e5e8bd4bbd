// Skills (MCP extension io.modelcontextprotocol/skills, SEP-2640): which there are, and what their directories hold.
// Their files are resources like others.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_SKILLS_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_SKILLS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/protocol/wire_error.h"
#include "mcp_edge/sealing/sealer.h"

namespace mcp_edge {

struct SkillsOptions {
  // What a page holds at the most: entries, and bytes after which it ends.
  size_t page_size = 100;
  size_t page_bytes = 256 << 10;
  // List only skills whose SKILL.md the caller may read; the list is then the caller's own.
  bool hide_without_scope = false;
};

// Cursors are sealed and name their place by content, as those of CatalogLists. Thread-safe.
class Skills {
 public:
  // A JSON-RPC `result`, or why there is none.
  using Answer = std::variant<std::string, RpcError>;

  static constexpr absl::Duration kCursorLifetime = absl::Hours(1);

  // The collaborators must outlive this.
  Skills(const SkillsOptions& options, const Sealer& sealer, const common::Clock& clock);

  // The answers to `skills/list`, `skills/get` and `resources/directory/read`, requests of 2026-07-28. `cache`: for
  // how long and among whom they may be reused. Directories are those that the files of skills make, from that of a
  // skill down, without a "/" at the end; a skill that does not name its files has none. Do not block.
  //
  // Errors: kInvalidParams, `uri` or `cursor` is malformed; there is no such skill; it is not a directory; the cursor
  // is none of this caller and list, has expired, or its place is gone.
  Answer List(const Message& message, const RequestContext& context, const CatalogSnapshot& snapshot,
              const CacheTerms& cache) const;
  Answer Get(const Message& message, const RequestContext& context, const CatalogSnapshot& snapshot,
             const CacheTerms& cache) const;
  Answer ReadDirectory(const Message& message, const RequestContext& context, const CatalogSnapshot& snapshot,
                       const CacheTerms& cache) const;

 private:
  // The place that the cursor of `message` names: empty for the first page; nothing, the cursor is bad. `list`: what
  // the cursors of a list are good for.
  std::optional<std::string> PlaceOf(const Message& message, const RequestContext& context,
                                     absl::string_view list) const;
  std::string CursorFor(absl::string_view place, const RequestContext& context, absl::string_view list,
                        const CacheTerms& cache) const;
  bool IsFull(size_t entries, size_t bytes) const;

  const SkillsOptions options_;
  const Sealer& sealer_;
  const common::Clock& clock_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_SKILLS_H_
