#include "mcp_edge/auth/scopes.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/scope_token.h"

namespace mcp_edge {

bool IsScopeToken(absl::string_view scope) { return scope.size() <= 256 && common::IsScopeToken(scope); }

absl::StatusOr<ScopeHierarchy> ScopeHierarchy::Create(const std::map<std::string, std::vector<std::string>>& implied) {
  ScopeHierarchy hierarchy;
  auto& numbers = hierarchy.numbers_;
  size_t implications = 0;
  for (const auto& [broader, all] : implied) {
    numbers.emplace(broader, numbers.size());
    for (const std::string& narrower : all) numbers.emplace(narrower, numbers.size());
    implications += all.size();
    if (numbers.size() > kMaxScopes) {
      return absl::InvalidArgumentError(absl::StrCat("there may be at most ", kMaxScopes, " different scopes"));
    }
    if (implications > kMaxImplications) {
      return absl::InvalidArgumentError(absl::StrCat("there may be at most ", kMaxImplications, " implied scopes"));
    }
  }
  std::vector<std::vector<size_t>> direct(numbers.size());
  for (const auto& [broader, all] : implied) {
    for (const std::string& narrower : all) direct[numbers[broader]].push_back(numbers[narrower]);
  }
  hierarchy.implies_.resize(numbers.size() * numbers.size());
  std::vector<size_t> open;
  for (size_t broader = 0; broader < direct.size(); ++broader) {
    open = {broader};
    while (!open.empty()) {
      const size_t scope = open.back();
      open.pop_back();
      for (const size_t narrower : direct[scope]) {
        auto known = hierarchy.implies_[broader * numbers.size() + narrower];
        if (known) continue;
        known = true;
        open.push_back(narrower);
      }
    }
  }
  return hierarchy;
}

bool ScopeHierarchy::IsGranted(const std::vector<std::string>& held, absl::string_view needed) const {
  if (std::find(held.begin(), held.end(), needed) != held.end()) return true;
  const auto narrower = numbers_.find(needed);
  if (narrower == numbers_.end()) return false;
  return std::any_of(held.begin(), held.end(), [&](const std::string& scope) {
    const auto broader = numbers_.find(scope);
    return broader != numbers_.end() && Implies(broader->second, narrower->second);
  });
}

}  // namespace mcp_edge
