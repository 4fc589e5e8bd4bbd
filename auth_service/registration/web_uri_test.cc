#include "auth_service/registration/web_uri.h"

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::HasSubstr;

TEST(WebUriTest, TellsSchemeAndHost) {
  struct {
    const char* text;
    bool https;
    const char* host;
    bool loopback;
  } const cases[] = {
      {"https://agent.example/callback", true, "agent.example", false},
      {"https://Agent.EXAMPLE:8443/cb?x=%20y&z=@", true, "agent.example", false},
      {"https://agent.example", true, "agent.example", false},
      {"https://agent.example?x", true, "agent.example", false},
      {"https://xn--bcher-kva.example/", true, "xn--bcher-kva.example", false},
      {"http://localhost:6274/oauth/callback", false, "localhost", true},
      {"http://127.0.0.1/cb", false, "127.0.0.1", true},
      {"http://[::1]:1/cb", false, "[::1]", true},
      {"https://[::1]/cb", true, "[::1]", true},
      {"http://10.0.0.1/cb", false, "10.0.0.1", false},
      {"https://192.0.2.255/cb", true, "192.0.2.255", false},
      {"https://1.2.3.4.example/cb", true, "1.2.3.4.example", false},
      {"https://0xa.0xg/cb", true, "0xa.0xg", false},
      {"http://localhost.evil.example/", false, "localhost.evil.example", false},
      {"http://127.0.0.1.evil.example/", false, "127.0.0.1.evil.example", false},
  };
  for (const auto& expected : cases) {
    const absl::StatusOr<WebUri> uri = ParseWebUri(expected.text);
    ASSERT_TRUE(uri.ok()) << expected.text << ": " << uri.status();
    EXPECT_EQ(uri->https, expected.https) << expected.text;
    EXPECT_EQ(uri->host, expected.host) << expected.text;
    EXPECT_EQ(uri->IsLoopback(), expected.loopback) << expected.text;
  }
}

TEST(WebUriTest, TellsWhatIsSentToNobodyElse) {
  for (const char* host : {"localhost", "127.0.0.1", "[::1]", "127.8.9.1", "0.0.0.0", "agent.localhost"}) {
    EXPECT_TRUE((WebUri{true, host}.StaysOnTheMachine())) << host;
  }
  for (const char* host : {"agent.example", "127.0.0.1.example", "localhost.example", "10.0.0.1", "notlocalhost"}) {
    EXPECT_FALSE((WebUri{true, host}.StaysOnTheMachine())) << host;
  }
}

TEST(WebUriTest, WhateverCouldBeReadInTwoWaysIsNone) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "must begin with https://"},
      {"javascript:alert(1)", "must begin with"},
      {"ftp://x/y", "must begin with"},
      {"myapp:/cb", "must begin with"},
      {"//agent.example/", "must begin with"},
      {"HTTPS://agent.example/", "must begin with"},
      {" https://agent.example/", "must begin with"},
      {"https:/agent.example/", "must begin with"},
      {"https://agent.example/cb#", "no fragment"},
      {"https://agent.example/cb#f", "no fragment"},
      {"https://*.agent.example/cb", "no wildcard"},
      {"https://agent.example/*", "no wildcard"},
      {"https://user@agent.example/", "no user name"},
      {"https://user:password@agent.example/", "no user name"},
      {"https://agent.example\\@evil.example/", "only the characters"},
      {"https://agent.example/a b", "only the characters"},
      {"https://agent.example/\t", "only the characters"},
      {std::string("https://agent.example/\0", 23), "only the characters"},
      {"https://agent.example/%", "only the characters"},
      {"https://agent.example/%2", "only the characters"},
      {"https://agent.example/%zz", "only the characters"},
      {"https://b\xC3\xBC"
       "cher.example/",
       "only the characters"},
      {"https://agent.example/\"", "only the characters"},
      {"https:///cb", "name its host"},
      {"https://:80/cb", "name its host"},
      {"https://agent..example/", "name its host"},
      {"https://.example/", "name its host"},
      {"https://agent.example./", "name its host"},
      {"https://agent_.example/", "name its host"},
      {"https://%61gent.example/", "name its host"},
      {"https://[::2]/", "name its host"},
      // Addresses to a browser.
      {"https://2130706433/", "name its host"},
      {"https://0x7f000001/", "name its host"},
      {"https://0x7F.1/", "name its host"},
      {"https://127.1/", "name its host"},
      {"https://0177.0.0.1/", "name its host"},
      {"https://127.0.0.01/", "name its host"},
      {"https://999/", "name its host"},
      {"https://0/", "name its host"},
      {"https://0x/", "name its host"},
      {"https://agent.example.0x/", "name its host"},
      {"https://agent.example.7/", "name its host"},
      {"https://1.2.3.4.5/", "name its host"},
      {"https://256.1.1.1/", "name its host"},
      {"https://1.2.3.0x4/", "name its host"},
      {"https://[::1/", "name a host"},
      {"https://-a.example/", "name its host"},
      {"https://" + std::string(64, 'a') + "/", "name its host"},
      {"https://agent.example:/", "a port"},
      {"https://agent.example:0/", "a port"},
      {"https://agent.example:65536/", "a port"},
      {"https://agent.example:+1/", "a port"},
      {"https://agent.example:80:80/", "a port"},
      {"https://[::1]x/", "a port"},
      {"https://agent.example/" + std::string(2048, 'a'), "at most 2048 bytes"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(std::string(ParseWebUri(text).status().message()), HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace auth_service
