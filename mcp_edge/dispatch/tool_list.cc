#include "mcp_edge/dispatch/tool_list.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "mcp_edge/protocol/list_rendering.h"

namespace mcp_edge {

std::shared_ptr<const std::string> ToolList::Page(const CatalogSnapshot& snapshot, ProtocolVersion version,
                                                  absl::string_view cursor, const CacheTerms& cache) {
  std::shared_ptr<const Pages> pages;
  {
    absl::MutexLock lock(&mutex_);
    pages = pages_[static_cast<size_t>(version)];
  }
  if (pages == nullptr || pages->generation != snapshot.generation()) {
    pages = Write(snapshot, version, cache);
    absl::MutexLock lock(&mutex_);
    pages_[static_cast<size_t>(version)] = pages;
  }
  if (cursor.empty()) return pages->results.front();
  const auto found = pages->by_cursor.find(cursor);
  return found == pages->by_cursor.end() ? nullptr : pages->results[found->second];
}

std::shared_ptr<const ToolList::Pages> ToolList::Write(const CatalogSnapshot& snapshot, ProtocolVersion version,
                                                       const CacheTerms& cache) const {
  auto pages = std::make_shared<Pages>();
  pages->generation = snapshot.generation();
  const std::vector<ToolEntry>& tools = snapshot.tools();
  for (size_t begin = 0; begin == 0 || begin < tools.size(); begin += page_size_) {
    std::string members = "\"tools\":[";
    const size_t end = std::min(begin + page_size_, tools.size());
    for (size_t i = begin; i < end; ++i) {
      if (i > begin) members += ',';
      absl::StrAppend(&members, RenderTool(tools[i].name, tools[i].tool, version));
    }
    members += ']';
    if (end < tools.size()) {
      std::string cursor = absl::WebSafeBase64Escape(absl::StrCat("tools:", tools[end].name));
      members += ",\"nextCursor\":";
      common::AppendJsonString(cursor, members);
      pages->by_cursor[std::move(cursor)] = pages->results.size() + 1;
    }
    pages->results.push_back(std::make_shared<const std::string>(RenderCacheableResult(members, cache, version)));
  }
  return pages;
}

}  // namespace mcp_edge
