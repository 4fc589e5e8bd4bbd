#include "tool_service/conformance/resources.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tool_service/conformance/content_tools.h"
#include "tool_service/sdk/content.h"
#include "tool_service/sdk/skill.h"

namespace tool_service {
namespace {

constexpr char kSkillManifest[] = R"(---
name: conformance-skill
description: Shows what a skill looks like, for tests of clients and servers.
---

# Conformance skill

There is nothing to do. More of it is in [references/NOTES.md](references/NOTES.md).
)";

constexpr char kSkillNotes[] = R"(# Notes

Nothing to note.
)";

Resource ResourceAt(const char* uri, const char* name, const char* mime_type) {
  Resource resource;
  resource.set_uri(uri);
  resource.set_name(name);
  resource.set_mime_type(mime_type);
  return resource;
}

absl::StatusOr<ReadOutcome> ReadTemplate(RequestContext&, absl::string_view uri, const Variables& variables) {
  const std::string& id = variables.at("id");
  const nlohmann::ordered_json data = {{"id", id}, {"templateTest", true}, {"data", absl::StrCat("Data for ID: ", id)}};
  return ResourceResult({TextContents(uri, data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace),
                                      "application/json")});
}

}  // namespace

void AddResources(Service& service) {
  (void)service.AddTextResource(ResourceAt("test://static-text", "static-text", "text/plain"),
                                "This is the content of the static text resource.");
  (void)service.AddBinaryResource(ResourceAt("test://static-binary", "static-binary", "image/png"), OnePixel());
  (void)service.AddTextResource(ResourceAt("test://watched-resource", "watched-resource", "text/plain"),
                                "Watched resource content");
  ResourceTemplate resource_template;
  resource_template.set_uri_template("test://template/{id}/data");
  resource_template.set_name("template");
  resource_template.set_mime_type("application/json");
  (void)service.AddResourceTemplate(std::move(resource_template), ReadTemplate);

  absl::StatusOr<SkillBundle> skill =
      MakeSkill("skill://conformance-skill", {{"SKILL.md", kSkillManifest}, {"references/NOTES.md", kSkillNotes}});
  // A malformed one is refused by AddSkill(), which remembers it.
  (void)service.AddSkill(skill.ok() ? *std::move(skill) : SkillBundle());
}

}  // namespace tool_service
