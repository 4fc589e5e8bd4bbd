#include "mcp_edge/session/resource_set.h"

namespace mcp_edge {

bool ResourceSet::Add(absl::string_view uri) {
  if (uris_.contains(uri)) return true;
  if (uris_.size() >= kMaxSize) return false;
  uris_.emplace(uri);
  return true;
}

bool ResourceSet::Covers(absl::string_view uri) const {
  if (uris_.empty()) return false;
  if (uris_.contains(uri)) return true;
  for (size_t slash = uri.rfind('/'); slash != absl::string_view::npos && slash > 0;
       slash = uri.rfind('/', slash - 1)) {
    if (uris_.contains(uri.substr(0, slash)) || uris_.contains(uri.substr(0, slash + 1))) return true;
  }
  return false;
}

}  // namespace mcp_edge
