// What scopes are (RFC 6749, section 3.3), which of them are needed together, and which imply others. Knows no token.

#ifndef GATEHOUSE_MCP_EDGE_AUTH_SCOPES_H_
#define GATEHOUSE_MCP_EDGE_AUTH_SCOPES_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mcp_edge {

// Scopes that are needed together. Who has alternatives lists several sets; no set at all asks for nothing.
using ScopeSet = std::vector<std::string>;

// Of one thing that needs scopes: how many sets, and how many scopes in each.
inline constexpr int kMaxScopeSets = 32;
inline constexpr int kMaxScopesInSet = 32;

// Whether `scope` can be one: 1 to 256 characters of %x21 / %x23-5B / %x5D-7E. Scopes are case-sensitive.
bool IsScopeToken(absl::string_view scope);

// Which scopes include others: who has "mail:write" may also do what "mail:read" is asked for (MCP 2026-07-28,
// authorization: broader scopes satisfy narrower ones). Immutable, so freely shared between threads.
class ScopeHierarchy {
 public:
  // Different scopes in one hierarchy, and implications that are said in so many words.
  static constexpr size_t kMaxScopes = 1'000;
  static constexpr size_t kMaxImplications = 10'000;

  // No scope implies another.
  ScopeHierarchy() = default;

  // `implied`: by a scope, the scopes that it implies. What these imply is implied, too; scopes of a circle imply each
  // other. All of that is worked out here, once, so that IsGranted only looks it up.
  //
  // Errors: kInvalidArgument, there are more scopes or implications than that.
  static absl::StatusOr<ScopeHierarchy> Create(const std::map<std::string, std::vector<std::string>>& implied);

  // Whether one of the scopes `held` is `needed`, or implies it. Takes time in proportion to their number.
  bool IsGranted(const std::vector<std::string>& held, absl::string_view needed) const;

  friend bool operator==(const ScopeHierarchy& a, const ScopeHierarchy& b) {
    return a.numbers_ == b.numbers_ && a.implies_ == b.implies_;
  }

 private:
  bool Implies(size_t broader, size_t narrower) const { return implies_[broader * numbers_.size() + narrower]; }

  absl::flat_hash_map<std::string, size_t> numbers_;
  std::vector<bool> implies_;  // a square: see Implies
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_AUTH_SCOPES_H_
