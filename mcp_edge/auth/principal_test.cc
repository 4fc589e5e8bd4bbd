#include "mcp_edge/auth/principal.h"

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

gatehouse::auth::v1::Principal Alice() {
  gatehouse::auth::v1::Principal verdict;
  verdict.set_issuer("https://issuer.example/oidc");
  verdict.set_subject("alice");
  verdict.set_client_id("smartmail");
  verdict.add_scopes("openid");
  verdict.add_scopes("profile");
  verdict.set_scopes_known(true);
  verdict.set_claims_json(R"({"sub":"alice","n":1.0})");
  verdict.mutable_expire_time()->set_seconds(1'800'000'000);
  verdict.mutable_expire_time()->set_nanos(500'000'000);
  verdict.set_token_kind(gatehouse::auth::v1::TOKEN_KIND_JWT);
  return verdict;
}

TEST(PrincipalTest, TakesOverEveryField) {
  const Principal principal = PrincipalFromVerdict(Alice());
  EXPECT_EQ(principal.issuer, "https://issuer.example/oidc");
  EXPECT_EQ(principal.subject, "alice");
  EXPECT_EQ(principal.client_id, "smartmail");
  EXPECT_EQ(principal.scopes, (std::vector<std::string>{"openid", "profile"}));
  EXPECT_TRUE(principal.scopes_known);
  EXPECT_EQ(principal.claims_json, R"({"sub":"alice","n":1.0})");
  EXPECT_EQ(principal.expire_time, absl::FromUnixMillis(1'800'000'000'500));
  EXPECT_EQ(principal.key, "27:https://issuer.example/oidc5:alicesmartmail");
}

TEST(PrincipalTest, ToolsSeeTheSame) {
  const gatehouse::tool::v1::Principal for_tools = PrincipalFromVerdict(Alice()).for_tools;
  EXPECT_EQ(for_tools.issuer(), "https://issuer.example/oidc");
  EXPECT_EQ(for_tools.subject(), "alice");
  EXPECT_EQ(for_tools.client_id(), "smartmail");
  EXPECT_EQ(for_tools.scopes_size(), 2);
  EXPECT_TRUE(for_tools.scopes_known());
  EXPECT_EQ(for_tools.claims_json(), R"({"sub":"alice","n":1.0})");
  EXPECT_EQ(for_tools.expire_time().seconds(), 1'800'000'000);
  EXPECT_EQ(for_tools.expire_time().nanos(), 500'000'000);
}

TEST(PrincipalTest, UnknownExpiryIsInfinite) {
  gatehouse::auth::v1::Principal verdict = Alice();
  verdict.clear_expire_time();
  EXPECT_EQ(PrincipalFromVerdict(verdict).expire_time, absl::InfiniteFuture());
  EXPECT_FALSE(PrincipalFromVerdict(verdict).for_tools.has_expire_time());
}

TEST(PrincipalTest, AStreamEndsWithTheTokenOrAfterAnHour) {
  const absl::Time now = absl::FromUnixSeconds(1'790'000'000);
  gatehouse::auth::v1::Principal verdict = Alice();
  EXPECT_EQ(PrincipalFromVerdict(verdict).StreamEndTime(now), absl::FromUnixMillis(1'800'000'000'500));
  verdict.clear_expire_time();
  EXPECT_EQ(PrincipalFromVerdict(verdict).StreamEndTime(now), now + absl::Hours(1));
}

TEST(PrincipalTest, ScopesAreCaseSensitiveAndOfNoUseUnlessKnown) {
  gatehouse::auth::v1::Principal verdict = Alice();
  EXPECT_TRUE(PrincipalFromVerdict(verdict).HasScope("profile", {}));
  EXPECT_FALSE(PrincipalFromVerdict(verdict).HasScope("Profile", {}));
  EXPECT_FALSE(PrincipalFromVerdict(verdict).HasScope("email", {}));
  const ScopeHierarchy hierarchy = *ScopeHierarchy::Create({{"profile", {"email"}}});
  EXPECT_TRUE(PrincipalFromVerdict(verdict).HasScope("email", hierarchy));
  EXPECT_TRUE(PrincipalFromVerdict(verdict).HasAnySet({{"phone"}, {"openid", "email"}}, hierarchy));
  EXPECT_FALSE(PrincipalFromVerdict(verdict).HasAnySet({{"phone"}, {"openid", "email"}}, {}));
  EXPECT_TRUE(PrincipalFromVerdict(verdict).HasAnySet({}, {}));
  verdict.set_scopes_known(false);
  EXPECT_FALSE(PrincipalFromVerdict(verdict).HasScope("profile", hierarchy));
  EXPECT_FALSE(PrincipalFromVerdict(verdict).HasScope("email", hierarchy));
}

TEST(PrincipalTest, KeysOfDifferentCallersDifferWhateverTheirNames) {
  // Each pair of these would be the same text, were they only put one after the other with some separator.
  const std::vector<std::vector<std::string>> callers = {
      {"i", "a\nb", "c"},
      {"i", "a", "b\nc"},
      {"i\na", "b", "c"},
      {
          "i",
          "a",
          "b",
      },
      {"i", "ab", ""},
      {"ia", "", "b"},
      {"i", "1:a", "b"},
      {"i1:a", "", "b"},
      {"1:i", "2:ab", "c"},
      {"1", ":i2:ab", "c"},
      {"i", "a:0:", "b"},
      {"i", "a", ":0:b"},
      {"i", "a%00", "b"},
      {std::string("i\0a", 3), "", "b"},
  };
  std::set<std::string> keys;
  for (const auto& caller : callers) {
    gatehouse::auth::v1::Principal verdict = Alice();
    verdict.set_issuer(caller[0]);
    verdict.set_subject(caller[1]);
    verdict.set_client_id(caller[2]);
    EXPECT_TRUE(keys.insert(PrincipalFromVerdict(verdict).key).second) << caller[0] << "," << caller[1];
    verdict.add_scopes("more");
    verdict.clear_expire_time();
    EXPECT_EQ(keys.count(PrincipalFromVerdict(verdict).key), 1u) << "another token of the same caller";
  }
}

}  // namespace
}  // namespace mcp_edge
