#include "mcp_edge/catalog/catalog.h"

#include <algorithm>
#include <utility>

namespace mcp_edge {
namespace {

// Whether a client would see the same. Messages of the catalogue hold no maps, so equal ones have equal bytes.
bool SameMessage(const google::protobuf::MessageLite& a, const google::protobuf::MessageLite& b) {
  return a.ByteSizeLong() == b.ByteSizeLong() && a.SerializeAsString() == b.SerializeAsString();
}

bool Same(const ToolEntry& a, const ToolEntry& b) { return a.name == b.name && SameMessage(a.tool, b.tool); }
bool Same(const PromptEntry& a, const PromptEntry& b) { return a.name == b.name && SameMessage(a.prompt, b.prompt); }
bool Same(const ResourceEntry& a, const ResourceEntry& b) { return SameMessage(a.resource, b.resource); }
bool Same(const ResourceTemplateEntry& a, const ResourceTemplateEntry& b) {
  return SameMessage(a.resource_template, b.resource_template);
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
  if (previous == nullptr) return;

  const bool same_tools = Same(tools(), previous->tools());
  const bool same_resources =
      Same(resources(), previous->resources()) && Same(resource_templates(), previous->resource_templates());
  const bool same_prompts = Same(prompts(), previous->prompts());
  const bool same_rest = instructions() == previous->instructions() && cache_ttl() == previous->cache_ttl() &&
                         cache_scope() == previous->cache_scope();
  generation_ = previous->generation_ + (same_tools && same_resources && same_prompts && same_rest ? 0 : 1);
  tools_generation_ = same_tools ? previous->tools_generation_ : generation_;
  resources_generation_ = same_resources ? previous->resources_generation_ : generation_;
  prompts_generation_ = same_prompts ? previous->prompts_generation_ : generation_;
}

const ToolEntry* CatalogSnapshot::FindTool(absl::string_view public_name) const {
  return Find(tools_by_name_, public_name);
}

const ResourceEntry* CatalogSnapshot::FindResource(absl::string_view uri) const { return Find(resources_by_uri_, uri); }

const PromptEntry* CatalogSnapshot::FindPrompt(absl::string_view public_name) const {
  return Find(prompts_by_name_, public_name);
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
