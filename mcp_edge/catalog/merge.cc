#include "mcp_edge/catalog/merge.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "mcp_edge/catalog/skill_files.h"

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::CACHE_SCOPE_PRIVATE;
using gatehouse::tool::v1::CACHE_SCOPE_PUBLIC;

const std::string& NameOf(const ToolEntry& entry) { return entry.name; }
const std::string& NameOf(const ResourceEntry& entry) { return entry.resource.uri(); }
const std::string& NameOf(const ResourceTemplateEntry& entry) { return entry.resource_template.uri_template(); }
const std::string& NameOf(const PromptEntry& entry) { return entry.name; }
const std::string& NameOf(const SkillEntry& entry) { return entry.skill.uri(); }

// `claimed`: the place in `sources` of one that has the name in another list, if there is one.
template <typename Entry, typename Claimed>
void MergeLists(const std::vector<MergeSource>& sources, absl::string_view kind,
                std::vector<Entry> CatalogContents::*list, MergedCatalog& merged, const Claimed& claimed) {
  absl::flat_hash_map<absl::string_view, size_t> taken_by;  // name: place
  for (size_t place = 0; place < sources.size(); ++place) {
    for (const Entry& entry : sources[place].contents->*list) {
      size_t first = claimed(NameOf(entry)).value_or(place);
      if (first >= place) {
        const auto [taken, inserted] = taken_by.emplace(NameOf(entry), place);
        if (inserted) {
          (merged.contents.*list).push_back(entry);
          continue;
        }
        first = taken->second;
      }
      merged.duplicates.push_back({.kind = kind,
                                   .name = NameOf(entry),
                                   .service = std::string(sources[place].service),
                                   .taken_by = std::string(sources[first].service)});
    }
  }
}

// The files of all skills that stay, with the places of their services.
SkillFiles FilesOfSkills(const std::vector<MergeSource>& sources) {
  SkillFiles files;
  absl::flat_hash_set<absl::string_view> known;
  for (size_t place = 0; place < sources.size(); ++place) {
    for (const SkillEntry& entry : sources[place].contents->skills) {
      if (known.insert(entry.skill.uri()).second) files.Add(entry.skill, place);
    }
  }
  return files;
}

}  // namespace

MergedCatalog MergeCatalogs(const std::vector<MergeSource>& sources) {
  MergedCatalog merged;
  const SkillFiles skill_files = FilesOfSkills(sources);
  const auto in_skill = [&skill_files](absl::string_view uri) { return skill_files.Find(uri); };
  const auto nowhere = [](absl::string_view) { return std::optional<size_t>(); };
  MergeLists(sources, "tool", &CatalogContents::tools, merged, nowhere);
  MergeLists(sources, "resource", &CatalogContents::resources, merged, in_skill);
  MergeLists(sources, "resource_template", &CatalogContents::resource_templates, merged, nowhere);
  MergeLists(sources, "prompt", &CatalogContents::prompts, merged, nowhere);
  MergeLists(sources, "skill", &CatalogContents::skills, merged, nowhere);
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
