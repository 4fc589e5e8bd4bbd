// Makes one catalogue of those of all services.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_MERGE_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_MERGE_H_

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/string_view.h"
#include "mcp_edge/catalog/catalog.h"

namespace mcp_edge {

// What one service contributes.
struct MergeSource {
  // The service's name in the tool services file.
  absl::string_view service;
  // Validated; only looked at.
  const CatalogContents* contents;
};

// An entry that has no place, because its name is taken.
struct DuplicateEntry {
  // "tool", "resource", "resource_template", "prompt" or "skill".
  absl::string_view kind;
  // The public name or URI.
  std::string name;
  // Whose entry it is, and who has the name.
  std::string service;
  std::string taken_by;

  friend bool operator==(const DuplicateEntry&, const DuplicateEntry&) = default;
  friend bool operator<(const DuplicateEntry& a, const DuplicateEntry& b) {
    return std::tie(a.kind, a.name, a.service, a.taken_by) < std::tie(b.kind, b.name, b.service, b.taken_by);
  }
};

struct MergedCatalog {
  CatalogContents contents;
  std::vector<DuplicateEntry> duplicates;
};

// Puts the entries of all `sources` one after the other. Of two with one name the first stays, within a service too. A
// resource that is a file of a skill (see SkillFiles) of a service that comes earlier has no place either. Prefixes of
// resource URIs are no names: of two that are the same the first one counts, when a URI is looked up.
MergedCatalog MergeCatalogs(const std::vector<MergeSource>& sources);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_MERGE_H_
