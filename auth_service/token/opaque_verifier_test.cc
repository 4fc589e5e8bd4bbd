#include "auth_service/token/opaque_verifier.h"

#include <string>

#include "auth_service/provider/fake_http_client.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kResource[] = "https://mcp.example.com/mcp";
constexpr char kUserinfo[] = "https://id.example.com/oidc/me";
constexpr char kToken[] = "NzJhY2Y0ZDQtZmFrZS1vcGFxdWUtdG9rZW4tMDAwMDE";

class OpaqueVerifierTest : public ::testing::Test {
 protected:
  OpaqueVerifierTest()
      : discovery_(kIssuer, absl::Seconds(1), provider_, clock_),
        verifier_(true, absl::Seconds(5), discovery_, provider_, clock_) {
    provider_.Answer(
        "https://id.example.com/oidc/.well-known/openid-configuration", 200,
        R"({"issuer":"https://id.example.com/oidc","userinfo_endpoint":"https://id.example.com/oidc/me"})");
    EXPECT_TRUE(discovery_.Refresh().ok());
  }

  absl::StatusOr<Verdict> Verify(absl::Duration timeout = absl::Seconds(60)) {
    return verifier_.VerifyWithProvider(kToken, kResource, clock_.Now() + timeout);
  }

  common::FakeClock clock_;
  FakeHttpClient provider_;
  Discovery discovery_;
  OpaqueVerifier verifier_;
};

TEST_F(OpaqueVerifierTest, UserinfoTellsWhoTheCallerIs) {
  provider_.Answer(kUserinfo, 200, "{ \"sub\": \"ffsuss18c8xn\",\n \"picture\": null, \"updated_at\": 1795379993267 }");
  const absl::StatusOr<Verdict> verdict = Verify();
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  ASSERT_TRUE(verdict->accepted());
  const auto& principal = verdict->response.principal();
  EXPECT_EQ(principal.issuer(), kIssuer);
  EXPECT_EQ(principal.subject(), "ffsuss18c8xn");
  EXPECT_EQ(principal.claims_json(), R"({"sub":"ffsuss18c8xn","picture":null,"updated_at":1795379993267})");
  EXPECT_EQ(principal.token_kind(), gatehouse::auth::v1::TOKEN_KIND_OPAQUE);
  EXPECT_FALSE(principal.scopes_known());
  EXPECT_FALSE(principal.audience_known());
  ASSERT_EQ(principal.claim_origins_size(), 1);
  EXPECT_EQ(principal.claim_origins(0).source(), gatehouse::auth::v1::CLAIM_SOURCE_USERINFO);
  EXPECT_EQ(principal.scopes_size(), 0);
  EXPECT_FALSE(principal.has_expire_time());
  EXPECT_EQ(principal.client_id(), "");
}

TEST_F(OpaqueVerifierTest, TheTokenGoesToUserinfoOnly) {
  (void)Verify();
  const HttpRequest request = provider_.requests().back();
  EXPECT_EQ(request.url, kUserinfo);
  EXPECT_EQ(request.bearer_token, kToken);
  EXPECT_EQ(request.endpoint, ProviderEndpoint::kUserinfo);
  EXPECT_EQ(provider_.requests().front().bearer_token, "");
}

TEST_F(OpaqueVerifierTest, ARequestTakesNoLongerThanTheCallerOrTheSettingAllows) {
  (void)Verify(absl::Seconds(60));
  EXPECT_EQ(provider_.requests().back().timeout, absl::Seconds(5));
  (void)Verify(absl::Milliseconds(700));
  EXPECT_EQ(provider_.requests().back().timeout, absl::Milliseconds(700));
  const size_t before = provider_.requests().size();
  EXPECT_EQ(Verify(absl::ZeroDuration()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(provider_.requests().size(), before);
}

TEST_F(OpaqueVerifierTest, WhatTheProviderRefusesIsRefused) {
  const struct {
    int status;
    const char* body;
    gatehouse::auth::v1::RefusalReason reason;
  } cases[] = {
      {401, R"({"error":"invalid_token","error_description":"expired"})", gatehouse::auth::v1::REFUSAL_REASON_INACTIVE},
      {401, "", gatehouse::auth::v1::REFUSAL_REASON_INACTIVE},
      {400, R"({"code":"oidc.invalid_client","error":"invalid_client"})", gatehouse::auth::v1::REFUSAL_REASON_INACTIVE},
      {400, R"({"error":"invalid_token"})", gatehouse::auth::v1::REFUSAL_REASON_INACTIVE},
      {400, R"({"error":"invalid_request"})", gatehouse::auth::v1::REFUSAL_REASON_INACTIVE},
      {403, R"({"error":"insufficient_scope"})", gatehouse::auth::v1::REFUSAL_REASON_INSUFFICIENT_SCOPE_AT_PROVIDER},
  };
  for (const auto& [status, body, reason] : cases) {
    provider_.Answer(kUserinfo, status, body);
    const absl::StatusOr<Verdict> verdict = Verify();
    ASSERT_TRUE(verdict.ok()) << status << body;
    EXPECT_EQ(verdict->response.refusal().reason(), reason) << status << body;
  }
}

TEST_F(OpaqueVerifierTest, WhoeverStandsBeforeTheProviderRefusesNoToken) {
  const std::pair<int, const char*> cases[] = {
      {403, "<html>Access denied by the firewall</html>"},
      {403, ""},
      {403, R"({"message":"Forbidden"})"},
      {403, R"({"error":"access_denied"})"},
      {403, R"({"error":"invalid_token"})"},
      {401, "<html>Proxy login</html>"},
      {401, R"({"message":"No API key found in request"})"},
      {401, R"({"error":["invalid_token"]})"},
      {401, R"({"error":"insufficient_scope"})"},
      {400, "<html>400 The plain HTTP request was sent to HTTPS port</html>"},
      {400, ""},
      {400, R"({"error":"server_error"})"},
  };
  for (const auto& [status, body] : cases) {
    provider_.Answer(kUserinfo, status, body);
    EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable) << status << body;
  }
}

TEST_F(OpaqueVerifierTest, WithoutASubjectThereIsNoCaller) {
  for (const char* body : {"{}", R"({"sub":null})", R"({"sub":""})", R"({"sub":7})", R"({"name":"alice"})"}) {
    provider_.Answer(kUserinfo, 200, body);
    const absl::StatusOr<Verdict> verdict = Verify();
    ASSERT_TRUE(verdict.ok()) << body;
    EXPECT_EQ(verdict->response.refusal().reason(), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM) << body;
  }
}

TEST_F(OpaqueVerifierTest, AProviderInTroubleIsNoVerdict) {
  for (const int status : {500, 502, 503, 504, 429, 301, 302, 307, 404, 405, 418, 204}) {
    provider_.Answer(kUserinfo, status, R"({"sub":"alice"})");
    EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable) << status;
  }
  for (const std::string& body : {std::string("<html>"), std::string(), std::string("[]"), std::string("{\"sub\":\"a"),
                                  std::string("{\"sub\":\"\xFF\"}"), std::string("{\"sub\":\"a\",\"sub\":\"b\"}"),
                                  "{\"sub\":\"a\",\"x\":\"" + std::string(64 * 1024, 'x') + "\"}"}) {
    provider_.Answer(kUserinfo, 200, body);
    EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable) << body.substr(0, 40);
  }
  for (const absl::Status& status :
       {absl::DeadlineExceededError("slow"), absl::UnavailableError("refused"), absl::ResourceExhaustedError("long")}) {
    provider_.AnswerWith(kUserinfo, status);
    EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable) << status;
  }
}

TEST_F(OpaqueVerifierTest, BeforeDiscoveryThereIsNoVerdict) {
  Discovery nothing_yet(kIssuer, absl::Seconds(1), provider_, clock_);
  OpaqueVerifier verifier(true, absl::Seconds(5), nothing_yet, provider_, clock_);
  EXPECT_EQ(verifier.VerifyWithProvider(kToken, kResource, clock_.Now() + absl::Seconds(1)).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(OpaqueVerifierTest, AnIssuerWithoutUserinfoGivesNoVerdict) {
  provider_.Answer("https://id.example.com/oidc/.well-known/openid-configuration", 200,
                   R"({"issuer":"https://id.example.com/oidc"})");
  ASSERT_TRUE(discovery_.Refresh().ok());
  EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(OpaqueVerifierTest, IsRefusedUnlessTheConfigurationAcceptsIt) {
  EXPECT_FALSE(verifier_.VerifyLocally(kToken, kResource).has_value());
  OpaqueVerifier refusing(false, absl::Seconds(5), discovery_, provider_, clock_);
  const std::optional<Verdict> verdict = refusing.VerifyLocally(kToken, kResource);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_EQ(verdict->response.refusal().reason(), gatehouse::auth::v1::REFUSAL_REASON_OPAQUE_NOT_ALLOWED);
}

}  // namespace
}  // namespace auth_service
