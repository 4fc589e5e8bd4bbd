#include "tool_service/sdk/catalog_rules.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tool_service/sdk/json.h"

namespace tool_service {
namespace {

using gatehouse::tool::v1::Prompt;
using gatehouse::tool::v1::PromptArgument;
using gatehouse::tool::v1::Resource;
using gatehouse::tool::v1::ResourceTemplate;
using gatehouse::tool::v1::Skill;
using gatehouse::tool::v1::SkillFile;
using gatehouse::tool::v1::Tool;

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxDescriptionBytes = 16 << 10;
constexpr size_t kMaxSchemaBytes = 256 << 10;
constexpr size_t kMaxMetaBytes = 64 << 10;
constexpr int kMaxSchemaDepth = 64;
constexpr int kMaxPromptArguments = 128;
constexpr int kMaxExpressions = 16;

// `entry` is its kind and name, for messages.
absl::Status Broken(absl::string_view entry, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(entry, ": ", rule));
}

absl::Status CheckSize(absl::string_view entry, absl::string_view field, absl::string_view text, size_t most) {
  if (text.size() <= most) return absl::OkStatus();
  return Broken(entry, absl::StrCat(field, " must have at most ", most, " bytes, has ", text.size()));
}

// A name that clients call.
absl::Status CheckCallName(absl::string_view kind, absl::string_view name) {
  const bool fits =
      !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
      });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a ", kind, "'s name must be 1 to 64 characters of [A-Za-z0-9_.-], got \"", name, "\""));
}

// `text` must be a JSON object of bounded size and depth, or empty.
absl::StatusOr<nlohmann::json> CheckObject(absl::string_view entry, absl::string_view field, absl::string_view text,
                                           size_t most) {
  if (text.empty()) return nlohmann::json::object();
  if (absl::Status status = CheckSize(entry, field, text, most); !status.ok()) return status;
  absl::StatusOr<nlohmann::json> object = ParseJsonObject(field, text, kMaxSchemaDepth);
  if (!object.ok()) return Broken(entry, object.status().message());
  return object;
}

template <typename Message>
absl::Status CheckCommon(absl::string_view entry, const Message& message) {
  absl::Status status = CheckSize(entry, "description", message.description(), kMaxDescriptionBytes);
  status.Update(CheckObject(entry, "meta_json", message.meta_json(), kMaxMetaBytes).status());
  for (const auto& set : message.required_scopes()) {
    if (set.scopes().empty()) status.Update(Broken(entry, "a set of required_scopes must name at least one scope"));
  }
  return status;
}

bool HasScheme(absl::string_view uri) {
  const size_t colon = uri.find(':');
  const absl::string_view scheme = uri.substr(0, colon);
  return colon != absl::string_view::npos && !scheme.empty() && absl::ascii_isalpha(scheme[0]) &&
         std::all_of(scheme.begin(), scheme.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '+' || c == '-' || c == '.'; });
}

}  // namespace

absl::Status CheckUri(absl::string_view uri) {
  const bool is_absolute = HasScheme(uri) && uri.find(':') + 1 < uri.size();
  const bool is_clean = std::all_of(uri.begin(), uri.end(), [](char c) {
    return c > 0x20 && c < 0x7f && !absl::StrContains("\"<>\\^`{|}", absl::string_view(&c, 1));
  });
  if (is_absolute && is_clean && uri.size() <= kMaxUriBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", uri.substr(0, 128), "\" must be an absolute URI of at most ",
                                                 kMaxUriBytes, " bytes (RFC 3986)"));
}

absl::Status CheckEntry(const Tool& tool) {
  if (absl::Status status = CheckCallName("tool", tool.name()); !status.ok()) return status;
  const std::string entry = absl::StrCat("tool \"", tool.name(), "\"");
  absl::Status status = CheckCommon(entry, tool);
  for (const auto& [field, text] :
       {std::pair<absl::string_view, absl::string_view>("input_schema_json", tool.input_schema_json()),
        {"output_schema_json", tool.output_schema_json()}}) {
    const absl::StatusOr<nlohmann::json> schema = CheckObject(entry, field, text, kMaxSchemaBytes);
    status.Update(schema.status());
    if (schema.ok() && !text.empty() && field == "input_schema_json" &&
        (!schema->contains("type") || (*schema)["type"] != "object")) {
      status.Update(Broken(entry, R"(input_schema_json must have "type":"object" at its root)"));
    }
  }
  status.Update(
      CheckObject(entry, "required_client_capabilities_json", tool.required_client_capabilities_json(), kMaxMetaBytes)
          .status());
  if (tool.has_timeout() && (tool.timeout().seconds() < 0 || tool.timeout().nanos() < 0 ||
                             (tool.timeout().seconds() == 0 && tool.timeout().nanos() == 0))) {
    status.Update(Broken(entry, "timeout must be positive"));
  }
  return status;
}

absl::Status CheckEntry(const Resource& resource) {
  const std::string entry = absl::StrCat("resource \"", resource.uri().substr(0, 128), "\"");
  absl::Status status = CheckUri(resource.uri());
  if (resource.name().empty()) status.Update(Broken(entry, "the name is empty"));
  if (resource.has_size() && resource.size() < 0) status.Update(Broken(entry, "the size is negative"));
  status.Update(CheckCommon(entry, resource));
  return status;
}

absl::Status CheckEntry(const ResourceTemplate& resource_template) {
  const std::string entry = absl::StrCat("resource template \"", resource_template.uri_template().substr(0, 128), "\"");
  absl::Status status = CheckSize(entry, "the template", resource_template.uri_template(), kMaxUriBytes);
  const absl::string_view text = resource_template.uri_template();
  if (!HasScheme(text.substr(0, text.find('{')))) {
    status.Update(Broken(entry, "the template must begin with a scheme and a colon"));
  }
  if (std::count(text.begin(), text.end(), '{') > kMaxExpressions) {
    status.Update(Broken(entry, absl::StrCat("there may be at most ", kMaxExpressions, " expressions")));
  }
  if (resource_template.name().empty()) status.Update(Broken(entry, "the name is empty"));
  status.Update(CheckCommon(entry, resource_template));
  return status;
}

absl::Status CheckEntry(const Prompt& prompt) {
  absl::Status status = CheckCallName("prompt", prompt.name());
  const std::string entry = absl::StrCat("prompt \"", prompt.name(), "\"");
  if (prompt.arguments_size() > kMaxPromptArguments) {
    status.Update(Broken(entry, absl::StrCat("there may be at most ", kMaxPromptArguments, " arguments, there are ",
                                             prompt.arguments_size())));
  }
  std::set<std::string> names;
  for (const PromptArgument& argument : prompt.arguments()) {
    if (argument.name().empty()) status.Update(Broken(entry, "an argument has no name"));
    if (!names.insert(argument.name()).second) {
      status.Update(Broken(entry, absl::StrCat("two arguments are named \"", argument.name(), "\"")));
    }
  }
  status.Update(CheckCommon(entry, prompt));
  return status;
}

absl::Status CheckEntry(const Skill& skill) {
  const std::string entry = absl::StrCat("skill \"", skill.uri().substr(0, 128), "\"");
  absl::Status status = CheckUri(skill.uri());
  const absl::StatusOr<nlohmann::json> frontmatter =
      CheckObject(entry, "frontmatter_json", skill.frontmatter_json(), kMaxMetaBytes);
  status.Update(frontmatter.status());
  if (!status.ok()) return status;
  const std::string name = frontmatter->value("name", nlohmann::json()).is_string()
                               ? (*frontmatter)["name"].get<std::string>()
                               : std::string();
  const bool is_name = !name.empty() && name.size() <= kMaxNameBytes && name.front() != '-' && name.back() != '-' &&
                       !absl::StrContains(name, "--") && std::all_of(name.begin(), name.end(), [](char c) {
                         return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
                       });
  if (!is_name) {
    return Broken(entry,
                  "`name` in the front matter must be 1 to 64 characters of [a-z0-9-], with single hyphens inside");
  }
  const auto description = frontmatter->find("description");
  if (description == frontmatter->end() || !description->is_string() ||
      description->get_ref<const std::string&>().empty()) {
    return Broken(entry, "the front matter has no `description`");
  }
  if (!absl::StartsWith(skill.uri(), "skill://") ||
      !absl::EndsWith(skill.uri(), absl::StrCat("/", name, "/SKILL.md"))) {
    return Broken(entry,
                  absl::StrCat("the URI must be skill://…/", name, "/SKILL.md, as the front matter has the name"));
  }
  return absl::OkStatus();
}

}  // namespace tool_service
