#include "mcp_edge/session/resource_set.h"

namespace mcp_edge {

bool ResourceSet::Add(absl::string_view uri) {
  if (uris_.contains(uri)) return true;
  if (uri.size() > kMaxUriBytes || uris_.size() >= kMaxSize || bytes_ + uri.size() > kMaxBytes) return false;
  uris_.emplace(uri);
  bytes_ += uri.size();
  return true;
}

void ResourceSet::Remove(absl::string_view uri) {
  if (uris_.erase(uri) > 0) bytes_ -= uri.size();
}

bool ResourceSet::Covers(absl::string_view uri) const {
  if (uris_.empty()) return false;
  if (uri.size() <= kMaxUriBytes && uris_.contains(uri)) return true;
  // Nothing that is longer is in the set. One more, so that the slash behind the longest is seen.
  uri = uri.substr(0, kMaxUriBytes + 1);
  size_t levels = 0;
  for (size_t slash = uri.find('/', 1); slash != absl::string_view::npos && levels < kMaxLevels;
       slash = uri.find('/', slash + 1), ++levels) {
    if (uris_.contains(uri.substr(0, slash)) || uris_.contains(uri.substr(0, slash + 1))) return true;
  }
  return false;
}

}  // namespace mcp_edge
