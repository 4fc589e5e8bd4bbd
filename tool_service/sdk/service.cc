#include "tool_service/sdk/service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tool_service/sdk/catalog_rules.h"
#include "tool_service/sdk/content.h"

namespace tool_service {
namespace {

constexpr size_t kTagBytes = 6;  // a field's tag and length in the encoded catalogue, at most
constexpr int kMaxCompletions = 100;
constexpr size_t kMaxCursorBytes = 1 << 10;

constexpr char kNoArgumentsSchema[] = R"({"type":"object","additionalProperties":false})";

absl::Status NoFunction(absl::string_view kind, absl::string_view name) {
  return absl::InvalidArgumentError(absl::StrCat(kind, " \"", name, "\" has no function behind it"));
}

absl::Status NotThere(absl::string_view kind, absl::string_view name) {
  return absl::NotFoundError(absl::StrCat("there is no ", kind, " \"", name.substr(0, 256), "\""));
}

// Keeps a completer's answer within the contract.
CompleteResponse Bounded(CompleteResponse response) {
  if (response.values_size() > kMaxCompletions) {
    response.set_has_more(true);
    response.mutable_values()->DeleteSubrange(kMaxCompletions, response.values_size() - kMaxCompletions);
  }
  return response;
}

}  // namespace

CompleteResponse BeginningWith(absl::string_view typed, const std::vector<std::string>& values) {
  CompleteResponse response;
  int total = 0;
  for (const std::string& value : values) {
    if (!absl::StartsWithIgnoreCase(value, typed)) continue;
    if (++total <= kMaxCompletions) response.add_values(value);
  }
  response.set_total(total);
  response.set_has_more(total > kMaxCompletions);
  return response;
}

template <typename Entry>
absl::Status Service::Add(absl::string_view kind, const std::string& name, size_t bytes, Entry entry,
                          Entries<Entry>& entries, size_t most) {
  if (most == 0) most = kMaxEntries;
  bytes += kTagBytes;
  if (catalog_bytes_ + bytes + rest_.ByteSizeLong() > kMaxCatalogBytes || entries.order.size() >= most) {
    return absl::ResourceExhaustedError(absl::StrCat(kind, " \"", name, "\" does not fit: a catalogue has at most ",
                                                     most, " ", kind, "s and ", kMaxCatalogBytes, " bytes"));
  }
  const auto [at, is_new] = entries.by_name.try_emplace(name);
  if (!is_new) return absl::AlreadyExistsError(absl::StrCat("there are two ", kind, "s \"", name, "\""));
  at->second = std::make_shared<const Entry>(std::move(entry));
  entries.order.push_back(name);
  catalog_bytes_ += bytes;
  return absl::OkStatus();
}

template <typename Entry, typename Bytes>
absl::Status Service::Remove(absl::string_view kind, absl::string_view name, Bytes bytes, Entries<Entry>& entries) {
  const auto found = entries.by_name.find(name);
  if (found == entries.by_name.end()) return NotThere(kind, name);
  catalog_bytes_ -= bytes(*found->second) + kTagBytes;
  entries.by_name.erase(found);
  entries.order.erase(std::find(entries.order.begin(), entries.order.end(), name));
  return absl::OkStatus();
}

template <typename Change>
absl::Status Service::Apply(Change change) {
  absl::Status status;
  {
    absl::MutexLock lock(&mutex_);
    status = change();
  }
  if (status.ok()) Changed();
  return status;
}

absl::Status Service::AddTool(Tool tool, Handler handler, Execution execution) {
  if (tool.input_schema_json().empty()) tool.set_input_schema_json(kNoArgumentsSchema);
  if (const absl::Status status = CheckEntry(tool); !status.ok()) return Remember(status);
  if (handler == nullptr) return Remember(NoFunction("tool", tool.name()));
  return Remember(Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::string name = tool.name();
    const size_t bytes = tool.ByteSizeLong();
    return Add("tool", name, bytes, RegisteredTool{std::move(tool), std::move(handler), execution}, tools_);
  }));
}

absl::Status Service::RemoveTool(absl::string_view name) {
  return Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return Remove(
        "tool", name, [](const RegisteredTool& each) { return each.tool.ByteSizeLong(); }, tools_);
  });
}

absl::Status Service::AddResource(Resource resource, ResourceReader reader) {
  if (const absl::Status status = CheckEntry(resource); !status.ok()) return Remember(status);
  if (reader == nullptr) return Remember(NoFunction("resource", resource.uri()));
  return Remember(Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::string uri = resource.uri();
    const size_t bytes = resource.ByteSizeLong();
    return Add("resource", uri, bytes, RegisteredResource{std::move(resource), std::move(reader)}, resources_);
  }));
}

absl::Status Service::AddTextResource(Resource resource, std::string text) {
  resource.set_size(static_cast<int64_t>(text.size()));
  const ResourceReader reader = [text = std::move(text), mime_type = resource.mime_type()](
                                    RequestContext&, absl::string_view uri) -> absl::StatusOr<ReadOutcome> {
    return ResourceResult({TextContents(uri, text, mime_type)});
  };
  return AddResource(std::move(resource), reader);
}

absl::Status Service::AddBinaryResource(Resource resource, std::string bytes) {
  resource.set_size(static_cast<int64_t>(bytes.size()));
  const ResourceReader reader = [bytes = std::move(bytes), mime_type = resource.mime_type()](
                                    RequestContext&, absl::string_view uri) -> absl::StatusOr<ReadOutcome> {
    return ResourceResult({BinaryContents(uri, bytes, mime_type)});
  };
  return AddResource(std::move(resource), reader);
}

absl::Status Service::RemoveResource(absl::string_view uri) {
  return Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return Remove(
        "resource", uri, [](const RegisteredResource& each) { return each.resource.ByteSizeLong(); }, resources_);
  });
}

absl::Status Service::AddResourceTemplate(ResourceTemplate resource_template, TemplateReader reader,
                                          TemplateMatcher matcher) {
  if (const absl::Status status = CheckEntry(resource_template); !status.ok()) return Remember(status);
  if (reader == nullptr) return Remember(NoFunction("resource template", resource_template.uri_template()));
  std::optional<UriTemplate> parsed;
  if (absl::StatusOr<UriTemplate> parse = UriTemplate::Parse(resource_template.uri_template()); parse.ok()) {
    parsed = *std::move(parse);
  } else if (matcher == nullptr) {
    return Remember(parse.status());
  }
  return Remember(Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::string name = resource_template.uri_template();
    const size_t bytes = resource_template.ByteSizeLong();
    return Add(
        "resource template", name, bytes,
        RegisteredTemplate{std::move(resource_template), std::move(reader), std::move(matcher), std::move(parsed)},
        templates_, kMaxTemplates);
  }));
}

absl::Status Service::RemoveResourceTemplate(absl::string_view uri_template) {
  return Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ForgetCompleters("template", uri_template);
    return Remove(
        "resource template", uri_template,
        [](const RegisteredTemplate& each) { return each.resource_template.ByteSizeLong(); }, templates_);
  });
}

absl::Status Service::ServeResources(const std::vector<std::string>& prefixes, ResourceReader reader,
                                     ResourceLister lister) {
  if (reader == nullptr) return Remember(NoFunction("the resources with a prefix of", name_));
  if (prefixes.empty() || prefixes.size() > kMaxUriPrefixes) {
    return Remember(absl::InvalidArgumentError(
        absl::StrCat("resources need 1 to ", kMaxUriPrefixes, " URI prefixes, got ", prefixes.size())));
  }
  for (const std::string& prefix : prefixes) {
    // "scheme:" is one, and something must follow it in a URI.
    if (const absl::Status status = CheckUri(absl::StrCat(prefix, "x")); !status.ok()) return Remember(status);
  }
  return Remember(Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (prefix_reader_ != nullptr) return absl::AlreadyExistsError("resources with prefixes are served already");
    prefix_reader_ = std::make_shared<const ResourceReader>(std::move(reader));
    if (lister != nullptr) lister_ = std::make_shared<const ResourceLister>(std::move(lister));
    prefixes_ = prefixes;
    for (const std::string& prefix : prefixes) rest_.add_resource_uri_prefixes(prefix);
    rest_.set_lists_resources(lister_ != nullptr);
    return absl::OkStatus();
  }));
}

void Service::NotifyResourceUpdated(const std::string& uri) {
  for (const auto& watcher : Watchers()) watcher->OnResourceUpdated(uri);
}

absl::Status Service::AddPrompt(Prompt prompt, PromptHandler handler) {
  if (const absl::Status status = CheckEntry(prompt); !status.ok()) return Remember(status);
  if (handler == nullptr) return Remember(NoFunction("prompt", prompt.name()));
  return Remember(Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::string name = prompt.name();
    const size_t bytes = prompt.ByteSizeLong();
    return Add("prompt", name, bytes, RegisteredPrompt{std::move(prompt), std::move(handler)}, prompts_);
  }));
}

absl::Status Service::RemovePrompt(absl::string_view name) {
  return Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ForgetCompleters("prompt", name);
    return Remove(
        "prompt", name, [](const RegisteredPrompt& each) { return each.prompt.ByteSizeLong(); }, prompts_);
  });
}

absl::Status Service::CompletePromptArgument(absl::string_view prompt, absl::string_view argument,
                                             Completer completer) {
  absl::MutexLock lock(&mutex_);
  const auto found = prompts_.Find(prompt);
  const bool is_there =
      found != nullptr && std::any_of(found->prompt.arguments().begin(), found->prompt.arguments().end(),
                                      [&](const auto& each) { return each.name() == argument; });
  if (!is_there) {
    const absl::Status status = NotThere("prompt argument", absl::StrCat(prompt, ".", argument));
    startup_status_.Update(status);
    return status;
  }
  completers_[{"prompt", std::string(prompt), std::string(argument)}] =
      std::make_shared<const Completer>(std::move(completer));
  return absl::OkStatus();
}

absl::Status Service::CompleteTemplateVariable(absl::string_view uri_template, absl::string_view variable,
                                               Completer completer) {
  absl::MutexLock lock(&mutex_);
  const auto found = templates_.Find(uri_template);
  if (found == nullptr || (found->parsed.has_value() && !found->parsed->HasVariable(variable))) {
    const absl::Status status = NotThere("template variable", absl::StrCat(uri_template, ", ", variable));
    startup_status_.Update(status);
    return status;
  }
  completers_[{"template", std::string(uri_template), std::string(variable)}] =
      std::make_shared<const Completer>(std::move(completer));
  return absl::OkStatus();
}

void Service::ForgetCompleters(absl::string_view kind, absl::string_view name) {
  const auto begin = completers_.lower_bound({std::string(kind), std::string(name), ""});
  auto end = begin;
  while (end != completers_.end() && std::get<0>(end->first) == kind && std::get<1>(end->first) == name) ++end;
  completers_.erase(begin, end);
}

absl::Status Service::AddSkill(SkillBundle bundle) {
  absl::Status status = CheckEntry(bundle.skill);
  status.Update(CheckEntry(bundle.manifest));
  if (!status.ok()) return Remember(status);
  return Remember(Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const auto& [uri, contents] : bundle.contents) {
      if (skill_files_.contains(uri)) {
        return absl::AlreadyExistsError(absl::StrCat("there are two skill files \"", uri, "\""));
      }
    }
    const std::string uri = bundle.skill.uri();
    const size_t bytes = bundle.skill.ByteSizeLong() + bundle.manifest.ByteSizeLong();
    std::map<std::string, ResourceContents> contents = bundle.contents;
    const absl::Status added = Add("skill", uri, bytes, std::move(bundle), skills_, kMaxSkills);
    if (!added.ok()) return added;
    for (auto& [file, each] : contents) {
      skill_files_[file] = std::make_shared<const ResourceContents>(std::move(each));
    }
    return absl::OkStatus();
  }));
}

absl::Status Service::RemoveSkill(absl::string_view uri) {
  return Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (const auto found = skills_.Find(uri); found != nullptr) {
      for (const auto& [file, contents] : found->contents) skill_files_.erase(file);
    }
    return Remove(
        "skill", uri, [](const SkillBundle& each) { return each.skill.ByteSizeLong() + each.manifest.ByteSizeLong(); },
        skills_);
  });
}

absl::Status Service::SetInstructions(absl::string_view instructions) {
  if (instructions.size() > kMaxInstructionsBytes) {
    return Remember(absl::InvalidArgumentError(
        absl::StrCat("instructions must have at most ", kMaxInstructionsBytes, " bytes, have ", instructions.size())));
  }
  return Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    rest_.set_instructions(instructions.data(), instructions.size());
    return absl::OkStatus();
  });
}

void Service::SetCacheHint(CacheHint hint) {
  (void)Apply([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    *rest_.mutable_cache_hint() = std::move(hint);
    return absl::OkStatus();
  });
}

absl::Status Service::startup_status() const {
  absl::MutexLock lock(&mutex_);
  return startup_status_;
}

absl::Status Service::Remember(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  startup_status_.Update(status);
  return status;
}

std::shared_ptr<const Catalog> Service::catalog() const {
  absl::MutexLock lock(&mutex_);
  if (catalog_ == nullptr) {
    auto catalog = std::make_shared<Catalog>(rest_);
    for (const std::string& name : tools_.order) *catalog->add_tools() = tools_.Find(name)->tool;
    for (const std::string& uri : resources_.order) *catalog->add_resources() = resources_.Find(uri)->resource;
    for (const std::string& name : templates_.order) {
      *catalog->add_resource_templates() = templates_.Find(name)->resource_template;
    }
    for (const std::string& name : prompts_.order) *catalog->add_prompts() = prompts_.Find(name)->prompt;
    for (const std::string& uri : skills_.order) {
      *catalog->add_skills() = skills_.Find(uri)->skill;
      *catalog->add_resources() = skills_.Find(uri)->manifest;
    }
    catalog_ = std::move(catalog);
  }
  return catalog_;
}

std::shared_ptr<const RegisteredTool> Service::Find(absl::string_view name) const {
  absl::ReaderMutexLock lock(&mutex_);
  return tools_.Find(name);
}

absl::StatusOr<ReadOutcome> Service::ReadResource(RequestContext& context, absl::string_view uri) const {
  if (uri.size() > kMaxUriBytes) return NotThere("resource", uri);
  std::shared_ptr<const RegisteredResource> resource;
  std::shared_ptr<const ResourceContents> skill_file;
  std::vector<std::shared_ptr<const RegisteredTemplate>> templates;
  std::shared_ptr<const ResourceReader> prefix_reader;
  {
    absl::ReaderMutexLock lock(&mutex_);
    resource = resources_.Find(uri);
    if (resource == nullptr) {
      if (const auto found = skill_files_.find(uri); found != skill_files_.end()) skill_file = found->second;
      for (const std::string& name : templates_.order) templates.push_back(templates_.Find(name));
      const bool has_prefix = std::any_of(prefixes_.begin(), prefixes_.end(),
                                          [&](const std::string& prefix) { return absl::StartsWith(uri, prefix); });
      if (has_prefix) prefix_reader = prefix_reader_;
    }
  }
  if (resource != nullptr) return resource->reader(context, uri);
  if (skill_file != nullptr) return ResourceResult({*skill_file});
  for (const auto& each : templates) {
    const std::optional<Variables> variables = each->matcher != nullptr ? each->matcher(uri) : each->parsed->Match(uri);
    if (variables.has_value()) return each->reader(context, uri, *variables);
  }
  if (prefix_reader != nullptr) return (*prefix_reader)(context, uri);
  return NotThere("resource", uri);
}

absl::StatusOr<ListResourcesResponse> Service::ListResources(RequestContext& context, absl::string_view cursor,
                                                             int page_size) const {
  std::shared_ptr<const ResourceLister> lister;
  {
    absl::ReaderMutexLock lock(&mutex_);
    lister = lister_;
  }
  if (lister == nullptr) return absl::UnimplementedError("this service lists no resources but those of its catalogue");
  if (page_size < 1) {
    return absl::InvalidArgumentError(absl::StrCat("page_size must be positive, got ", page_size));
  }
  if (cursor.size() > kMaxCursorBytes) return absl::InvalidArgumentError("the cursor is none of this service");
  return (*lister)(context, cursor, page_size);
}

absl::StatusOr<PromptOutcome> Service::GetPrompt(RequestContext& context, absl::string_view name,
                                                 const PromptArguments& arguments) const {
  std::shared_ptr<const RegisteredPrompt> prompt;
  {
    absl::ReaderMutexLock lock(&mutex_);
    prompt = prompts_.Find(name);
  }
  if (prompt == nullptr) return NotThere("prompt", name);
  for (const PromptArgument& argument : prompt->prompt.arguments()) {
    if (argument.required() && arguments.find(argument.name()) == arguments.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the prompt \"", name, "\" needs the argument \"", argument.name(), "\""));
    }
  }
  return prompt->handler(context, arguments);
}

absl::StatusOr<CompleteResponse> Service::Complete(RequestContext& context, const CompleteRequest& request) const {
  const std::string& argument = request.argument_name();
  std::shared_ptr<const Completer> completer;
  {
    absl::ReaderMutexLock lock(&mutex_);
    bool is_there = false;
    if (request.has_prompt_name()) {
      const auto prompt = prompts_.Find(request.prompt_name());
      if (prompt == nullptr) return NotThere("prompt", request.prompt_name());
      is_there = std::any_of(prompt->prompt.arguments().begin(), prompt->prompt.arguments().end(),
                             [&](const PromptArgument& each) { return each.name() == argument; });
    } else {
      const auto found = templates_.Find(request.resource_uri_template());
      if (found == nullptr) return NotThere("resource template", request.resource_uri_template());
      is_there = !found->parsed.has_value() || found->parsed->HasVariable(argument);
    }
    if (!is_there) return NotThere("argument", argument);
    const auto key = request.has_prompt_name()
                         ? std::make_tuple(std::string("prompt"), request.prompt_name(), argument)
                         : std::make_tuple(std::string("template"), request.resource_uri_template(), argument);
    if (const auto found = completers_.find(key); found != completers_.end()) completer = found->second;
  }
  if (completer == nullptr) return CompleteResponse();
  absl::StatusOr<CompleteResponse> response =
      (*completer)(context, request.argument_value(),
                   PromptArguments(request.known_arguments().begin(), request.known_arguments().end()));
  if (!response.ok()) return response;
  return Bounded(*std::move(response));
}

void Service::Watch(std::weak_ptr<ServiceWatcher> watcher) {
  absl::MutexLock lock(&mutex_);
  watchers_.erase(std::remove_if(watchers_.begin(), watchers_.end(), [](const auto& each) { return each.expired(); }),
                  watchers_.end());
  watchers_.push_back(std::move(watcher));
}

std::vector<std::shared_ptr<ServiceWatcher>> Service::Watchers() const {
  std::vector<std::shared_ptr<ServiceWatcher>> watchers;
  absl::MutexLock lock(&mutex_);
  for (const auto& each : watchers_) {
    if (auto watcher = each.lock()) watchers.push_back(std::move(watcher));
  }
  return watchers;
}

void Service::Changed() {
  {
    absl::MutexLock lock(&mutex_);
    catalog_ = nullptr;
  }
  for (const auto& watcher : Watchers()) watcher->OnCatalogChanged();
}

}  // namespace tool_service
