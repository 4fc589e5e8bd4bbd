// What the edge demands of a service's catalogue before a client may see any of it (tool.v1, Catalog).

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_VALIDATION_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_VALIDATION_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/tools/tool_service_client.h"

namespace mcp_edge {

// An entry that clients do not get to see.
struct RefusedEntry {
  // "tool", "resource", "resource_template", "prompt", "skill", "resource_uri_prefix", "instructions" or "cache_hint".
  absl::string_view kind;
  // Name, URI or prefix as the service gave it, cut to 128 bytes. Empty for the last two kinds.
  std::string name;
  // The rule that it breaks, for the author of the service.
  std::string reason;
};

inline constexpr size_t kMaxRefusedKept = 20;

// What is left of one service's catalogue, in its order. Names may still be given twice.
struct ValidatedCatalog {
  CatalogContents contents;
  // The first of those that were refused, at most kMaxRefusedKept, and how many there were.
  std::vector<RefusedEntry> refused;
  size_t refused_count = 0;
};

// Checks each entry for itself: a bad one is refused, the others stay. `prefix` is put before the names of tools and
// prompts. `service` is what the entries will point to. Schemas are compiled, equal ones once. Takes less than a few
// seconds, whatever the catalogue.
//
// Errors: kInvalidArgument, the catalogue as a whole is too large (8 MiB encoded).
absl::StatusOr<ValidatedCatalog> ValidateCatalog(const gatehouse::tool::v1::Catalog& catalog, absl::string_view prefix,
                                                 const std::shared_ptr<ToolServiceClient>& service);

// Checks one resource by the same rules, for those that a service lists page by page. Whether the URI is one that the
// service reads (CatalogSnapshot::FindReader) is for the caller to see.
//
// Errors: kInvalidArgument, the rule that it breaks, for the author of the service.
absl::StatusOr<ResourceEntry> ValidateResource(const gatehouse::tool::v1::Resource& resource,
                                               const std::shared_ptr<ToolServiceClient>& service);

// Whether `uri` can be the URI of a resource: absolute (RFC 3986), at most 2 KiB.
//
// Errors: kInvalidArgument, the rule that it breaks.
absl::Status CheckResourceUri(absl::string_view uri);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_VALIDATION_H_
