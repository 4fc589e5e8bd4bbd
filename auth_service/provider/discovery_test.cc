#include "auth_service/provider/discovery.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "auth_service/provider/fake_http_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace auth_service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kOidc[] = "https://id.example.com/oidc/.well-known/openid-configuration";
constexpr char kInserted[] = "https://id.example.com/.well-known/oauth-authorization-server/oidc";
constexpr char kAppended[] = "https://id.example.com/oidc/.well-known/oauth-authorization-server";
constexpr char kDocument[] =
    "{ \"issuer\":\"https://id.example.com/oidc\",\n  \"jwks_uri\":\"https://id.example.com/oidc/jwks\","
    "\"userinfo_endpoint\":\"https://id.example.com/oidc/me\", \"x_unknown\":1.0 }";

class DiscoveryTest : public ::testing::Test {
 protected:
  std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

  common::FakeClock clock_;
  FakeHttpClient provider_;
  Discovery discovery_{kIssuer, absl::Seconds(5), provider_, clock_};
};

TEST_F(DiscoveryTest, AsksInEveryFormThatTheStandardsName) {
  EXPECT_THAT(MetadataUrls(kIssuer), ElementsAre(kOidc, kInserted, kAppended));
  EXPECT_THAT(MetadataUrls("https://id.example.com"),
              ElementsAre("https://id.example.com/.well-known/openid-configuration",
                          "https://id.example.com/.well-known/oauth-authorization-server"));
  EXPECT_THAT(MetadataUrls("https://id.example.com/"),
              ElementsAre("https://id.example.com/.well-known/openid-configuration",
                          "https://id.example.com/.well-known/oauth-authorization-server"));
  EXPECT_THAT(MetadataUrls("http://localhost:3100/a/b/"),
              ElementsAre("http://localhost:3100/a/b/.well-known/openid-configuration",
                          "http://localhost:3100/.well-known/oauth-authorization-server/a/b",
                          "http://localhost:3100/a/b/.well-known/oauth-authorization-server"));
}

TEST_F(DiscoveryTest, EachFormWillDo) {
  for (const char* url : {kOidc, kInserted, kAppended}) {
    FakeHttpClient provider;
    Discovery discovery(kIssuer, absl::Seconds(5), provider, clock_);
    provider.Answer(url, 200, kDocument);
    ASSERT_TRUE(discovery.Refresh().ok()) << url;
    const auto metadata = discovery.current();
    EXPECT_EQ(metadata->jwks_uri, "https://id.example.com/oidc/jwks");
    EXPECT_EQ(metadata->userinfo_endpoint, "https://id.example.com/oidc/me");
    EXPECT_EQ(metadata->document_json, kDocument);  // to the byte
    EXPECT_EQ(metadata->fetch_time, clock_.Now());
  }
}

TEST_F(DiscoveryTest, TheFirstFormThatServesIsTheLastOneAsked) {
  provider_.Answer(kOidc, 200, kDocument);
  ASSERT_TRUE(discovery_.Refresh().ok());
  ASSERT_EQ(provider_.requests().size(), 1u);
  EXPECT_EQ(provider_.requests()[0].timeout, absl::Seconds(5));
  EXPECT_EQ(provider_.requests()[0].max_response_bytes, 256u * 1024);
}

TEST_F(DiscoveryTest, TheIssuerMustBeEqualByteForByte) {
  for (const char* issuer : {"https://id.example.com/oidc/", "https://ID.example.com/oidc",
                             "http://id.example.com/oidc", "https://evil.example.com/oidc"}) {
    provider_.Answer(kOidc, 200, absl::StrCat("{\"issuer\":\"", issuer, "\"}"));
    const absl::Status status = discovery_.Refresh();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << issuer;
    EXPECT_THAT(MessageOf(status), HasSubstr(issuer));
    EXPECT_EQ(discovery_.current(), nullptr);
  }
}

TEST_F(DiscoveryTest, ADocumentThatIsNoneIsSaidToBeSo) {
  for (const char* body : {"<html>Sign in</html>", "", "[]", "{\"issuer\":7}", "{}"}) {
    provider_.Answer(kOidc, 200, body);
    EXPECT_EQ(discovery_.Refresh().code(), absl::StatusCode::kFailedPrecondition) << body;
  }
}

TEST_F(DiscoveryTest, AnEndpointThatIsNoTextMakesTheDocumentNone) {
  for (const char* name : {"jwks_uri", "userinfo_endpoint", "introspection_endpoint"}) {
    for (const char* value : {"5", "[]", "{}", "true"}) {
      provider_.Answer(kOidc, 200, absl::StrCat("{\"issuer\":\"", kIssuer, "\",\"", name, "\":", value, "}"));
      const absl::Status status = discovery_.Refresh();
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << name << " " << value;
      EXPECT_THAT(MessageOf(status), HasSubstr(absl::StrCat("the document's ", name, " is no string")));
      EXPECT_EQ(discovery_.current(), nullptr);
    }
    EXPECT_TRUE(ParseMetadata(absl::StrCat("{\"issuer\":\"", kIssuer, "\",\"", name, "\":null}"), kIssuer).ok());
  }
}

TEST_F(DiscoveryTest, ADocumentWithoutWhatIsNeededReplacesNoneThatHasIt) {
  const auto without = [](absl::string_view name) {
    nlohmann::json document = {{"issuer", kIssuer},
                               {"jwks_uri", absl::StrCat(kIssuer, "/jwks")},
                               {"userinfo_endpoint", absl::StrCat(kIssuer, "/me")},
                               {"introspection_endpoint", absl::StrCat(kIssuer, "/introspection")}};
    document.erase(std::string(name));
    return document.dump();
  };
  const struct {
    const char* name;
    NeededEndpoints needed;
    bool taken;
  } cases[] = {
      {"jwks_uri", {}, false},
      {"userinfo_endpoint", {false, true, false}, false},
      {"introspection_endpoint", {false, false, true}, false},
      {"userinfo_endpoint", {true, false, true}, true},
      {"introspection_endpoint", {true, true, false}, true},
  };
  for (const auto& expected : cases) {
    Discovery discovery(kIssuer, absl::Seconds(5), provider_, clock_, expected.needed);
    provider_.Answer(kOidc, 200, without(expected.name));
    EXPECT_TRUE(discovery.Refresh().ok()) << expected.name;  // there is no better one
    provider_.Answer(kOidc, 200, without(""));
    EXPECT_TRUE(discovery.Refresh().ok());
    provider_.Answer(kOidc, 200, without(expected.name));
    const absl::Status status = discovery.Refresh();
    EXPECT_EQ(status.ok(), expected.taken) << expected.name;
    EXPECT_EQ(discovery.current()->document_json, without(expected.taken ? expected.name : "")) << expected.name;
    if (expected.taken) continue;
    EXPECT_THAT(MessageOf(status), HasSubstr(absl::StrCat("names no ", expected.name, " any more")));
  }
}

TEST_F(DiscoveryTest, EndpointsMustBeHttps) {
  for (const char* endpoint : {"http://id.example.com/jwks", "http://localhost/jwks", "file:///etc/passwd", "/jwks"}) {
    provider_.Answer(kOidc, 200, absl::StrCat("{\"issuer\":\"", kIssuer, "\",\"jwks_uri\":\"", endpoint, "\"}"));
    const absl::Status status = discovery_.Refresh();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << endpoint;
    EXPECT_THAT(MessageOf(status), HasSubstr("jwks_uri"));
  }
}

TEST_F(DiscoveryTest, EndpointsAreAtTheIssuersHostOrOneThatTheOperatorHasNamed) {
  const auto document = [](const char* name, const char* url) {
    return absl::StrCat("{\"issuer\":\"", kIssuer, "\",\"", name, "\":\"", url, "\"}");
  };
  const NeededEndpoints all = {true, true, true};
  for (const char* name : {"jwks_uri", "userinfo_endpoint", "introspection_endpoint"}) {
    for (const char* url : {"https://169.254.169.254/latest", "https://127.0.0.1/x", "https://10.0.0.1/x",
                            "https://evil.example/x", "https://id.example.com.evil.example/x"}) {
      const auto parsed = ParseMetadata(document(name, url), kIssuer, all);
      EXPECT_EQ(parsed.status().code(), absl::StatusCode::kFailedPrecondition) << name << url;
      EXPECT_THAT(MessageOf(parsed.status()),
                  HasSubstr(absl::StrCat(name, " must be at the issuer's host or at one of --provider_hosts")));
    }
    EXPECT_TRUE(ParseMetadata(document(name, "https://ID.example.com:8443/x?y"), kIssuer, all).ok());
    EXPECT_TRUE(ParseMetadata(document(name, "https://keys.example.net/x"), kIssuer, all, {"keys.example.net"}).ok());
  }
  // What nobody will ask may be where it likes.
  const auto parsed = ParseMetadata(document("userinfo_endpoint", "https://graph.example.net/me"), kIssuer);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->userinfo_endpoint, "");
}

TEST_F(DiscoveryTest, AnIssuerInsideMayHaveItsEndpointsThere) {
  for (const bool is_internal : {false, true}) {
    HttpResponse response{200, kDocument};
    response.is_internal = is_internal;
    provider_.AnswerWith(kOidc, response);
    ASSERT_TRUE(discovery_.Refresh().ok());
    EXPECT_EQ(discovery_.current()->is_internal, is_internal);
  }
  for (const HttpRequest& request : provider_.requests()) EXPECT_TRUE(request.may_be_internal);
}

TEST_F(DiscoveryTest, AnIssuerOnLoopbackMayHaveEndpointsThere) {
  const std::string issuer = "http://localhost:3100/oidc";
  EXPECT_TRUE(
      ParseMetadata(R"({"issuer":"http://localhost:3100/oidc","jwks_uri":"http://127.0.0.1:3100/jwks"})", issuer).ok());
  EXPECT_FALSE(
      ParseMetadata(R"({"issuer":"http://localhost:3100/oidc","jwks_uri":"http://10.0.0.1/jwks"})", issuer).ok());
}

TEST_F(DiscoveryTest, AProviderThatCannotBeAskedIsUnavailable) {
  for (const int status : {500, 502, 503, 429}) {
    provider_.Answer(kOidc, status, "");
    EXPECT_EQ(discovery_.Refresh().code(), absl::StatusCode::kUnavailable) << status;
  }
  for (const absl::Status& error : {absl::DeadlineExceededError("slow"), absl::UnavailableError("refused")}) {
    provider_.AnswerWith(kOidc, error);
    EXPECT_EQ(discovery_.Refresh().code(), absl::StatusCode::kUnavailable) << error;
  }
}

TEST_F(DiscoveryTest, RedirectsAndMissingDocumentsAreNamedWithTheirUrls) {
  provider_.Answer(kOidc, 302, "");
  const absl::Status status = discovery_.Refresh();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(status), HasSubstr(absl::StrCat(kOidc, ": HTTP status 302")));
  EXPECT_THAT(MessageOf(status), HasSubstr(absl::StrCat(kAppended, ": HTTP status 404")));
}

TEST_F(DiscoveryTest, TheLastGoodDocumentStays) {
  provider_.Answer(kOidc, 200, kDocument);
  ASSERT_TRUE(discovery_.Refresh().ok());
  provider_.Answer(kOidc, 503, "");
  EXPECT_FALSE(discovery_.Refresh().ok());
  provider_.Answer(kOidc, 200, "{\"issuer\":\"https://evil.example.com/\"}");
  EXPECT_FALSE(discovery_.Refresh().ok());
  EXPECT_EQ(discovery_.current()->document_json, kDocument);
}

}  // namespace
}  // namespace auth_service
