#include "mcp_edge/http/bearer.h"

#include <string>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using Form = BearerToken::Form;

TEST(BearerTest, ReadsTheToken) {
  const BearerToken bearer = ReadBearerToken({"bEARER abc.d-e_f~g+h/i=="}, false);
  EXPECT_EQ(bearer.form, Form::kPresent);
  EXPECT_EQ(bearer.token, "abc.d-e_f~g+h/i==");
}

TEST(BearerTest, NoOrOtherCredentialsAreMissing) {
  EXPECT_EQ(ReadBearerToken({}, false).form, Form::kMissing);
  EXPECT_EQ(ReadBearerToken({"Basic YTpi"}, false).form, Form::kMissing);
}

TEST(BearerTest, MalformedCredentialsAreToldApart) {
  for (const char* value :
       {"", "Bearer", "Bearer ", "Bearer  a", "Bearer a b", "Bearer a,b", "Bearer =", "Bearer a\"b", "token"}) {
    EXPECT_EQ(ReadBearerToken({value}, false).form, Form::kMalformed) << value;
  }
  EXPECT_EQ(ReadBearerToken({"Bearer a", "Bearer a"}, false).form, Form::kMalformed);
  EXPECT_EQ(ReadBearerToken({"Bearer a"}, true).form, Form::kMalformed);
  EXPECT_EQ(ReadBearerToken({}, true).form, Form::kMalformed);
  EXPECT_EQ(ReadBearerToken({"Bearer " + std::string(kMaxTokenBytes + 1, 'a')}, false).form, Form::kMalformed);
}

TEST(BearerTest, WritesAChallengeThatParses) {
  EXPECT_EQ(WriteChallenge({}), "Bearer");
  EXPECT_EQ(WriteChallenge({"invalid_token", "it \"ex\\pired\"\n", "https://a/.well-known/x", "openid profile"}),
            "Bearer error=\"invalid_token\", error_description=\"it  ex pired  \", "
            "resource_metadata=\"https://a/.well-known/x\", scope=\"openid profile\"");
}

}  // namespace
}  // namespace mcp_edge
