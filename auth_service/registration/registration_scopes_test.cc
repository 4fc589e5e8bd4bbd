#include "auth_service/registration/registration_scopes.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::HasSubstr;

TEST(RegistrationScopesTest, AreIdsWithOrWithoutANameAndUserScopesOfLogto) {
  const auto scopes = ParseResourceScopes({"abc123", "todo:read=xyz", "a=b=c"});
  ASSERT_TRUE(scopes.ok()) << scopes.status();
  EXPECT_EQ((*scopes)[0].name, "");
  EXPECT_EQ((*scopes)[0].id, "abc123");
  EXPECT_EQ((*scopes)[1].name, "todo:read");
  EXPECT_EQ((*scopes)[1].id, "xyz");
  EXPECT_EQ((*scopes)[2].name, "a=b");
  for (const char* entry : {"", "=", "=id", "name=", "a b=id", "id/x"}) {
    EXPECT_THAT(std::string(ParseResourceScopes({entry}).status().message()), HasSubstr("NAME=ID")) << entry;
  }
  EXPECT_TRUE(CheckUserScopes({"profile", "email", "phone"}).ok());
  EXPECT_THAT(std::string(CheckUserScopes({"openid"}).message()), HasSubstr("got \"openid\""));
}

}  // namespace
}  // namespace auth_service
