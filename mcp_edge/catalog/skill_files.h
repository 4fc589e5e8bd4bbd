// To which skill a URI belongs.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_SKILL_FILES_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_SKILL_FILES_H_

#include <cstddef>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"

namespace mcp_edge {

// The files of skills, each skill known by a number that the caller chooses.
class SkillFiles {
 public:
  // `skill` must stay where it is. Of two that have the same file the first one added counts.
  void Add(const gatehouse::tool::v1::Skill& skill, size_t number);

  // The number of the skill whose file `uri` is, or in whose directory it is if that skill does not list its files: of
  // several such directories the innermost. Nothing: there is none.
  std::optional<size_t> Find(absl::string_view uri) const;

 private:
  absl::flat_hash_map<absl::string_view, size_t> by_file_;
  // Skills that do not list their files: by their directory, which ends in "/".
  absl::flat_hash_map<absl::string_view, size_t> by_directory_;
  size_t longest_directory_ = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_SKILL_FILES_H_
