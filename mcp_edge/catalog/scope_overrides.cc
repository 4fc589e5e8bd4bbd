#include "mcp_edge/catalog/scope_overrides.h"

#include <set>

namespace mcp_edge {
namespace {

// Those of one kind.
class Overrides {
 public:
  explicit Overrides(const ScopeOverrides& overrides) : overrides_(overrides) {
    const auto others = overrides.find("*");
    if (others != overrides.end()) others_ = &others->second;
  }

  // Sets what the entry of that name needs.
  void Apply(const std::string& name, std::vector<ScopeSet>& required) {
    const auto found = overrides_.find(name);
    if (found != overrides_.end()) {
      used_.insert(found->first);
      required = found->second;
    } else {
      ApplyToNameless(required);
    }
  }

  void ApplyToNameless(std::vector<ScopeSet>& required) const {
    if (others_ != nullptr) required = *others_;
  }

  void AddUnused(absl::string_view kind, std::vector<std::pair<absl::string_view, std::string>>& unused) const {
    for (const auto& [name, sets] : overrides_) {
      if (name != "*" && used_.count(name) == 0) unused.emplace_back(kind, name);
    }
  }

 private:
  const ScopeOverrides& overrides_;
  const std::vector<ScopeSet>* others_ = nullptr;
  std::set<absl::string_view> used_;
};

}  // namespace

std::vector<std::pair<absl::string_view, std::string>> OverrideRequiredScopes(const RequiredScopes& required,
                                                                              CatalogContents& contents) {
  Overrides tools(required.tools);
  for (ToolEntry& entry : contents.tools) tools.Apply(entry.tool.name(), entry.required_scopes);
  Overrides prompts(required.prompts);
  for (PromptEntry& entry : contents.prompts) prompts.Apply(entry.prompt.name(), entry.required_scopes);
  Overrides resources(required.resources);
  for (ResourceEntry& entry : contents.resources) resources.Apply(entry.resource.uri(), entry.required_scopes);
  for (ResourceTemplateEntry& entry : contents.resource_templates) {
    resources.Apply(entry.resource_template.uri_template(), entry.required_scopes);
  }
  for (SkillEntry& entry : contents.skills) resources.Apply(entry.skill.uri(), entry.required_scopes);
  for (ResourceSource& source : contents.resource_sources) resources.ApplyToNameless(source.required_scopes);
  std::vector<std::pair<absl::string_view, std::string>> unused;
  tools.AddUnused("tool", unused);
  prompts.AddUnused("prompt", unused);
  resources.AddUnused("resource", unused);
  return unused;
}

}  // namespace mcp_edge
