#include "mcp_edge/catalog/validation.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/proto_time.h"
#include "mcp_edge/catalog/header_parameters.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/schema/json_schema.h"

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::Annotations;
using gatehouse::tool::v1::Icon;
using gatehouse::tool::v1::Prompt;
using gatehouse::tool::v1::Resource;
using gatehouse::tool::v1::ResourceTemplate;
using gatehouse::tool::v1::Skill;
using gatehouse::tool::v1::SkillFile;
using gatehouse::tool::v1::Tool;
using CatalogMessage = gatehouse::tool::v1::Catalog;
using IconList = google::protobuf::RepeatedPtrField<Icon>;
using ScopeSetList = google::protobuf::RepeatedPtrField<gatehouse::tool::v1::ScopeSet>;

constexpr size_t kMaxCatalogBytes = 8 << 20;
constexpr size_t kMaxEntries = 10'000;  // of each kind but those below
constexpr size_t kMaxTemplates = 1'000;
constexpr size_t kMaxSkills = 1'000;
constexpr int kMaxSkillFiles = 10'000;
constexpr size_t kMaxUriPrefixes = 100;
constexpr size_t kMaxNameLength = 64;
constexpr size_t kMaxTitleBytes = 1 << 10;
constexpr size_t kMaxDescriptionBytes = 16 << 10;
constexpr size_t kMaxSchemaBytes = 256 << 10;
constexpr size_t kMaxMetaBytes = 64 << 10;
constexpr size_t kMaxInstructionsBytes = 4 << 10;
constexpr size_t kMaxUriBytes = 2 << 10;
constexpr int kMaxExpressions = 16;
constexpr size_t kMaxMimeTypeBytes = 256;
constexpr size_t kMaxIconBytes = 64 << 10;
constexpr int kMaxIcons = 16;
constexpr int kMaxPromptArguments = 128;
constexpr char kNoArgumentsSchema[] = R"({"type":"object","additionalProperties":false})";

// Every check returns the rule that is broken.
absl::Status Broken(absl::string_view rule) { return absl::InvalidArgumentError(rule); }

absl::Status CheckSize(absl::string_view what, absl::string_view text, size_t limit) {
  if (text.size() <= limit) return absl::OkStatus();
  return Broken(absl::StrCat(what, " may have at most ", limit, " bytes, got ", text.size()));
}

// A name that clients call (MCP 2026-07-28, server/tools, names).
absl::Status CheckName(absl::string_view name, absl::string_view prefix) {
  const size_t length = prefix.size() + name.size();
  const bool fits = !name.empty() && length <= kMaxNameLength && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
  });
  if (fits) return absl::OkStatus();
  return Broken(absl::StrCat("the name needs 1 to ", kMaxNameLength,
                             " characters of [A-Za-z0-9_.-], prefix included; has ", length));
}

// A name that people see. Not empty, no control characters.
absl::Status CheckDisplayName(absl::string_view what, absl::string_view name, size_t limit) {
  if (name.empty()) return Broken(absl::StrCat(what, " is empty"));
  if (std::any_of(name.begin(), name.end(), [](char c) { return absl::ascii_iscntrl(c); })) {
    return Broken(absl::StrCat(what, " holds a control character"));
  }
  return CheckSize(what, name, limit);
}

// Checks that `text` is a JSON object, and makes it compact. Empty stays empty. Returns the object, or an empty one.
absl::StatusOr<nlohmann::json> TakeObject(absl::string_view what, size_t limit, std::string& text) {
  if (text.empty()) return nlohmann::json::object();
  if (const absl::Status status = CheckSize(what, text, limit); !status.ok()) return status;
  absl::StatusOr<nlohmann::json> value = ReadJson(text, kMaxJsonDepth);
  if (!value.ok()) return Broken(absl::StrCat(what, ": ", value.status().message()));
  if (!value->is_object()) return Broken(absl::StrCat(what, " is not a JSON object"));
  absl::StatusOr<std::string> compact = CompactJson(text, kMaxJsonDepth);
  if (!compact.ok()) return Broken(absl::StrCat(what, ": ", compact.status().message()));
  text = *std::move(compact);
  return value;
}

absl::Status CheckIcons(const IconList& icons) {
  if (icons.size() > kMaxIcons) return Broken(absl::StrCat("there may be at most ", kMaxIcons, " icons"));
  for (const Icon& icon : icons) {
    if (!absl::StartsWithIgnoreCase(icon.src(), "https://") && !absl::StartsWithIgnoreCase(icon.src(), "data:")) {
      return Broken("the src of an icon is neither an https nor a data URI");
    }
    if (const absl::Status status = CheckSize("the src of an icon", icon.src(), kMaxIconBytes); !status.ok()) {
      return status;
    }
    if (!icon.theme().empty() && icon.theme() != "light" && icon.theme() != "dark") {
      return Broken("the theme of an icon is neither light nor dark");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ScopeSet>> TakeScopeSets(const ScopeSetList& sets) {
  if (sets.size() > kMaxScopeSets) return Broken(absl::StrCat("there may be at most ", kMaxScopeSets, " scope sets"));
  std::vector<ScopeSet> result;
  for (const auto& set : sets) {
    if (set.scopes().empty()) return Broken("a set of required scopes is empty, so that it would require nothing");
    if (set.scopes_size() > kMaxScopesInSet) {
      return Broken(absl::StrCat("a set may have at most ", kMaxScopesInSet, " scopes"));
    }
    if (!std::all_of(set.scopes().begin(), set.scopes().end(), IsScopeToken)) {
      return Broken("a required scope is not a scope token");
    }
    result.emplace_back(set.scopes().begin(), set.scopes().end());
  }
  return result;
}

absl::StatusOr<absl::Duration> TakeDuration(absl::string_view what, const google::protobuf::Duration& duration) {
  if (duration.seconds() < 0 || duration.nanos() < 0 || duration.nanos() > 999'999'999) {
    return Broken(absl::StrCat(what, " is negative or malformed"));
  }
  return common::FromProto(duration);
}

absl::Status CheckAnnotations(const Annotations& annotations) {
  for (const int role : annotations.audience()) {
    if (role != gatehouse::tool::v1::ROLE_USER && role != gatehouse::tool::v1::ROLE_ASSISTANT) {
      return Broken("the audience names an unknown role");
    }
  }
  if (annotations.has_priority() && !(annotations.priority() >= 0 && annotations.priority() <= 1)) {
    return Broken("the priority is not in [0, 1]");
  }
  return absl::OkStatus();
}

// How long the scheme is that `uri` begins with, its colon included (RFC 3986, section 3.1); 0: it has none.
size_t SchemeLength(absl::string_view uri) {
  const size_t colon = uri.find(':');
  if (colon == absl::string_view::npos || colon == 0 || !absl::ascii_isalpha(uri[0])) return 0;
  const absl::string_view scheme = uri.substr(0, colon);
  const bool fits = std::all_of(scheme.begin(), scheme.end(),
                                [](char c) { return absl::ascii_isalnum(c) || c == '+' || c == '-' || c == '.'; });
  return fits ? colon + 1 : 0;
}

// scheme ":" and something after it, of the characters that a URI has (RFC 3986, sections 2 and 3.1).
absl::Status CheckUri(absl::string_view uri) {
  const size_t scheme_length = SchemeLength(uri);
  if (scheme_length == 0 || scheme_length == uri.size()) return Broken("the URI is not absolute");
  if (std::any_of(uri.begin(), uri.end(), [](char c) {
        return c <= 0x20 || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' || c == '^' || c == '`' ||
               c == '{' || c == '|' || c == '}';
      })) {
    return Broken("the URI holds a character that no URI has");
  }
  return CheckSize("the URI", uri, kMaxUriBytes);
}

// Literals and expressions in braces that do not nest (RFC 6570, section 2). A scheme comes first, so that a URI is
// compared with few templates, and expressions are few, so that this takes no time.
absl::Status CheckUriTemplate(absl::string_view uri_template) {
  bool open = false;
  for (const char c : uri_template) {
    if (absl::ascii_iscntrl(c) || c == ' ') return Broken("the URI template holds white space or a control character");
    if (c == '{' || c == '}') {
      if (open == (c == '{')) return Broken("the braces of the URI template do not match");
      open = !open;
    }
  }
  if (open) return Broken("the braces of the URI template do not match");
  if (SchemeLength(uri_template.substr(0, uri_template.find('{'))) == 0) {
    return Broken("the URI template does not begin with a scheme and a colon");
  }
  if (std::count(uri_template.begin(), uri_template.end(), '{') > kMaxExpressions) {
    return Broken(absl::StrCat("the URI template may have at most ", kMaxExpressions, " expressions"));
  }
  return CheckSize("the URI template", uri_template, kMaxUriBytes);
}

// What tools, resources, templates and prompts have in common.
template <typename Message>
absl::Status TakeCommon(Message& message, std::vector<ScopeSet>& required_scopes) {
  absl::Status status;
  status.Update(CheckSize("the title", message.title(), kMaxTitleBytes));
  status.Update(CheckSize("the description", message.description(), kMaxDescriptionBytes));
  status.Update(CheckIcons(message.icons()));
  if (!status.ok()) return status;
  status.Update(TakeObject("meta_json", kMaxMetaBytes, *message.mutable_meta_json()).status());
  absl::StatusOr<std::vector<ScopeSet>> scopes = TakeScopeSets(message.required_scopes());
  status.Update(scopes.status());
  if (status.ok()) required_scopes = *std::move(scopes);
  return status;
}

// What the entries of one catalogue have in common.
struct Context {
  absl::string_view prefix;
  SchemaCompiler& schemas;
};

absl::StatusOr<std::shared_ptr<const JsonSchema>> TakeSchema(absl::string_view what, const std::string& text,
                                                             const Context& context) {
  absl::StatusOr<std::shared_ptr<const JsonSchema>> schema = context.schemas.Compile(text);
  if (schema.ok()) return schema;
  return Broken(absl::StrCat(what, ": ", schema.status().message()));
}

absl::Status TakeEntry(const Tool& tool, const Context& context, ToolEntry& entry) {
  if (const absl::Status status = CheckName(tool.name(), context.prefix); !status.ok()) return status;
  entry.name = absl::StrCat(context.prefix, tool.name());
  entry.tool = tool;
  if (const absl::Status status = TakeCommon(entry.tool, entry.required_scopes); !status.ok()) return status;

  std::string& input_schema = *entry.tool.mutable_input_schema_json();
  if (input_schema.empty()) input_schema = kNoArgumentsSchema;
  const absl::StatusOr<nlohmann::json> schema = TakeObject("input_schema_json", kMaxSchemaBytes, input_schema);
  if (!schema.ok()) return schema.status();
  if (const auto type = schema->find("type"); type == schema->end() || *type != "object") {
    return Broken("the root of input_schema_json has no \"type\":\"object\"");
  }
  absl::StatusOr<std::vector<HeaderParameter>> header_parameters = TakeHeaderParameters(*schema);
  if (!header_parameters.ok()) return header_parameters.status();
  entry.header_parameters = *std::move(header_parameters);
  absl::StatusOr<std::shared_ptr<const JsonSchema>> compiled = TakeSchema("input_schema_json", input_schema, context);
  if (!compiled.ok()) return compiled.status();
  entry.input_schema = *std::move(compiled);
  std::string& output_schema = *entry.tool.mutable_output_schema_json();
  if (const auto taken = TakeObject("output_schema_json", kMaxSchemaBytes, output_schema); !taken.ok()) {
    return taken.status();
  }
  if (!output_schema.empty()) {
    compiled = TakeSchema("output_schema_json", output_schema, context);
    if (!compiled.ok()) return compiled.status();
    entry.output_schema = *std::move(compiled);
  }
  absl::StatusOr<nlohmann::json> capabilities = TakeObject("required_client_capabilities_json", kMaxMetaBytes,
                                                           *entry.tool.mutable_required_client_capabilities_json());
  if (!capabilities.ok()) return capabilities.status();
  entry.required_client_capabilities = *std::move(capabilities);
  if (!gatehouse::tool::v1::TaskSupport_IsValid(tool.task_support())) return Broken("task_support is unknown");
  const bool can_be_task = tool.task_support() == gatehouse::tool::v1::TASK_SUPPORT_OPTIONAL ||
                           tool.task_support() == gatehouse::tool::v1::TASK_SUPPORT_REQUIRED;
  if (tool.announces_task_start() && !can_be_task) {
    return Broken("announces_task_start needs a task_support of OPTIONAL or REQUIRED");
  }
  if (tool.has_timeout()) {
    const absl::StatusOr<absl::Duration> timeout = TakeDuration("the timeout", tool.timeout());
    if (!timeout.ok()) return timeout.status();
    if (*timeout == absl::ZeroDuration()) return Broken("the timeout is zero");
    entry.timeout = *timeout;
  }
  return absl::OkStatus();
}

absl::Status TakeEntry(const Resource& resource, ResourceEntry& entry) {
  absl::Status status = CheckUri(resource.uri());
  status.Update(CheckDisplayName("the name", resource.name(), kMaxTitleBytes));
  status.Update(CheckAnnotations(resource.annotations()));
  if (resource.has_size() && resource.size() < 0) status.Update(Broken("the size is negative"));
  if (!status.ok()) return status;
  entry.resource = resource;
  return TakeCommon(entry.resource, entry.required_scopes);
}

absl::Status TakeEntry(const Resource& resource, const Context&, ResourceEntry& entry) {
  return TakeEntry(resource, entry);
}

absl::Status TakeEntry(const ResourceTemplate& resource_template, const Context&, ResourceTemplateEntry& entry) {
  absl::Status status = CheckUriTemplate(resource_template.uri_template());
  status.Update(CheckDisplayName("the name", resource_template.name(), kMaxTitleBytes));
  status.Update(CheckAnnotations(resource_template.annotations()));
  if (!status.ok()) return status;
  entry.resource_template = resource_template;
  return TakeCommon(entry.resource_template, entry.required_scopes);
}

absl::Status TakeEntry(const Prompt& prompt, const Context& context, PromptEntry& entry) {
  absl::Status status = CheckName(prompt.name(), context.prefix);
  if (prompt.arguments_size() > kMaxPromptArguments) {
    status.Update(Broken(absl::StrCat("there may be at most ", kMaxPromptArguments, " arguments")));
  }
  std::set<std::string> names;
  for (const auto& argument : prompt.arguments()) {
    status.Update(CheckDisplayName("the name of an argument", argument.name(), 128));
    status.Update(CheckSize("the title of an argument", argument.title(), kMaxTitleBytes));
    status.Update(CheckSize("the description of an argument", argument.description(), kMaxDescriptionBytes));
    if (!names.insert(argument.name()).second) status.Update(Broken("two arguments have the same name"));
    if (!status.ok()) return status;
  }
  if (!status.ok()) return status;
  entry.name = absl::StrCat(context.prefix, prompt.name());
  entry.prompt = prompt;
  return TakeCommon(entry.prompt, entry.required_scopes);
}

// The rules of names of skills (agentskills.io, specification): they are also names of directories.
bool IsSkillName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength && name.front() != '-' && name.back() != '-' &&
         name.find("--") == absl::string_view::npos && std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

// The directory of a skill with its "/" at the end: what "SKILL.md" comes after.
absl::StatusOr<absl::string_view> TakeSkillDirectory(absl::string_view uri) {
  constexpr absl::string_view kScheme = "skill://";
  constexpr absl::string_view kFile = "/SKILL.md";
  if (const absl::Status status = CheckUri(uri); !status.ok()) return status;
  if (!absl::StartsWith(uri, kScheme) || !absl::EndsWith(uri, kFile) || uri.size() <= kScheme.size() + kFile.size()) {
    return Broken("the URI is not of the form skill://<path>/<name>/SKILL.md");
  }
  return uri.substr(0, uri.size() - kFile.size() + 1);
}

// A path without empty segments, "." and "..", query and fragment.
bool IsPlainPath(absl::string_view path) {
  if (path.find_first_of("?#") != absl::string_view::npos) return false;
  const std::vector<absl::string_view> segments = absl::StrSplit(path, '/');
  return std::none_of(segments.begin(), segments.end(), [](absl::string_view segment) {
    const std::string lower = absl::AsciiStrToLower(segment);
    return segment.empty() || segment == "." || segment == ".." || absl::StrContains(lower, "%2e") ||
           absl::StrContains(lower, "%2f");
  });
}

absl::Status CheckSkillFiles(const Skill& skill, absl::string_view directory) {
  if (skill.files().empty()) return absl::OkStatus();
  if (skill.files_size() > kMaxSkillFiles) {
    return Broken(absl::StrCat("there may be at most ", kMaxSkillFiles, " files in a skill"));
  }
  absl::flat_hash_set<absl::string_view> uris;
  for (const SkillFile& file : skill.files()) {
    if (const absl::Status status = CheckUri(file.uri()); !status.ok()) return status;
    if (!absl::StartsWith(file.uri(), directory) || !IsPlainPath(file.uri().substr(directory.size()))) {
      return Broken(absl::StrCat("a file is not below ", directory));
    }
    if (!uris.insert(file.uri()).second) return Broken("two files have the same URI");
    if (file.sha256().size() != 32) return Broken("the sha256 of a file has not 32 bytes");
    if (file.size() < 0) return Broken("the size of a file is negative");
    if (const absl::Status status = CheckSize("a mime_type", file.mime_type(), kMaxMimeTypeBytes); !status.ok()) {
      return status;
    }
  }
  if (!uris.contains(skill.uri())) return Broken("SKILL.md is not among the files");
  return absl::OkStatus();
}

absl::Status TakeEntry(const Skill& skill, const Context&, SkillEntry& entry) {
  const absl::StatusOr<absl::string_view> directory = TakeSkillDirectory(skill.uri());
  if (!directory.ok()) return directory.status();
  const absl::string_view path = directory->substr(8, directory->size() - 9);  // between "skill://" and the last "/"
  if (!IsPlainPath(path)) return Broken("the path of the URI has an empty or a dot segment, a query or a fragment");
  entry.skill = skill;
  const absl::StatusOr<nlohmann::json> frontmatter =
      TakeObject("frontmatter_json", kMaxMetaBytes, *entry.skill.mutable_frontmatter_json());
  if (!frontmatter.ok()) return frontmatter.status();
  const auto text_of = [&frontmatter](const char* key) {
    const auto member = frontmatter->find(key);
    return member != frontmatter->end() && member->is_string() ? member->get<std::string>() : std::string();
  };
  const std::string name = text_of("name");
  if (!IsSkillName(name)) {
    return Broken("frontmatter_json needs a name of 1 to 64 characters of [a-z0-9-], with no \"-\" at an end or twice");
  }
  if (name != path.substr(path.rfind('/') + 1)) {  // npos + 1 is 0
    return Broken("the name in frontmatter_json is not the last segment of the path");
  }
  if (text_of("description").empty()) return Broken("frontmatter_json needs a description");
  return CheckSkillFiles(entry.skill, *directory);
}

const std::string& NameOf(const Tool& tool) { return tool.name(); }
const std::string& NameOf(const Resource& resource) { return resource.uri(); }
const std::string& NameOf(const ResourceTemplate& resource_template) { return resource_template.uri_template(); }
const std::string& NameOf(const Prompt& prompt) { return prompt.name(); }
const std::string& NameOf(const Skill& skill) { return skill.uri(); }

void Refuse(absl::string_view kind, absl::string_view name, const absl::Status& status, ValidatedCatalog& result) {
  if (++result.refused_count > kMaxRefusedKept) return;
  result.refused.push_back(
      {.kind = kind, .name = std::string(name.substr(0, 128)), .reason = std::string(status.message())});
}

template <typename Message, typename Entry>
void TakeList(const google::protobuf::RepeatedPtrField<Message>& messages, absl::string_view kind,
              const Context& context, const std::shared_ptr<ToolServiceClient>& service, std::vector<Entry>& entries,
              ValidatedCatalog& result) {
  const size_t limit = kind == "skill" ? kMaxSkills : kind == "resource_template" ? kMaxTemplates : kMaxEntries;
  entries.reserve(std::min<size_t>(messages.size(), limit));
  for (const Message& message : messages) {
    Entry entry;
    absl::Status status = Broken(absl::StrCat("there may be at most ", limit, " of one kind"));
    if (entries.size() < limit) status = TakeEntry(message, context, entry);
    if (!status.ok()) {
      Refuse(kind, NameOf(message), status, result);
      continue;
    }
    entry.service = service;
    entries.push_back(std::move(entry));
  }
}

// A scheme, its colon, and then characters of a URI or nothing.
absl::Status CheckUriPrefix(absl::string_view prefix) {
  if (SchemeLength(prefix) == 0) return Broken("the prefix is not that of an absolute URI: it has no scheme");
  return SchemeLength(prefix) == prefix.size() ? absl::OkStatus() : CheckUri(prefix);
}

// What the service reads and lists beside its catalogue.
void TakeResourceSource(const CatalogMessage& catalog, const std::shared_ptr<ToolServiceClient>& service,
                        ValidatedCatalog& result) {
  ResourceSource source{.service = service, .uri_prefixes = {}, .lists_resources = catalog.lists_resources()};
  for (const std::string& prefix : catalog.resource_uri_prefixes()) {
    absl::Status status = CheckUriPrefix(prefix);
    if (source.uri_prefixes.size() >= kMaxUriPrefixes) {
      status = Broken(absl::StrCat("there may be at most ", kMaxUriPrefixes, " prefixes"));
    }
    if (!status.ok()) {
      Refuse("resource_uri_prefix", prefix, status, result);
      continue;
    }
    source.uri_prefixes.push_back(prefix);
  }
  if (source.lists_resources || !source.uri_prefixes.empty()) {
    result.contents.resource_sources.push_back(std::move(source));
  }
}

}  // namespace

absl::Status CheckResourceUri(absl::string_view uri) { return CheckUri(uri); }

absl::StatusOr<ResourceEntry> ValidateResource(const Resource& resource,
                                               const std::shared_ptr<ToolServiceClient>& service) {
  ResourceEntry entry;
  if (const absl::Status status = TakeEntry(resource, entry); !status.ok()) return status;
  entry.service = service;
  return entry;
}

absl::StatusOr<ValidatedCatalog> ValidateCatalog(const CatalogMessage& catalog, absl::string_view prefix,
                                                 const std::shared_ptr<ToolServiceClient>& service) {
  if (const size_t size = catalog.ByteSizeLong(); size > kMaxCatalogBytes) {
    return Broken(absl::StrCat("the catalogue may have at most ", kMaxCatalogBytes, " bytes encoded, got ", size));
  }
  SchemaCompiler schemas;
  const Context context = {.prefix = prefix, .schemas = schemas};
  ValidatedCatalog result;
  CatalogContents& contents = result.contents;
  TakeList(catalog.tools(), "tool", context, service, contents.tools, result);
  TakeList(catalog.resources(), "resource", context, service, contents.resources, result);
  TakeList(catalog.resource_templates(), "resource_template", context, service, contents.resource_templates, result);
  TakeList(catalog.prompts(), "prompt", context, service, contents.prompts, result);
  TakeList(catalog.skills(), "skill", context, service, contents.skills, result);
  TakeResourceSource(catalog, service, result);
  if (const absl::Status status = CheckSize("the text", catalog.instructions(), kMaxInstructionsBytes); status.ok()) {
    contents.instructions = catalog.instructions();
  } else {
    Refuse("instructions", "", status, result);
  }
  if (catalog.has_cache_hint()) {
    const absl::StatusOr<absl::Duration> ttl = TakeDuration("the ttl", catalog.cache_hint().ttl());
    if (!ttl.ok()) {
      Refuse("cache_hint", "", ttl.status(), result);
    } else {
      if (catalog.cache_hint().has_ttl()) contents.cache_ttl = *ttl;
      if (gatehouse::tool::v1::CacheScope_IsValid(catalog.cache_hint().scope())) {
        contents.cache_scope = catalog.cache_hint().scope();
      }
    }
  }
  return result;
}

}  // namespace mcp_edge
