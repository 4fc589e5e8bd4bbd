// What a tool service offers: its tools, resources, prompts and skills, the functions behind them, and the catalogue
// made of them.
//
// Knows no transport: GrpcService serves it, Run() makes a process of it.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_SERVICE_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_SERVICE_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tool_service/sdk/tool_context.h"
#include "tool_service/sdk/uri_template.h"

namespace tool_service {

using gatehouse::tool::v1::CompleteRequest;
using gatehouse::tool::v1::CompleteResponse;
using gatehouse::tool::v1::GetPromptResult;
using gatehouse::tool::v1::ListResourcesResponse;
using gatehouse::tool::v1::Prompt;
using gatehouse::tool::v1::PromptArgument;
using gatehouse::tool::v1::ReadResourceResult;
using gatehouse::tool::v1::Resource;
using gatehouse::tool::v1::ResourceContents;
using gatehouse::tool::v1::ResourceTemplate;
using gatehouse::tool::v1::Skill;

// Where a handler runs.
enum class Execution {
  // On a thread of the executor, where it may wait for whatever it likes. The number of such calls is bounded.
  kMayBlock,
  // On the thread that reads the network. Saves a change of threads and holds up every other call while it runs: only
  // for handlers that compute for some microseconds and never wait, not even for a contended lock.
  kInline,
};

// The functions behind everything but tools. All are called by many threads at once, on the executor; all may return
// context.NeedInput() where their outcome has room for it; all end with an error status as tool.proto has it.

// Reads the resource that `uri` names. kNotFound: there is none, or this caller may not know that there is.
using ReadOutcome = std::variant<ReadResourceResult, InputRequired>;
using ResourceReader = std::function<absl::StatusOr<ReadOutcome>(RequestContext& context, absl::string_view uri)>;

// The same for what fits a template, whose variables are given, percent-decoded. They come from outside: a path made of
// them must be checked.
using TemplateReader = std::function<absl::StatusOr<ReadOutcome>(RequestContext& context, absl::string_view uri,
                                                                 const Variables& variables)>;

// Finds the variables of a template in a URI; nothing: it does not fit.
using TemplateMatcher = std::function<std::optional<Variables>(absl::string_view uri)>;

// One page of resources, see ListResources in tool.proto. kInvalidArgument: the cursor is none of this service.
using ResourceLister = std::function<absl::StatusOr<ListResourcesResponse>(RequestContext& context,
                                                                           absl::string_view cursor, int page_size)>;

// Fills in a prompt. `arguments` has all those that are required.
using PromptArguments = std::map<std::string, std::string>;
using PromptOutcome = std::variant<GetPromptResult, InputRequired>;
using PromptHandler =
    std::function<absl::StatusOr<PromptOutcome>(RequestContext& context, const PromptArguments& arguments)>;

// Suggests values for `typed`, best first; see BeginningWith(). `known` has the other arguments, as far as they are
// known.
using Completer = std::function<absl::StatusOr<CompleteResponse>(RequestContext& context, absl::string_view typed,
                                                                 const PromptArguments& known)>;

// Those of `values` that begin with `typed`, ignoring case, the first 100 of them.
CompleteResponse BeginningWith(absl::string_view typed, const std::vector<std::string>& values);

// A skill with the bytes of its files; made by MakeSkill().
struct SkillBundle {
  // As the catalogue has it.
  Skill skill;
  // SKILL.md as a resource of the catalogue.
  Resource manifest;
  // What ReadResource gives, by URI.
  std::map<std::string, ResourceContents> contents;
};

// A tool and its handler. Immutable.
struct RegisteredTool {
  Tool tool;
  Handler handler;
  Execution execution;
};

// Hears of what a service has to tell edges. Called on the thread that changed something, without locks.
class ServiceWatcher {
 public:
  virtual ~ServiceWatcher() = default;
  // The catalogue is no longer what it was: see Service::catalog().
  virtual void OnCatalogChanged() {}
  virtual void OnResourceUpdated(const std::string& /*uri*/) {}
};

// Thread-safe. Everything may come and go while calls are served; every change reaches the edge, and through it the
// clients. A call that has begun is finished by the function it began with.
//
// What breaks a rule of tool.proto is refused, with kInvalidArgument; what is there already, with kAlreadyExists; what
// makes the catalogue too large, with kResourceExhausted. The first such error is also remembered in startup_status(),
// so that a service with a broken catalogue does not start: there is no need to look at each.
class Service {
 public:
  // `name` names the service in logs and messages.
  explicit Service(std::string name) : name_(std::move(name)) {}

  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Offers a tool, after those already there. An empty input schema becomes that of a tool without arguments.
  absl::Status AddTool(Tool tool, Handler handler, Execution execution = Execution::kMayBlock);
  // Errors, of all that remove: kNotFound, there is no such thing.
  absl::Status RemoveTool(absl::string_view name);

  // Offers a resource that `reader` reads, or that is always the same: its size is then set.
  absl::Status AddResource(Resource resource, ResourceReader reader);
  absl::Status AddTextResource(Resource resource, std::string text);
  absl::Status AddBinaryResource(Resource resource, std::string bytes);
  absl::Status RemoveResource(absl::string_view uri);

  // Offers the resources that fit a template, one of UriTemplate's unless there is a `matcher`.
  absl::Status AddResourceTemplate(ResourceTemplate resource_template, TemplateReader reader,
                                   TemplateMatcher matcher = nullptr);
  absl::Status RemoveResourceTemplate(absl::string_view uri_template);

  // Offers resources that are too many, or change too often, for the catalogue: `reader` reads every URI that begins
  // with one of `prefixes`, and `lister`, if there is one, gives them page by page. Once in a service's life.
  absl::Status ServeResources(const std::vector<std::string>& prefixes, ResourceReader reader,
                              ResourceLister lister = nullptr);

  // Tells the clients who subscribed to `uri` that its contents have changed.
  void NotifyResourceUpdated(const std::string& uri);

  absl::Status AddPrompt(Prompt prompt, PromptHandler handler);
  absl::Status RemovePrompt(absl::string_view name);

  // Suggests values for an argument of a prompt, or a variable of a template, that is there already.
  //
  // Errors, remembered as all: kNotFound, there is no such argument or variable.
  absl::Status CompletePromptArgument(absl::string_view prompt, absl::string_view argument, Completer completer);
  absl::Status CompleteTemplateVariable(absl::string_view uri_template, absl::string_view variable,
                                        Completer completer);

  // Offers a skill: its SKILL.md as a resource too, its files to be read.
  absl::Status AddSkill(SkillBundle bundle);
  // `uri`: of its SKILL.md.
  absl::Status RemoveSkill(absl::string_view uri);

  // Advice for the model on how to use this service as a whole; at most 4 KiB.
  absl::Status SetInstructions(absl::string_view instructions);

  // How long clients may keep what they were told of the catalogue.
  void SetCacheHint(CacheHint hint);

  const std::string& name() const { return name_; }

  // The first error of anything that was added or set, or OK.
  absl::Status startup_status() const;

  // The catalogue as it is now. The object does not change; a later change makes a new one.
  std::shared_ptr<const Catalog> catalog() const;

  // The tool of this name, or null.
  std::shared_ptr<const RegisteredTool> Find(absl::string_view name) const;

  // The requests of the contract but CallTool; also for tests of the functions behind them. They run in the calling
  // thread. Errors: those of tool.proto, and whatever the function returns.
  absl::StatusOr<ReadOutcome> ReadResource(RequestContext& context, absl::string_view uri) const;
  absl::StatusOr<ListResourcesResponse> ListResources(RequestContext& context, absl::string_view cursor,
                                                      int page_size) const;
  absl::StatusOr<PromptOutcome> GetPrompt(RequestContext& context, absl::string_view name,
                                          const PromptArguments& arguments) const;
  absl::StatusOr<CompleteResponse> Complete(RequestContext& context, const CompleteRequest& request) const;

  // Tells `watcher` of every change from now on, for as long as it lives.
  void Watch(std::weak_ptr<ServiceWatcher> watcher);

 private:
  // Entries of one kind, in the order of their coming.
  template <typename Entry>
  struct Entries {
    absl::flat_hash_map<std::string, std::shared_ptr<const Entry>> by_name;
    std::vector<std::string> order;

    std::shared_ptr<const Entry> Find(absl::string_view name) const {
      const auto found = by_name.find(name);
      return found == by_name.end() ? nullptr : found->second;
    }
  };

  struct RegisteredResource {
    Resource resource;
    ResourceReader reader;
  };
  struct RegisteredTemplate {
    ResourceTemplate resource_template;
    TemplateReader reader;
    TemplateMatcher matcher;
    std::optional<UriTemplate> parsed;  // absent only with a matcher
  };
  struct RegisteredPrompt {
    Prompt prompt;
    PromptHandler handler;
  };

  // `bytes`: of the entry in the catalogue, encoded.
  template <typename Entry>
  absl::Status Add(absl::string_view kind, const std::string& name, size_t bytes, Entry entry, Entries<Entry>& entries,
                   size_t most = 0) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  template <typename Entry, typename Bytes>
  absl::Status Remove(absl::string_view kind, absl::string_view name, Bytes bytes, Entries<Entry>& entries)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void ForgetCompleters(absl::string_view kind, absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Applies `change` with the lock held, remembers its status, and tells the watchers if it is OK.
  template <typename Change>
  absl::Status Apply(Change change) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Remember(absl::Status status);
  void Changed() ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<std::shared_ptr<ServiceWatcher>> Watchers() const ABSL_LOCKS_EXCLUDED(mutex_);

  const std::string name_;
  mutable absl::Mutex mutex_;
  absl::Status startup_status_ ABSL_GUARDED_BY(mutex_);
  Entries<RegisteredTool> tools_ ABSL_GUARDED_BY(mutex_);
  Entries<RegisteredResource> resources_ ABSL_GUARDED_BY(mutex_);
  Entries<RegisteredTemplate> templates_ ABSL_GUARDED_BY(mutex_);
  Entries<RegisteredPrompt> prompts_ ABSL_GUARDED_BY(mutex_);
  Entries<SkillBundle> skills_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<const ResourceContents>> skill_files_ ABSL_GUARDED_BY(mutex_);
  // By "prompt" or "template", its name, and the argument or variable.
  std::map<std::tuple<std::string, std::string, std::string>, std::shared_ptr<const Completer>> completers_
      ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> prefixes_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const ResourceReader> prefix_reader_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const ResourceLister> lister_ ABSL_GUARDED_BY(mutex_);
  size_t catalog_bytes_ ABSL_GUARDED_BY(mutex_) = 0;                        // of the entries, encoded
  Catalog rest_ ABSL_GUARDED_BY(mutex_);                                    // all of the catalogue but the entries
  mutable std::shared_ptr<const Catalog> catalog_ ABSL_GUARDED_BY(mutex_);  // null: to be built when asked for
  std::vector<std::weak_ptr<ServiceWatcher>> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_SERVICE_H_
