#include "auth_service/doctor/probe.h"

#include "auth_service/provider/fake_http_client.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

TEST(ProbeTest, FormsAreWrittenAndReadAlike) {
  const Parameters parameters = {{"resource", "https://mcp.example.com/mcp?a=b&c"}, {"scope", "openid a+b 100%"}};
  const auto read = ReadForm(FormBody(parameters));
  EXPECT_EQ(read.at("resource"), "https://mcp.example.com/mcp?a=b&c");
  EXPECT_EQ(read.at("scope"), "openid a+b 100%");
}

TEST(ProbeTest, BrokenFormsAreReadAsFarAsTheyGo) {
  const auto read = ReadForm("&a=%zz%4&b&a=second&=x&c=%41");
  EXPECT_EQ(read.at("a"), "%zz%4");
  EXPECT_EQ(read.at("b"), "");
  EXPECT_EQ(read.at("c"), "A");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "p" + std::to_string(i) + "=1&";
  EXPECT_EQ(ReadForm(many).size(), 100);
}

TEST(ProbeTest, ErrorsAreReadWhereTheAnswerHasThem) {
  EXPECT_EQ(ReadOAuthError({400, R"({"error":"invalid_target","error_description":"unknown"})"}).error,
            "invalid_target");
  EXPECT_EQ(ReadOAuthError({400, R"({"error":"invalid_target","error_description":"unknown"})"}).text,
            "HTTP status 400, invalid_target \"unknown\"");
  EXPECT_EQ(ReadOAuthError({502, "<html>"}).error, "");
  EXPECT_EQ(ReadOAuthError({502, "<html>"}).text, "HTTP status 502");
}

TEST(ProbeTest, PlainHttpIsAskedOnLoopbackOnlyAndOnlyIfAllowed) {
  FakeHttpClient client;
  Probe strict(client, absl::Seconds(1), /*allow_loopback_http=*/false);
  Probe lenient(client, absl::Seconds(1), /*allow_loopback_http=*/true);
  EXPECT_EQ(strict.Get("http://127.0.0.1/").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(lenient.Get("http://10.0.0.1/").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(lenient.PostForm("file:///etc/passwd", {}, {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(client.requests().empty());
  EXPECT_TRUE(lenient.Get("http://127.0.0.1/").ok());
  EXPECT_EQ(client.requests().front().timeout, absl::Seconds(1));
}

TEST(ProbeTest, OnceLimitedItAsksNobodyElse) {
  FakeHttpClient client;
  Probe probe(client, absl::Seconds(1), false);
  EXPECT_TRUE(probe.Get("https://keys.example.net/jwks").ok());
  EXPECT_TRUE(client.requests().back().may_be_internal);
  for (const bool is_internal : {false, true}) {
    probe.LimitTo("https://id.example.com/oidc", {"keys.example.com"}, is_internal, {"https://tenant.example.com"});
    const size_t before = client.requests().size();
    EXPECT_EQ(probe.Get("https://keys.example.net/jwks").status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(probe.PostForm("https://10.0.0.1/token", {}, {}).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(client.requests().size(), before);
    for (const char* url : {"https://id.example.com/oidc/jwks", "https://keys.example.com/jwks"}) {
      EXPECT_TRUE(probe.Get(url).ok()) << url;
      EXPECT_EQ(client.requests().back().may_be_internal, is_internal) << url;
    }
    EXPECT_TRUE(probe.Get("https://tenant.example.com/api/users").ok());
    EXPECT_TRUE(client.requests().back().may_be_internal);
  }
}

TEST(ProbeTest, SecretsAreHidden) {
  FakeHttpClient client;
  Probe probe(client, absl::Seconds(1), false);
  probe.Conceal("s3cret-0123456789");
  probe.Conceal("");
  EXPECT_EQ(probe.Redacted("wrong secret s3cret-0123456789, twice s3cret-0123456789"),
            "wrong secret [redacted], twice [redacted]");
}

}  // namespace
}  // namespace auth_service
