// Makes a skill of its files (MCP extension io.modelcontextprotocol/skills, SEP-2640).

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_SKILL_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_SKILL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tool_service/sdk/service.h"

namespace tool_service {

// One file of a skill.
struct SkillSource {
  // Relative to the skill's directory: "SKILL.md", "references/NOTES.md".
  std::string path;
  std::string contents;
  // Files whose type begins with "text/" are given as text, others as bytes.
  std::string mime_type = "text/markdown";
};

// `directory`: "skill://<path>/<name>", without a slash at the end. One of the files is SKILL.md, and begins with YAML
// front matter between two lines "---" that has `name`, the last segment of the directory, and `description`; it is
// carried over as JSON. Digests and sizes are computed.
//
// Errors: kInvalidArgument, naming the skill and what is wrong with it. Rules about the URI and the names are checked
// by Service::AddSkill().
absl::StatusOr<SkillBundle> MakeSkill(absl::string_view directory, const std::vector<SkillSource>& files);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_SKILL_H_
