#include "auth_service/logto/logto_user.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

std::string Told(const LogtoUser& user) {
  std::string text;
  for (const LogtoUser::Claim& claim : user.claims) absl::StrAppend(&text, claim.name, "=", claim.json, "\n");
  return text;
}

TEST(LogtoUserTest, MembersBecomeTheClaimsThatUserinfoGives) {
  const absl::StatusOr<LogtoUser> user = ParseLogtoUser(
      R"({"id":"ffsuss18c8xn","username":"alice","primaryEmail":"alice@example.com","primaryPhone":null,)"
      R"("name":"Alice Example","avatar":null,"customData":{"team":"blue"},"identities":{},"lastSignInAt":1,)"
      R"("createdAt":1795379964362,"updatedAt":1795379993267,"profile":{"givenName":"Alice","locale":"de-DE",)"
      R"("address":{"country":"DE"}},"applicationId":"app","isSuspended":false,"hasPassword":true})",
      "ffsuss18c8xn");
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_FALSE(user->suspended);
  EXPECT_EQ(Told(*user),
            "name=\"Alice Example\"\n"
            "given_name=\"Alice\"\n"
            "preferred_username=\"alice\"\n"
            "picture=null\n"
            "locale=\"de-DE\"\n"
            "updated_at=1795379993267\n"
            "username=\"alice\"\n"
            "created_at=1795379964362\n"
            "email=\"alice@example.com\"\n"
            "email_verified=true\n"
            "phone_number=null\n"
            "phone_number_verified=false\n"
            "address={\"country\":\"DE\"}\n"
            "custom_data={\"team\":\"blue\"}\n"
            "identities={}\n");
}

TEST(LogtoUserTest, EmailVerifiedSaysThatThereIsAnAddress) {
  for (const char* email : {"null", "\"\""}) {
    const absl::StatusOr<LogtoUser> user =
        ParseLogtoUser(absl::StrCat(R"({"id":"u","isSuspended":true,"primaryEmail":)", email, "}"), "u");
    ASSERT_TRUE(user.ok()) << user.status();
    EXPECT_TRUE(user->suspended);
    EXPECT_NE(Told(*user).find("email_verified=false"), std::string::npos) << email;
  }
}

TEST(LogtoUserTest, WhatIsNoEntryOfTheUserTellsNothing) {
  for (const char* body : {
           "",
           "[]",
           "Internal Server Error",
           R"({"id":"u"})",
           R"({"id":"u","isSuspended":null})",
           R"({"id":"u","isSuspended":"false"})",
           R"({"id":"v","isSuspended":false})",
           R"({"isSuspended":false})",
           R"({"id":"u","isSuspended":true,"isSuspended":false})",
           R"({"id":"u","isSuspended":false,"name":7})",
           R"({"id":"u","isSuspended":false,"primaryEmail":["a"]})",
           R"({"id":"u","isSuspended":false,"profile":"x"})",
           R"({"id":"u","isSuspended":false,"profile":{"locale":1}})",
           R"({"id":"u","isSuspended":false,"customData":1})",
           R"({"id":"u","isSuspended":false,"createdAt":"now"})",
       }) {
    EXPECT_EQ(ParseLogtoUser(body, "u").status().code(), absl::StatusCode::kUnavailable) << body;
  }
}

TEST(LogtoUserTest, ClaimsAboutTheTokenAreNotAUsers) {
  for (const char* name : {"iss", "sub", "aud", "exp", "iat", "nbf", "client_id", "azp", "scope", "jti", ""}) {
    EXPECT_FALSE(IsDirectoryClaim(name)) << name;
  }
  EXPECT_TRUE(IsDirectoryClaim("email_verified"));
  EXPECT_NE(DirectoryClaims().find(" custom_data "), std::string::npos);
}

}  // namespace
}  // namespace auth_service
