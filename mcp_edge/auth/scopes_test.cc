#include "mcp_edge/auth/scopes.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using Implied = std::map<std::string, std::vector<std::string>>;

TEST(ScopesTest, AScopeIsAToken) {
  for (const char* good : {"openid", "mail:read", "https://example.com/x", "!#[]~"}) EXPECT_TRUE(IsScopeToken(good));
  for (const char* bad : {"", "a b", "a\"b", "a\\b", "a\n", "\xc3\xa9"}) EXPECT_FALSE(IsScopeToken(bad)) << bad;
  EXPECT_TRUE(IsScopeToken(std::string(256, 'x')));
  EXPECT_FALSE(IsScopeToken(std::string(257, 'x')));
}

TEST(ScopeHierarchyTest, WithoutOneAScopeGrantsOnlyItself) {
  const ScopeHierarchy none;
  EXPECT_TRUE(none.IsGranted({"a", "b"}, "b"));
  EXPECT_FALSE(none.IsGranted({"a", "b"}, "B"));
  EXPECT_FALSE(none.IsGranted({}, "b"));
}

TEST(ScopeHierarchyTest, ABroaderScopeGrantsWhatItImpliesInAnyNumberOfSteps) {
  const auto hierarchy = ScopeHierarchy::Create(Implied{{"all", {"write", "other"}}, {"write", {"read"}}});
  ASSERT_TRUE(hierarchy.ok());
  EXPECT_TRUE(hierarchy->IsGranted({"x", "all"}, "read"));
  EXPECT_TRUE(hierarchy->IsGranted({"write"}, "read"));
  EXPECT_FALSE(hierarchy->IsGranted({"read"}, "write")) << "not the other way round";
  EXPECT_FALSE(hierarchy->IsGranted({"write"}, "other"));
  EXPECT_FALSE(hierarchy->IsGranted({"all"}, "unheard of"));
  EXPECT_TRUE(hierarchy->IsGranted({"unheard of"}, "unheard of"));
}

TEST(ScopeHierarchyTest, ScopesOfACircleImplyEachOther) {
  const auto hierarchy = ScopeHierarchy::Create(Implied{{"a", {"b"}}, {"b", {"c"}}, {"c", {"a", "d"}}, {"e", {"e"}}});
  ASSERT_TRUE(hierarchy.ok());
  for (const char* held : {"a", "b", "c"}) {
    for (const char* needed : {"a", "b", "c", "d"}) EXPECT_TRUE(hierarchy->IsGranted({held}, needed)) << held << needed;
  }
  EXPECT_FALSE(hierarchy->IsGranted({"d"}, "a"));
  EXPECT_TRUE(hierarchy->IsGranted({"e"}, "e"));
}

TEST(ScopeHierarchyTest, IsBounded) {
  Implied chain;
  for (size_t i = 0; i + 1 < ScopeHierarchy::kMaxScopes; ++i) chain[absl::StrCat(i)] = {absl::StrCat(i + 1)};
  const auto longest = ScopeHierarchy::Create(chain);
  ASSERT_TRUE(longest.ok()) << longest.status();
  EXPECT_TRUE(longest->IsGranted({"0"}, absl::StrCat(ScopeHierarchy::kMaxScopes - 1)));
  chain["one"] = {"more"};
  EXPECT_EQ(ScopeHierarchy::Create(chain).status().code(), absl::StatusCode::kInvalidArgument);
  const Implied many = {{"a", std::vector<std::string>(ScopeHierarchy::kMaxImplications + 1, "b")}};
  EXPECT_EQ(ScopeHierarchy::Create(many).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mcp_edge
