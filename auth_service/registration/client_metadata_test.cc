#include "auth_service/registration/client_metadata.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA;
using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI;
using gatehouse::auth::v1::RegistrationRefusal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Metadata with these redirect URIs (JSON texts) and further members.
std::string With(const std::string& redirect_uris, const std::string& more = "") {
  return absl::StrCat(R"({"redirect_uris":[)", redirect_uris, "]", more.empty() ? "" : ",", more, "}");
}

constexpr char kWeb[] = R"("https://agent.example/cb")";
constexpr char kLoopback[] = R"("http://localhost:6274/oauth/callback")";

ClientMetadata Good(const std::string& json, const std::vector<std::string>& hosts = {}) {
  ClientMetadata client;
  const std::optional<RegistrationRefusal> refusal = ReadClientMetadata(json, hosts, client);
  EXPECT_FALSE(refusal.has_value()) << json << ": " << refusal->description();
  return client;
}

RegistrationRefusal Bad(const std::string& json, const std::vector<std::string>& hosts = {}) {
  ClientMetadata client;
  const std::optional<RegistrationRefusal> refusal = ReadClientMetadata(json, hosts, client);
  EXPECT_TRUE(refusal.has_value()) << json;
  return refusal.value_or(RegistrationRefusal());
}

TEST(ClientMetadataTest, WhatAnMcpClientOnItsUsersMachineSends) {
  const ClientMetadata client = Good(
      With(kLoopback,
           R"("client_name":"MCP Inspector","client_uri":"https://agent.example","grant_types":["authorization_code",)"
           R"("refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"openid email",)"
           R"("contacts":["a@b.c"],"software_id":"x","unknown":{"y":[1]})"));
  EXPECT_EQ(client.kind, ClientKind::kNative);
  EXPECT_EQ(client.auth_method, TokenEndpointAuthMethod::kNone);
  EXPECT_THAT(client.redirect_uris, ElementsAre("http://localhost:6274/oauth/callback"));
  EXPECT_THAT(client.redirect_hosts, ElementsAre("localhost"));
  EXPECT_TRUE(client.refresh_token);
  EXPECT_EQ(client.client_name, "MCP Inspector");
  EXPECT_EQ(client.client_uri, "https://agent.example");
  EXPECT_TRUE(client.scopes_asked);
  EXPECT_THAT(client.scopes, ElementsAre("openid", "email"));
}

TEST(ClientMetadataTest, TheKindFollowsFromWhereItRunsAndWhatItCanKeep) {
  struct {
    const char* uris;
    const char* more;
    ClientKind kind;
    const char* method;
  } const cases[] = {
      {kWeb, "", ClientKind::kConfidential, "client_secret_basic"},  // the default of RFC 7591
      {kWeb, R"("token_endpoint_auth_method":"client_secret_post")", ClientKind::kConfidential, "client_secret_post"},
      {kWeb, R"("token_endpoint_auth_method":"none")", ClientKind::kBrowser, "none"},
      {kWeb, R"("token_endpoint_auth_method":"none","application_type":"web")", ClientKind::kBrowser, "none"},
      {kWeb, R"("token_endpoint_auth_method":"none","application_type":"native")", ClientKind::kNative, "none"},
      {kWeb, R"("application_type":"native")", ClientKind::kNative, "none"},
      {kLoopback, "", ClientKind::kNative, "none"},
      {kLoopback, R"("token_endpoint_auth_method":"client_secret_post")", ClientKind::kNative, "none"},
      {R"("https://agent.example/cb","http://127.0.0.1/cb")", R"("token_endpoint_auth_method":"none")",
       ClientKind::kNative, "none"},
      // Whatever the scheme: who can receive something there is on the machine, and so is the secret.
      {R"("https://localhost/cb")", "", ClientKind::kNative, "none"},
      {R"("https://127.0.0.1:8443/cb")", R"("token_endpoint_auth_method":"client_secret_post")", ClientKind::kNative,
       "none"},
      {R"("https://agent.example/cb","https://[::1]/cb")", R"("token_endpoint_auth_method":"none")",
       ClientKind::kNative, "none"},
      {R"("https://127.1.2.3/cb")", "", ClientKind::kNative, "none"},
  };
  for (const auto& expected : cases) {
    const ClientMetadata client = Good(With(expected.uris, expected.more));
    EXPECT_EQ(client.kind, expected.kind) << expected.uris << expected.more;
    EXPECT_STREQ(AuthMethodName(client.auth_method), expected.method) << expected.uris << expected.more;
  }
  for (const char* uris : {kLoopback, R"("https://localhost/cb")", R"("https://127.0.0.1/cb")", R"("https://[::1]/cb")",
                           R"("https://agent.example/cb","https://app.localhost/cb")"}) {
    EXPECT_EQ(Bad(With(uris, R"("application_type":"web")")).reason(), REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI)
        << uris;
  }
}

TEST(ClientMetadataTest, WhereTokensCouldGoAstrayIsRefused) {
  const std::pair<std::string, const char*> cases[] = {
      {"{}", "redirect_uris must be an array of 1 to 10 URIs"},
      {R"({"redirect_uris":[]})", "redirect_uris must be"},
      {R"({"redirect_uris":null})", "redirect_uris must be"},
      {R"({"redirect_uris":"https://agent.example/"})", "redirect_uris must be"},
      {With(R"("https://a.example/","https://b.example/",7)"), "redirect_uris[2] must be a string"},
      {With("\"javascript:alert(1)\""), "redirect_uris[0] must begin with https://"},
      {With(R"("http://10.0.0.1/cb")"), "redirect_uris[0] must be https; http is for localhost"},
      {With(R"("https://a/cb#f")"), "redirect_uris[0] must have no fragment"},
      {With(R"("myapp:/cb")"), "redirect_uris[0] must begin with"},
      {With(R"("https://*.a.example/cb")"), "redirect_uris[0] must have no wildcard"},
      {With(R"("https://x@a.example/cb")"), "redirect_uris[0] must have no user name"},
      {With(R"("https://a.example/)" + std::string(2048, 'a') + "\""), "redirect_uris[0] must have at most 2048 bytes"},
      {With(R"("https://a/1","https://a/2","https://a/3","https://a/4","https://a/5","https://a/6","https://a/7",)"
            R"("https://a/8","https://a/9","https://a/10","https://a/11")"),
       "redirect_uris must be an array of 1 to 10 URIs"},
  };
  for (const auto& [json, message] : cases) {
    const RegistrationRefusal refusal = Bad(json);
    EXPECT_EQ(refusal.reason(), REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI) << json;
    EXPECT_THAT(refusal.description(), HasSubstr(message)) << json;
  }
}

TEST(ClientMetadataTest, HostsMayBeLimited) {
  const std::vector<std::string> hosts = {"agent.example", "localhost"};
  EXPECT_THAT(Good(With(R"("https://AGENT.example:8443/cb")"), hosts).redirect_hosts, ElementsAre("agent.example"));
  Good(With(kLoopback), hosts);
  for (const char* uri : {R"("https://evil.example/")", R"("https://x.agent.example/")", R"("http://127.0.0.1/cb")",
                          R"("https://agent.example.evil.example/")"}) {
    const RegistrationRefusal refusal = Bad(With(absl::StrCat(kLoopback, ",", uri)), hosts);
    EXPECT_EQ(refusal.reason(), REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI) << uri;
    EXPECT_THAT(refusal.description(), HasSubstr("redirect_uris[1] has a host that may not be registered here"));
  }
}

TEST(ClientMetadataTest, GrantsBeyondTheCodeFlowAreLeftOut) {
  EXPECT_FALSE(Good(With(kWeb)).refresh_token);
  EXPECT_FALSE(Good(With(kWeb, R"("grant_types":["authorization_code"])")).refresh_token);
  EXPECT_TRUE(Good(With(kWeb, R"("grant_types":["authorization_code","refresh_token",)"
                              R"("urn:ietf:params:oauth:grant-type:device_code"],"response_types":["code","token"])"))
                  .refresh_token);
}

TEST(ClientMetadataTest, OtherMembersThatAreWrongAreRefused) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "the body must be one JSON object"},
      {"[]", "the body must be one JSON object"},
      {R"({"redirect_uris":["https://a/"],"redirect_uris":["https://b/"]})", "without a name twice"},
      {With(kWeb, R"("token_endpoint_auth_method":"private_key_jwt")"), "token_endpoint_auth_method must be none"},
      {With(kWeb, R"("token_endpoint_auth_method":["none"])"), "token_endpoint_auth_method must be a string"},
      {With(kWeb, R"("application_type":"service")"), "application_type must be web or native"},
      {With(kWeb, R"("grant_types":["client_credentials"])"), "grant_types must have authorization_code"},
      {With(kWeb, R"("grant_types":[])"), "grant_types must have authorization_code"},
      {With(kWeb, R"("grant_types":"authorization_code")"), "grant_types must be an array"},
      {With(kWeb, R"("grant_types":[1])"), "grant_types must be an array of strings"},
      {With(kWeb, R"("response_types":["token"])"), "response_types must have code"},
      {With(kWeb, R"("client_name":7)"), "client_name must be a string"},
      {With(kWeb, "\"client_name\":\"" + std::string(257, 'a') + "\""), "client_name must have at most 256 bytes"},
      {With(kWeb, R"("client_name":"a\u0000b")"), "client_name must hold no control"},
      {With(kWeb, R"("client_name":"a\nb")"), "client_name must hold no control"},
      {With(kWeb, R"("client_name":"a\u202Eb")"), "client_name must hold no control"},
      {With(kWeb, R"("client_name":"a\u200Bb")"), "client_name must hold no control"},
      {With(kWeb, R"("client_name":"a\uDB40\uDC41")"), "client_name must hold no control"},
      {With(kWeb, R"("client_name":"\u2800\u2800")"), "client_name must hold no control"},
      {With(kWeb, R"("client_name":"a\uD834\uDD59")"), "client_name must hold no control"},
      {With(kWeb, R"("client_name":"\u00A0\u00A0")"), "client_name must have a character that can be seen"},
      {With(kWeb, R"("client_name":" \u3000 ")"), "client_name must have a character that can be seen"},
      {With(kWeb, R"("client_name":"\u2003")"), "client_name must have a character that can be seen"},
      {With(kWeb, R"("scope":"a \"b\"")"), "scope must be"},
      {With(kWeb, R"("scope":"\u00e9")"), "scope must be"},
      {With(kWeb, R"("scope":["openid"])"), "scope must be a string"},
      {With(kWeb, R"("client_uri":"http://agent.example")"), "client_uri must be https"},
      {With(kWeb, R"("logo_uri":"data:image/png;base64,AA")"), "logo_uri must begin with https://"},
      {With(kWeb, R"("tos_uri":"https://agent.example/#tos")"), "tos_uri must have no fragment"},
      {With(kWeb, "\"policy_uri\":\"javascript:alert(1)\""), "policy_uri must begin with https://"},
      {With(kWeb, R"("policy_uri":{})"), "policy_uri must be a string"},
  };
  for (const auto& [json, message] : cases) {
    const RegistrationRefusal refusal = Bad(json);
    EXPECT_EQ(refusal.reason(), REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA) << json;
    EXPECT_THAT(refusal.description(), HasSubstr(message)) << json;
    EXPECT_EQ(refusal.description().find_first_of("\"\\\n"), std::string::npos) << json;
  }
}

TEST(ClientMetadataTest, AClientAlwaysHasAName) {
  EXPECT_EQ(Good(With(kWeb)).client_name, "Agent at agent.example");
  EXPECT_EQ(Good(With(kWeb, R"("client_name":"")")).client_name, "Agent at agent.example");
  const std::string label(63, 'a');
  const std::string long_host = absl::StrCat(label, ".", label, ".", label, ".", label.substr(2));
  EXPECT_EQ(Good(With(absl::StrCat("\"https://", long_host, "/\""))).client_name.size(), kMaxClientNameBytes);
  EXPECT_EQ(Good(With(kWeb, R"("client_name":"  ")")).client_name, "Agent at agent.example");
  EXPECT_EQ(Good(With(kWeb, R"("client_name":null)")).client_name, "Agent at agent.example");
  EXPECT_EQ(Good(With(kWeb, R"("client_name":" B\u00fccher \ud83d\udcda <b> ")")).client_name,
            "B\xC3\xBC"
            "cher \xF0\x9F\x93\x9A <b>");
  EXPECT_EQ(Good(With(kWeb, R"("client_name":"\u5bb6\u3000\u00a0x")")).client_name,
            "\xE5\xAE\xB6\xE3\x80\x80\xC2\xA0x");
}

TEST(ClientMetadataTest, AClientThatAsksForNoScopeLeavesTheChoiceToUs) {
  for (const char* more : {"", R"("scope":"")", R"("scope":"  ")", R"("scope":null)"}) {
    const ClientMetadata client = Good(With(kWeb, more));
    EXPECT_FALSE(client.scopes_asked) << more;
    EXPECT_THAT(client.scopes, IsEmpty()) << more;
  }
}

}  // namespace
}  // namespace auth_service
