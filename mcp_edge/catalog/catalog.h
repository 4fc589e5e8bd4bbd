// What all tool services offer together, as one immutable snapshot at a time.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_CATALOG_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_CATALOG_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/auth/scopes.h"
#include "mcp_edge/catalog/skill_files.h"
#include "mcp_edge/catalog/uri_template.h"
#include "mcp_edge/schema/json_schema.h"
#include "mcp_edge/tools/tool_service_client.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {

// An argument that the client repeats in an HTTP header (`x-mcp-header`; MCP 2026-07-28, tools).
struct HeaderParameter {
  // What follows "Mcp-Param-".
  std::string name;
  // The property names from the root of the arguments down to it; at least one.
  std::vector<std::string> path;
  enum class Type { kString, kInteger, kBoolean };
  Type type = Type::kString;
};

// A tool that clients may see. Everything in it has been validated (see catalog/validation.h).
struct ToolEntry {
  // As clients know it, prefix included. The name that the service knows is `tool.name()`.
  std::string name;
  // As the service gave it. Its JSON fields are compact (no white space between tokens), otherwise the bytes of the
  // service; `input_schema_json` is never empty.
  gatehouse::tool::v1::Tool tool;
  std::shared_ptr<ToolServiceClient> service;
  // How long a call may take; absent: the edge's default.
  std::optional<absl::Duration> timeout;
  // The caller must hold every scope of at least one set. No sets: any caller may.
  std::vector<ScopeSet> required_scopes;
  // An MCP ClientCapabilities object that the client's own must contain; an empty object: nothing is required.
  nlohmann::json required_client_capabilities;
  // What arguments and structured results must fit. Null: nothing is promised.
  std::shared_ptr<const JsonSchema> input_schema = nullptr;
  std::shared_ptr<const JsonSchema> output_schema = nullptr;
  std::vector<HeaderParameter> header_parameters = {};
};

struct ResourceEntry {
  gatehouse::tool::v1::Resource resource;
  std::shared_ptr<ToolServiceClient> service;
  std::vector<ScopeSet> required_scopes;
};

struct ResourceTemplateEntry {
  gatehouse::tool::v1::ResourceTemplate resource_template;
  std::shared_ptr<ToolServiceClient> service;
  std::vector<ScopeSet> required_scopes;
};

struct PromptEntry {
  // As clients know it, prefix included. The name that the service knows is `prompt.name()`.
  std::string name;
  gatehouse::tool::v1::Prompt prompt;
  std::shared_ptr<ToolServiceClient> service;
  std::vector<ScopeSet> required_scopes;
};

struct SkillEntry {
  gatehouse::tool::v1::Skill skill;
  std::shared_ptr<ToolServiceClient> service;
  // Of each of its files.
  std::vector<ScopeSet> required_scopes = {};
};

// Resources of a service beside those that its catalogue holds.
struct ResourceSource {
  std::shared_ptr<ToolServiceClient> service;
  // Absolute URIs that begin with one of these are read by it.
  std::vector<std::string> uri_prefixes;
  // It answers ListResources.
  bool lists_resources = false;
  // Of what is read by a prefix.
  std::vector<ScopeSet> required_scopes = {};
};

// What goes into a snapshot. Names and URIs must be unique already.
struct CatalogContents {
  std::vector<ToolEntry> tools;
  std::vector<ResourceEntry> resources;
  std::vector<ResourceTemplateEntry> resource_templates;
  std::vector<PromptEntry> prompts;
  std::vector<SkillEntry> skills = {};
  // In file order; services that have no such resources are not in it.
  std::vector<ResourceSource> resource_sources = {};
  // Those of the services, in file order, separated by an empty line.
  std::string instructions;
  // The shortest `ttl` that a service gave; infinite when none did: the edge's own default is then the limit.
  absl::Duration cache_ttl = absl::InfiniteDuration();
  // PRIVATE when a service says so, PUBLIC when all do, else UNSPECIFIED.
  gatehouse::tool::v1::CacheScope cache_scope = gatehouse::tool::v1::CACHE_SCOPE_UNSPECIFIED;
  // Which scopes imply others; null: none.
  std::shared_ptr<const ScopeHierarchy> scope_hierarchy = nullptr;
};

// Everything on offer at one moment, in a fixed order: services as in the file, and within one as it gave them.
// Immutable, so freely shared between threads; keep the shared_ptr for as long as a pointer into it is used.
class CatalogSnapshot {
 public:
  // `previous`: what it replaces, only looked at here; null for the first one.
  CatalogSnapshot(CatalogContents contents, const CatalogSnapshot* previous);

  CatalogSnapshot(const CatalogSnapshot&) = delete;
  CatalogSnapshot& operator=(const CatalogSnapshot&) = delete;

  // Grows by one with each change; 0 is the empty catalogue at the start.
  uint64_t generation() const { return generation_; }
  // The generation at which a client last saw the list of ... change. Equal to generation(): this very change did it.
  uint64_t tools_generation() const { return tools_generation_; }
  uint64_t resources_generation() const { return resources_generation_; }  // templates and skills included
  uint64_t prompts_generation() const { return prompts_generation_; }

  const std::vector<ToolEntry>& tools() const { return contents_.tools; }
  const std::vector<ResourceEntry>& resources() const { return contents_.resources; }
  const std::vector<ResourceTemplateEntry>& resource_templates() const { return contents_.resource_templates; }
  const std::vector<PromptEntry>& prompts() const { return contents_.prompts; }
  const std::vector<SkillEntry>& skills() const { return contents_.skills; }
  const std::vector<ResourceSource>& resource_sources() const { return contents_.resource_sources; }
  const std::string& instructions() const { return contents_.instructions; }
  absl::Duration cache_ttl() const { return contents_.cache_ttl; }
  gatehouse::tool::v1::CacheScope cache_scope() const { return contents_.cache_scope; }
  const ScopeHierarchy& scope_hierarchy() const;

  // By the name or URI that clients use, in constant time; null when there is none.
  const ToolEntry* FindTool(absl::string_view public_name) const;
  const ResourceEntry* FindResource(absl::string_view uri) const;
  const PromptEntry* FindPrompt(absl::string_view public_name) const;
  const ResourceTemplateEntry* FindResourceTemplate(absl::string_view uri_template) const;
  const SkillEntry* FindSkill(absl::string_view uri) const;

  // Who reads a resource and what the caller needs for it. Pointers are into the snapshot.
  struct ResourceReader {
    ToolServiceClient* service = nullptr;
    // Each of these must be fulfilled, none of them is empty: by every scope of at least one of its sets (see
    // ToolEntry). Those of the resource; or else those of the skill or the source that makes `service` the reader, and
    // of all templates of `service` that the URI fits, since which of them it reads by is for the service to say.
    std::vector<const std::vector<ScopeSet>*> required_scopes = {};
  };
  // The reader of `uri`: of the resource of that URI; else of the skill whose file it is, or in whose directory it is
  // if that skill does not list its files; else of the first template that it fits or of the source with the longest
  // prefix of it, the first in file order of several. Of the two it is the template, unless the text before its first
  // expression is no longer than the prefix of another service: the narrower claim counts. Nothing: there is none.
  // Takes time in proportion to the number of templates that begin like `uri`.
  std::optional<ResourceReader> FindReader(absl::string_view uri) const;

 private:
  // A prefix and whose it is.
  using Prefix = std::pair<absl::string_view, const ResourceSource*>;

  // Of the longest prefix; null: there is none.
  const Prefix* FindPrefix(absl::string_view uri) const;

  const CatalogContents contents_;
  uint64_t generation_ = 0;
  uint64_t tools_generation_ = 0;
  uint64_t resources_generation_ = 0;
  uint64_t prompts_generation_ = 0;
  // Keys point into contents_.
  absl::flat_hash_map<absl::string_view, const ToolEntry*> tools_by_name_;
  absl::flat_hash_map<absl::string_view, const ResourceEntry*> resources_by_uri_;
  absl::flat_hash_map<absl::string_view, const PromptEntry*> prompts_by_name_;
  absl::flat_hash_map<absl::string_view, const ResourceTemplateEntry*> templates_by_text_;
  absl::flat_hash_map<absl::string_view, const SkillEntry*> skills_by_uri_;
  SkillFiles skill_files_;                      // whose numbers are places in contents_.skills
  std::vector<UriTemplate> template_matchers_;  // of contents_.resource_templates, in their order
  std::vector<Prefix> sources_by_prefix_;       // sorted, each prefix once
};

// One tool service as the edge sees it, for readiness, metrics and the log.
struct ToolServiceState {
  std::string name;
  std::string target;
  // Whether its catalogue is being watched now. When not, its tools stay listed and `last_error` says what is wrong.
  bool connected = false;
  // Whether it has ever given a catalogue, since it was configured with this target.
  bool answered = false;
  // The last failure to watch it, for an operator. Empty while connected.
  std::string last_error = {};
  // Of its last catalogue: tools listed, and tools, resources and prompts refused (bad or duplicate).
  size_t tools = 0;
  size_t refused = 0;
};

// Holds the current snapshot. Thread-safe.
class Catalog {
 public:
  // Called after a change, with the new snapshot.
  using Listener = std::function<void(const CatalogSnapshot&)>;

  // Starts empty, generation 0.
  Catalog();

  // Never null. Cheap: made for every request.
  std::shared_ptr<const CatalogSnapshot> Current() const;

  // Calls `listener` after each change from now on, one change at a time and in their order, on the thread that
  // published it. It must not publish, nor block for long.
  void AddListener(Listener listener);

  // Makes `contents` the current snapshot, unless clients would see no difference in it: the generation then stays and
  // no listener is called, but calls go to the services that it names. Returns whether the generation changed.
  bool Publish(CatalogContents contents);

  // In file order.
  std::vector<ToolServiceState> ServiceStates() const;
  void SetServiceStates(std::vector<ToolServiceState> states);

 private:
  absl::Mutex publish_mutex_;  // held while publishing and calling listeners; taken before mutex_
  mutable absl::Mutex mutex_;
  std::shared_ptr<const CatalogSnapshot> current_ ABSL_GUARDED_BY(mutex_);
  std::vector<Listener> listeners_ ABSL_GUARDED_BY(publish_mutex_);
  mutable absl::Mutex states_mutex_;
  std::vector<ToolServiceState> states_ ABSL_GUARDED_BY(states_mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_CATALOG_H_
