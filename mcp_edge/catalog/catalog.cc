#include "mcp_edge/catalog/catalog.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace mcp_edge {
namespace {

// Whether a client would see the same. Messages of the catalogue hold no maps, so equal ones have equal bytes.
bool SameMessage(const google::protobuf::MessageLite& a, const google::protobuf::MessageLite& b) {
  return a.ByteSizeLong() == b.ByteSizeLong() && a.SerializeAsString() == b.SerializeAsString();
}

// What callers need counts, too, since it decides who may see an entry.
bool Same(const ToolEntry& a, const ToolEntry& b) {
  return a.name == b.name && a.required_scopes == b.required_scopes && SameMessage(a.tool, b.tool);
}
bool Same(const PromptEntry& a, const PromptEntry& b) {
  return a.name == b.name && a.required_scopes == b.required_scopes && SameMessage(a.prompt, b.prompt);
}
bool Same(const ResourceEntry& a, const ResourceEntry& b) {
  return a.required_scopes == b.required_scopes && SameMessage(a.resource, b.resource);
}
bool Same(const ResourceTemplateEntry& a, const ResourceTemplateEntry& b) {
  return a.required_scopes == b.required_scopes && SameMessage(a.resource_template, b.resource_template);
}
bool Same(const SkillEntry& a, const SkillEntry& b) {
  return a.required_scopes == b.required_scopes && SameMessage(a.skill, b.skill);
}
// Its prefixes show in no list.
bool Same(const ResourceSource& a, const ResourceSource& b) {
  return a.lists_resources == b.lists_resources && a.required_scopes == b.required_scopes &&
         (a.service == b.service ||
          (a.service != nullptr && b.service != nullptr && a.service->name() == b.service->name()));
}

template <typename Entry>
bool Same(const std::vector<Entry>& a, const std::vector<Entry>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Entry& x, const Entry& y) { return Same(x, y); });
}

template <typename Entry>
const Entry* Find(const absl::flat_hash_map<absl::string_view, const Entry*>& index, absl::string_view key) {
  const auto found = index.find(key);
  return found == index.end() ? nullptr : found->second;
}

}  // namespace

CatalogSnapshot::CatalogSnapshot(CatalogContents contents, const CatalogSnapshot* previous)
    : contents_(std::move(contents)) {
  for (const ToolEntry& entry : contents_.tools) tools_by_name_.emplace(entry.name, &entry);
  for (const ResourceEntry& entry : contents_.resources) resources_by_uri_.emplace(entry.resource.uri(), &entry);
  for (const PromptEntry& entry : contents_.prompts) prompts_by_name_.emplace(entry.name, &entry);
  for (const ResourceTemplateEntry& entry : contents_.resource_templates) {
    templates_by_text_.emplace(entry.resource_template.uri_template(), &entry);
    template_matchers_.emplace_back(entry.resource_template.uri_template());
  }
  for (size_t i = 0; i < contents_.skills.size(); ++i) {
    const SkillEntry& entry = contents_.skills[i];
    skills_by_uri_.emplace(entry.skill.uri(), &entry);
    skill_files_.Add(entry.skill, i);
  }
  for (const ResourceSource& source : contents_.resource_sources) {
    for (const std::string& prefix : source.uri_prefixes) sources_by_prefix_.emplace_back(prefix, &source);
  }
  const auto earlier = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::stable_sort(sources_by_prefix_.begin(), sources_by_prefix_.end(), earlier);
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  sources_by_prefix_.erase(std::unique(sources_by_prefix_.begin(), sources_by_prefix_.end(), same),
                           sources_by_prefix_.end());
  if (previous == nullptr) return;

  const bool same_hierarchy = scope_hierarchy() == previous->scope_hierarchy();
  const bool same_tools = same_hierarchy && Same(tools(), previous->tools());
  const bool same_resources = same_hierarchy && Same(resources(), previous->resources()) &&
                              Same(resource_templates(), previous->resource_templates()) &&
                              Same(skills(), previous->skills()) &&
                              Same(resource_sources(), previous->resource_sources());
  const bool same_prompts = same_hierarchy && Same(prompts(), previous->prompts());
  const bool same_rest = instructions() == previous->instructions() && cache_ttl() == previous->cache_ttl() &&
                         cache_scope() == previous->cache_scope();
  generation_ = previous->generation_ + (same_tools && same_resources && same_prompts && same_rest ? 0 : 1);
  tools_generation_ = same_tools ? previous->tools_generation_ : generation_;
  resources_generation_ = same_resources ? previous->resources_generation_ : generation_;
  prompts_generation_ = same_prompts ? previous->prompts_generation_ : generation_;
}

const ScopeHierarchy& CatalogSnapshot::scope_hierarchy() const {
  static const ScopeHierarchy* const kNone = new ScopeHierarchy;
  return contents_.scope_hierarchy == nullptr ? *kNone : *contents_.scope_hierarchy;
}

const ToolEntry* CatalogSnapshot::FindTool(absl::string_view public_name) const {
  return Find(tools_by_name_, public_name);
}

const ResourceEntry* CatalogSnapshot::FindResource(absl::string_view uri) const { return Find(resources_by_uri_, uri); }

const PromptEntry* CatalogSnapshot::FindPrompt(absl::string_view public_name) const {
  return Find(prompts_by_name_, public_name);
}

const ResourceTemplateEntry* CatalogSnapshot::FindResourceTemplate(absl::string_view uri_template) const {
  return Find(templates_by_text_, uri_template);
}

const SkillEntry* CatalogSnapshot::FindSkill(absl::string_view uri) const { return Find(skills_by_uri_, uri); }

const CatalogSnapshot::Prefix* CatalogSnapshot::FindPrefix(absl::string_view uri) const {
  // The last prefix that does not come after `text`, where `text` has the longest prefix of `uri` as its own prefix: it
  // is the one, or what it has in common with `text` is the next text to try.
  absl::string_view text = uri;
  while (true) {
    const auto after = std::upper_bound(sources_by_prefix_.begin(), sources_by_prefix_.end(), text,
                                        [](absl::string_view a, const Prefix& b) { return a < b.first; });
    if (after == sources_by_prefix_.begin()) return nullptr;
    const Prefix& found = *std::prev(after);
    const absl::string_view prefix = found.first;
    const size_t common = std::mismatch(prefix.begin(), prefix.end(), text.begin(), text.end()).first - prefix.begin();
    if (common == prefix.size()) return &found;
    text = text.substr(0, common);
  }
}

std::optional<CatalogSnapshot::ResourceReader> CatalogSnapshot::FindReader(absl::string_view uri) const {
  if (const ResourceEntry* const resource = FindResource(uri); resource != nullptr) {
    ResourceReader reader{.service = resource->service.get()};
    if (!resource->required_scopes.empty()) reader.required_scopes = {&resource->required_scopes};
    // What a skill needs is for all its files, those that its service lists too.
    const std::optional<size_t> skill = skill_files_.Find(uri);
    if (skill.has_value() && contents_.skills[*skill].service == resource->service &&
        !contents_.skills[*skill].required_scopes.empty()) {
      reader.required_scopes.push_back(&contents_.skills[*skill].required_scopes);
    }
    return reader;
  }
  std::vector<size_t> templates;  // those that it fits
  for (size_t i = 0; i < template_matchers_.size(); ++i) {
    if (template_matchers_[i].Matches(uri)) templates.push_back(i);
  }
  const auto service_of = [this](size_t i) { return contents_.resource_templates[i].service.get(); };

  ResourceReader reader;
  const Prefix* const prefix = FindPrefix(uri);
  const auto is_narrower = [&](size_t i) {
    return prefix == nullptr || service_of(i) == prefix->second->service.get() ||
           template_matchers_[i].literal_length() > prefix->first.size();
  };
  const auto require = [&reader](const std::vector<ScopeSet>& scopes) {
    if (!scopes.empty()) reader.required_scopes.push_back(&scopes);
  };
  if (const std::optional<size_t> skill = skill_files_.Find(uri); skill.has_value()) {
    reader.service = contents_.skills[*skill].service.get();
    require(contents_.skills[*skill].required_scopes);
  } else if (const auto found = std::find_if(templates.begin(), templates.end(), is_narrower);
             found != templates.end()) {
    reader.service = service_of(*found);
  } else if (prefix != nullptr) {
    reader.service = prefix->second->service.get();
    require(prefix->second->required_scopes);
  } else {
    return std::nullopt;
  }
  for (const size_t i : templates) {
    if (service_of(i) == reader.service) require(contents_.resource_templates[i].required_scopes);
  }
  return reader;
}

Catalog::Catalog() : current_(std::make_shared<const CatalogSnapshot>(CatalogContents(), nullptr)) {}

std::shared_ptr<const CatalogSnapshot> Catalog::Current() const {
  absl::ReaderMutexLock lock(&mutex_);
  return current_;
}

void Catalog::AddListener(Listener listener) {
  absl::MutexLock lock(&publish_mutex_);
  listeners_.push_back(std::move(listener));
}

bool Catalog::Publish(CatalogContents contents) {
  absl::MutexLock publish_lock(&publish_mutex_);
  std::shared_ptr<const CatalogSnapshot> previous = Current();
  const auto next = std::make_shared<const CatalogSnapshot>(std::move(contents), previous.get());
  {
    absl::MutexLock lock(&mutex_);
    current_ = next;
  }
  if (next->generation() == previous->generation()) return false;
  previous.reset();
  for (const Listener& listener : listeners_) listener(*next);
  return true;
}

std::vector<ToolServiceState> Catalog::ServiceStates() const {
  absl::MutexLock lock(&states_mutex_);
  return states_;
}

void Catalog::SetServiceStates(std::vector<ToolServiceState> states) {
  absl::MutexLock lock(&states_mutex_);
  states_ = std::move(states);
}

}  // namespace mcp_edge
