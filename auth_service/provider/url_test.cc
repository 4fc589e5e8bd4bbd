#include "auth_service/provider/url.h"

#include "gtest/gtest.h"

namespace auth_service {
namespace {

TEST(UrlTest, TakesAUrlApart) {
  const auto url = ParseUrl("https://ID.example.com:8443/oidc");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "id.example.com");
  EXPECT_EQ(url->origin, "https://id.example.com:8443");
  EXPECT_EQ(url->path, "/oidc");
}

TEST(UrlTest, ABareSlashIsNoPath) {
  EXPECT_EQ(ParseUrl("https://id.example.com/")->path, "");
  EXPECT_EQ(ParseUrl("https://id.example.com")->path, "");
}

TEST(UrlTest, RefusesWhatIsNotAPlainHttpUrl) {
  for (const char* text : {"", "id.example.com", "/oidc", "ftp://id.example.com/", "https://", "https://a b/",
                           "https://user@id.example.com/", "https://id.example.com/#f", "https://id.example.com/?a=b",
                           "https://id.example.com/\n", "file:///etc/passwd", "https://\xC3\xA9.example/"}) {
    EXPECT_EQ(ParseUrl(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(UrlTest, TellsWhichHostIsMeant) {
  constexpr char kIssuer[] = "https://id.example.com/oidc";
  for (const char* text : {"https://id.example.com/oidc/jwks", "https://ID.example.com:8443/k?v=1",
                           "https://keys.example.net/jwks", "https://[2001:db8::1]/jwks"}) {
    EXPECT_TRUE(IsAtHostOf(text, kIssuer, {"keys.example.net", "[2001:db8::1]"})) << text;
  }
  for (const char* text : {"https://keys.example.com/", "https://id.example.com.evil.example/", "https://example.com/",
                           "https://id.example.com@evil.example/", "https://127.0.0.1/", "jwks", ""}) {
    EXPECT_FALSE(IsAtHostOf(text, kIssuer, {"keys.example.net"})) << text;
  }
  EXPECT_TRUE(IsAtHostOf("http://127.0.0.1:1/jwks", "http://localhost:3100/oidc", {}));
  for (const char* host : {"keys.example.net", "10.0.0.1", "[::1]"}) EXPECT_TRUE(IsUrlHost(host)) << host;
  for (const char* host : {"", "Keys.example.net", "keys.example.net:443", "keys.example.net/", "https://a", "a b",
                           "*.example.net", "a@b"}) {
    EXPECT_FALSE(IsUrlHost(host)) << host;
  }
}

TEST(UrlTest, PlainHttpIsForLoopbackOnly) {
  EXPECT_TRUE(CheckProviderUrl("https://id.example.com/jwks?v=1", false).ok());
  EXPECT_TRUE(CheckProviderUrl("http://localhost:3100/oidc/jwks", true).ok());
  EXPECT_TRUE(CheckProviderUrl("http://127.0.0.1/jwks", true).ok());
  EXPECT_TRUE(CheckProviderUrl("http://[::1]:3100/jwks", true).ok());
  EXPECT_FALSE(CheckProviderUrl("http://localhost:3100/oidc/jwks", false).ok());
  EXPECT_FALSE(CheckProviderUrl("http://id.example.com/jwks", true).ok());
  EXPECT_FALSE(CheckProviderUrl("http://localhost.example.com/jwks", true).ok());
  EXPECT_FALSE(CheckProviderUrl("http://localhost@id.example.com/jwks", true).ok());
}

TEST(UrlTest, FormEncodeLeavesNothingThatHasAMeaning) {
  EXPECT_EQ(FormEncode("aZ9*-._"), "aZ9*-._");
  EXPECT_EQ(FormEncode("a b&c=d+%:/\xC3\xA4~"), "a+b%26c%3Dd%2B%25%3A%2F%C3%A4%7E");
}

}  // namespace
}  // namespace auth_service
