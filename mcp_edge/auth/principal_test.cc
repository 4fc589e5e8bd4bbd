#include "mcp_edge/auth/principal.h"

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
  EXPECT_EQ(principal.key, "https://issuer.example/oidc\nalice\nsmartmail");
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

TEST(PrincipalTest, ScopesAreCaseSensitiveAndOfNoUseUnlessKnown) {
  gatehouse::auth::v1::Principal verdict = Alice();
  EXPECT_TRUE(PrincipalFromVerdict(verdict).HasScope("profile"));
  EXPECT_FALSE(PrincipalFromVerdict(verdict).HasScope("Profile"));
  EXPECT_FALSE(PrincipalFromVerdict(verdict).HasScope("email"));
  verdict.set_scopes_known(false);
  EXPECT_FALSE(PrincipalFromVerdict(verdict).HasScope("profile"));
}

}  // namespace
}  // namespace mcp_edge
