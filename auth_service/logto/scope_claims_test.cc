#include "auth_service/logto/scope_claims.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

absl::flat_hash_set<absl::string_view> ClaimsOf(const ScopeClaims& table, absl::string_view scope) {
  absl::flat_hash_set<absl::string_view> names;
  table.AddClaimsOf(scope, names);
  return names;
}

TEST(ScopeClaimsTest, BeginsAsUserinfoHasIt) {
  const absl::StatusOr<ScopeClaims> table = ScopeClaims::Create({});
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(ClaimsOf(*table, "email"), UnorderedElementsAre("email", "email_verified"));
  EXPECT_THAT(ClaimsOf(*table, "phone"), UnorderedElementsAre("phone_number", "phone_number_verified"));
  EXPECT_THAT(ClaimsOf(*table, "profile"), Contains("preferred_username"));
  EXPECT_THAT(ClaimsOf(*table, "custom_data"), UnorderedElementsAre("custom_data"));
  for (const char* scope : {"openid", "Email", "todo:read", "", "roles"}) {
    EXPECT_THAT(ClaimsOf(*table, scope), IsEmpty()) << scope;
  }
}

TEST(ScopeClaimsTest, AnEntrySetsTheClaimsOfItsScope) {
  const absl::StatusOr<ScopeClaims> table =
      ScopeClaims::Create({"whoami:email=email", "profile=name", "phone=", "a=b=name"});
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(ClaimsOf(*table, "whoami:email"), UnorderedElementsAre("email"));
  EXPECT_THAT(ClaimsOf(*table, "profile"), UnorderedElementsAre("name"));
  EXPECT_THAT(ClaimsOf(*table, "phone"), IsEmpty());
  EXPECT_THAT(ClaimsOf(*table, "a=b"), UnorderedElementsAre("name"));
  EXPECT_THAT(ClaimsOf(*table, "email"), UnorderedElementsAre("email", "email_verified"));
}

TEST(ScopeClaimsTest, AnEntryThatIsNoneSaysWhy) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"email"}, "must be SCOPE=CLAIM+CLAIM, got \"email\""},
      {{"=email"}, "must be SCOPE=CLAIM+CLAIM"},
      {{"a b=email"}, "must be SCOPE=CLAIM+CLAIM"},
      {{""}, "must be SCOPE=CLAIM+CLAIM"},
      {{"x=email+sub"}, "got \"sub\""},
      {{"x=email+"}, "got \"\""},
      {{"x=aud"}, "got \"aud\""},
      {{"x=email", "x=name"}, "must not name the scope \"x\" twice"},
      {std::vector<std::string>(1001, "x="), "at most 1000"},
  };
  for (const auto& [entries, message] : cases) {
    EXPECT_THAT(std::string(ScopeClaims::Create(entries).status().message()), HasSubstr(message));
  }
}

}  // namespace
}  // namespace auth_service
