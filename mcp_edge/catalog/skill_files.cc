#include "mcp_edge/catalog/skill_files.h"

#include <algorithm>

namespace mcp_edge {

void SkillFiles::Add(const gatehouse::tool::v1::Skill& skill, size_t number) {
  const absl::string_view uri = skill.uri();
  by_file_.emplace(uri, number);
  for (const auto& file : skill.files()) by_file_.emplace(file.uri(), number);
  if (!skill.files().empty()) return;
  const absl::string_view directory = uri.substr(0, uri.rfind('/') + 1);
  by_directory_.emplace(directory, number);
  longest_directory_ = std::max(longest_directory_, directory.size());
}

std::optional<size_t> SkillFiles::Find(absl::string_view uri) const {
  if (const auto found = by_file_.find(uri); found != by_file_.end()) return found->second;
  // Each text that ends in "/" costs its length, so none is tried that is too long to be a directory.
  absl::string_view directory = uri.substr(0, longest_directory_);
  while (true) {
    const size_t slash = directory.rfind('/');
    if (slash == absl::string_view::npos) return std::nullopt;
    const auto found = by_directory_.find(directory.substr(0, slash + 1));
    if (found != by_directory_.end()) return found->second;
    directory = directory.substr(0, slash);
  }
}

}  // namespace mcp_edge
