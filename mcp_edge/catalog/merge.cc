#include "mcp_edge/catalog/merge.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::CACHE_SCOPE_PRIVATE;
using gatehouse::tool::v1::CACHE_SCOPE_PUBLIC;

const std::string& NameOf(const ToolEntry& entry) { return entry.name; }
const std::string& NameOf(const ResourceEntry& entry) { return entry.resource.uri(); }
const std::string& NameOf(const ResourceTemplateEntry& entry) { return entry.resource_template.uri_template(); }
const std::string& NameOf(const PromptEntry& entry) { return entry.name; }
const std::string& NameOf(const SkillEntry& entry) { return entry.skill.uri(); }

template <typename Entry>
void MergeLists(const std::vector<MergeSource>& sources, absl::string_view kind,
                std::vector<Entry> CatalogContents::*list, MergedCatalog& merged) {
  absl::flat_hash_map<absl::string_view, absl::string_view> taken_by;  // name: service
  for (const MergeSource& source : sources) {
    for (const Entry& entry : source.contents->*list) {
      const auto [first, inserted] = taken_by.emplace(NameOf(entry), source.service);
      if (inserted) {
        (merged.contents.*list).push_back(entry);
      } else {
        merged.duplicates.push_back({.kind = kind,
                                     .name = NameOf(entry),
                                     .service = std::string(source.service),
                                     .taken_by = std::string(first->second)});
      }
    }
  }
}

}  // namespace

MergedCatalog MergeCatalogs(const std::vector<MergeSource>& sources) {
  MergedCatalog merged;
  MergeLists(sources, "tool", &CatalogContents::tools, merged);
  MergeLists(sources, "resource", &CatalogContents::resources, merged);
  MergeLists(sources, "resource_template", &CatalogContents::resource_templates, merged);
  MergeLists(sources, "prompt", &CatalogContents::prompts, merged);
  MergeLists(sources, "skill", &CatalogContents::skills, merged);
  const auto any_private = [](const MergeSource& source) {
    return source.contents->cache_scope == CACHE_SCOPE_PRIVATE;
  };
  const auto is_public = [](const MergeSource& source) { return source.contents->cache_scope == CACHE_SCOPE_PUBLIC; };
  if (std::any_of(sources.begin(), sources.end(), any_private)) {
    merged.contents.cache_scope = CACHE_SCOPE_PRIVATE;
  } else if (!sources.empty() && std::all_of(sources.begin(), sources.end(), is_public)) {
    merged.contents.cache_scope = CACHE_SCOPE_PUBLIC;
  }
  for (const MergeSource& source : sources) {
    const std::vector<ResourceSource>& resource_sources = source.contents->resource_sources;
    merged.contents.resource_sources.insert(merged.contents.resource_sources.end(), resource_sources.begin(),
                                            resource_sources.end());
    merged.contents.cache_ttl = std::min(merged.contents.cache_ttl, source.contents->cache_ttl);
    if (source.contents->instructions.empty()) continue;
    absl::StrAppend(&merged.contents.instructions, merged.contents.instructions.empty() ? "" : "\n\n",
                    source.contents->instructions);
  }
  return merged;
}

}  // namespace mcp_edge
