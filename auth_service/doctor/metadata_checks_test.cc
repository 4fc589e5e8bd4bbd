#include "auth_service/doctor/metadata_checks.h"

#include <string>

#include "auth_service/provider/fake_http_client.h"
#include "common/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace auth_service {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kIssuer[] = "https://t.logto.app/oidc";
constexpr char kOpenId[] = "https://t.logto.app/oidc/.well-known/openid-configuration";
constexpr char kInserted[] = "https://t.logto.app/.well-known/oauth-authorization-server/oidc";

json Good() {
  return {{"issuer", kIssuer},
          {"authorization_endpoint", "https://t.logto.app/oidc/auth"},
          {"token_endpoint", "https://t.logto.app/oidc/token"},
          {"userinfo_endpoint", "https://t.logto.app/oidc/me"},
          {"introspection_endpoint", "https://t.logto.app/oidc/token/introspection"},
          {"jwks_uri", "https://t.logto.app/oidc/jwks"},
          {"response_types_supported", {"code"}},
          {"grant_types_supported", {"authorization_code", "refresh_token"}},
          {"token_endpoint_auth_methods_supported", {"none"}},
          {"code_challenge_methods_supported", {"S256"}},
          {"authorization_response_iss_parameter_supported", true},
          {"scopes_supported", {"openid", "profile", "email"}}};
}

class DiscoveryCheckTest : public ::testing::Test {
 protected:
  Discovered Check(const std::string& issuer = kIssuer) {
    return CheckDiscovery(probe_, issuer, absl::Seconds(30), clock_);
  }

  HttpResponse Dated(const json& document, absl::Duration behind) const {
    HttpResponse response{200, document.dump()};
    response.date = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", clock_.Now() - behind, absl::UTCTimeZone());
    return response;
  }

  FakeHttpClient client_;
  common::FakeClock clock_;
  Probe probe_{client_, absl::Seconds(1), false};
};

TEST_F(DiscoveryCheckTest, EachFormIsAskedForAndNamed) {
  client_.AnswerWith(kOpenId, Dated(Good(), absl::Seconds(2)));
  const Discovered discovered = Check();
  EXPECT_TRUE(discovered.trusted);
  ASSERT_EQ(discovered.findings.size(), 3);
  EXPECT_EQ(discovered.findings[0].outcome, Outcome::kOk);
  EXPECT_THAT(discovered.findings[0].text, HasSubstr("served as OpenID Connect, appended. Not in the inserted form"));
  EXPECT_EQ(discovered.findings[1].outcome, Outcome::kOk);
  EXPECT_EQ(discovered.findings[2].outcome, Outcome::kOk);
  EXPECT_EQ(client_.CountOf(kInserted), 1);
  EXPECT_EQ(client_.CountOf("https://t.logto.app/oidc/.well-known/oauth-authorization-server"), 1);
  EXPECT_EQ(client_.CountOf("https://t.logto.app/.well-known/openid-configuration/oidc"), 1);
}

TEST_F(DiscoveryCheckTest, DocumentsThatDifferAreAWarning) {
  json other = Good();
  other["token_endpoint"] = "https://t.logto.app/oidc/token2";
  client_.Answer(kOpenId, 200, Good().dump());
  client_.Answer(kInserted, 200, other.dump());
  EXPECT_EQ(Check().findings[0].outcome, Outcome::kWarning);
}

TEST_F(DiscoveryCheckTest, ASlashTooManyIsToldAndNothingElseIsTrusted) {
  json other = Good();
  other["issuer"] = "https://t.logto.app/oidc/";
  client_.Answer(kOpenId, 200, other.dump());
  const Discovered discovered = Check();
  EXPECT_FALSE(discovered.trusted);
  EXPECT_FALSE(discovered.document_json.empty());
  EXPECT_EQ(discovered.findings[1].check, "issuer");
  EXPECT_EQ(discovered.findings[1].outcome, Outcome::kFailure);
  EXPECT_THAT(discovered.findings[1].advice, HasSubstr("--issuer=https://t.logto.app/oidc/"));
}

TEST_F(DiscoveryCheckTest, AForgottenOidcIsFound) {
  client_.Answer(kOpenId, 200, Good().dump());
  const Discovered discovered = Check("https://t.logto.app");
  ASSERT_EQ(discovered.findings.size(), 1);
  EXPECT_EQ(discovered.findings[0].outcome, Outcome::kFailure);
  EXPECT_THAT(discovered.findings[0].advice, HasSubstr("--issuer=https://t.logto.app/oidc"));
}

TEST_F(DiscoveryCheckTest, ARedirectIsNoDocument) {
  client_.AnswerWith(kOpenId, HttpResponse{302, "", "https://elsewhere.example.com/"});
  EXPECT_THAT(Check().findings[0].text, HasSubstr("HTTP status 302, to \"https://elsewhere.example.com/\""));
}

TEST_F(DiscoveryCheckTest, AProviderThatIsAwayIsAskedOnce) {
  client_.AnswerWith(kOpenId, absl::UnavailableError("certificate has expired"));
  const Discovered discovered = Check();
  ASSERT_EQ(discovered.findings.size(), 1);
  EXPECT_THAT(discovered.findings[0].text, HasSubstr("certificate has expired"));
  EXPECT_EQ(client_.requests().size(), 1);
}

TEST_F(DiscoveryCheckTest, ClocksThatDifferAreToldApart) {
  const auto outcome = [&](absl::Duration behind) {
    client_.AnswerWith(kOpenId, Dated(Good(), behind));
    return Check().findings[2].outcome;
  };
  EXPECT_EQ(outcome(absl::Seconds(10)), Outcome::kOk);
  EXPECT_EQ(outcome(absl::Seconds(25)), Outcome::kWarning);
  EXPECT_EQ(outcome(-absl::Seconds(25)), Outcome::kWarning);
  EXPECT_EQ(outcome(absl::Minutes(2)), Outcome::kFailure);
  client_.Answer(kOpenId, 200, Good().dump());
  EXPECT_EQ(Check().findings[2].outcome, Outcome::kSkipped);
}

TEST(EndpointsCheckTest, MustBeThereAndHttps) {
  json document = Good();
  EXPECT_EQ(CheckEndpoints(document, kIssuer).outcome, Outcome::kOk);
  document["token_endpoint"] = "http://t.logto.app/oidc/token";
  EXPECT_EQ(CheckEndpoints(document, kIssuer).outcome, Outcome::kFailure);
  document.erase("token_endpoint");
  EXPECT_EQ(CheckEndpoints(document, kIssuer).outcome, Outcome::kFailure);
  document = Good();
  document["userinfo_endpoint"] = 5;
  EXPECT_EQ(CheckEndpoints(document, kIssuer).outcome, Outcome::kFailure);
  document.erase("userinfo_endpoint");
  EXPECT_EQ(CheckEndpoints(document, kIssuer).outcome, Outcome::kWarning);
}

TEST(EndpointsCheckTest, AnotherHostMustHaveBeenNamed) {
  json document = Good();
  document["jwks_uri"] = "https://keys.logto.app/jwks";
  const Finding failure = CheckEndpoints(document, kIssuer);
  EXPECT_EQ(failure.outcome, Outcome::kFailure);
  EXPECT_THAT(failure.text, HasSubstr("jwks_uri is not at the issuer's host: \"https://keys.logto.app/jwks\""));
  EXPECT_THAT(failure.advice, HasSubstr("--provider_hosts"));
  EXPECT_EQ(CheckEndpoints(document, kIssuer, {"keys.logto.app"}).outcome, Outcome::kOk);
  document = Good();
  document["userinfo_endpoint"] = "https://graph.example.com/me";
  const Finding warning = CheckEndpoints(document, kIssuer);
  EXPECT_EQ(warning.outcome, Outcome::kWarning);
  EXPECT_THAT(warning.text, HasSubstr("userinfo_endpoint \"https://graph.example.com/me\""));
  EXPECT_EQ(CheckEndpoints(document, kIssuer, {"graph.example.com"}).outcome, Outcome::kOk);
}

TEST(GrantsCheckTest, CodeIsNeededAndTheRestIsWelcome) {
  json document = Good();
  EXPECT_EQ(CheckGrants(document).outcome, Outcome::kOk);
  document["grant_types_supported"] = {"authorization_code"};
  EXPECT_THAT(CheckGrants(document).text, HasSubstr("refresh tokens"));
  document["grant_types_supported"] = {"implicit"};
  EXPECT_EQ(CheckGrants(document).outcome, Outcome::kFailure);
  document.erase("grant_types_supported");  // RFC 8414: then authorization_code is among them
  EXPECT_EQ(CheckGrants(document).outcome, Outcome::kWarning);
  document["response_types_supported"] = {"id_token"};
  EXPECT_EQ(CheckGrants(document).outcome, Outcome::kFailure);
}

TEST(PkceCheckTest, S256MustBeAnnounced) {
  json document = Good();
  EXPECT_EQ(CheckPkce(document).outcome, Outcome::kOk);
  document["code_challenge_methods_supported"] = {"plain"};
  EXPECT_EQ(CheckPkce(document).outcome, Outcome::kFailure);
  document["code_challenge_methods_supported"] = "S256";  // not a list
  EXPECT_EQ(CheckPkce(document).outcome, Outcome::kFailure);
  document.erase("code_challenge_methods_supported");
  EXPECT_EQ(CheckPkce(document).outcome, Outcome::kFailure);
}

TEST(IssCheckTest, IsAWarningWithoutIt) {
  json document = Good();
  EXPECT_EQ(CheckIssParameter(document).outcome, Outcome::kOk);
  document["authorization_response_iss_parameter_supported"] = "true";  // not a boolean
  EXPECT_EQ(CheckIssParameter(document).outcome, Outcome::kWarning);
}

TEST(RegistrationCheckTest, NamesEachWay) {
  json document = Good();
  EXPECT_EQ(CheckRegistration(document, false).outcome, Outcome::kWarning);
  EXPECT_THAT(CheckRegistration(document, true).text, HasSubstr("at Gatehouse"));
  document["registration_endpoint"] = "https://t.logto.app/oidc/reg";
  EXPECT_THAT(CheckRegistration(document, false).text, HasSubstr("at the provider"));
  document["client_id_metadata_document_supported"] = true;
  EXPECT_THAT(CheckRegistration(document, false).text, HasSubstr("by client ID metadata documents"));
}

TEST(ScopesCheckTest, UnlistedOnesAreNamed) {
  json document = Good();
  EXPECT_EQ(CheckScopes(document, {"openid", "email"}).outcome, Outcome::kOk);
  EXPECT_THAT(CheckScopes(document, {"openid", "todo:read"}).text, HasSubstr("does not list todo:read"));
  document.erase("scopes_supported");
  EXPECT_EQ(CheckScopes(document, {"openid"}).outcome, Outcome::kSkipped);
}

class EdgeCheckTest : public ::testing::Test {
 protected:
  static constexpr char kResource[] = "https://mcp.example.com/mcp";
  static constexpr char kMetadataUrl[] = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";

  Finding Check() { return CheckEdge(probe_, kIssuer, kResource, &registers_); }

  FakeHttpClient client_;
  Probe probe_{client_, absl::Seconds(1), false};
  bool registers_ = false;
};

TEST_F(EdgeCheckTest, NamesTheResourceAndTheIssuer) {
  json document = {{"resource", kResource}, {"authorization_servers", {kIssuer}}};
  client_.Answer(kMetadataUrl, 200, document.dump());
  EXPECT_EQ(Check().outcome, Outcome::kOk);
  EXPECT_FALSE(registers_);
  document["resource"] = "https://mcp.example.com/mcp/";
  client_.Answer(kMetadataUrl, 200, document.dump());
  EXPECT_EQ(Check().outcome, Outcome::kFailure);
  document = {{"resource", kResource}, {"authorization_servers", {"https://other.example.com"}}};
  client_.Answer(kMetadataUrl, 200, document.dump());
  EXPECT_EQ(Check().outcome, Outcome::kFailure);
  client_.Answer(kMetadataUrl, 404, "");
  EXPECT_EQ(Check().outcome, Outcome::kFailure);
  client_.AnswerWith(kMetadataUrl, absl::UnavailableError("connection refused"));
  EXPECT_EQ(Check().outcome, Outcome::kSkipped);
}

TEST_F(EdgeCheckTest, SeesThatTheEdgeRegisters) {
  client_.Answer(kMetadataUrl, 200, json({{"resource", kResource}, {"authorization_servers", {kIssuer}}}).dump());
  client_.Answer("https://mcp.example.com/.well-known/oauth-authorization-server", 200,
                 json({{"issuer", kIssuer}, {"registration_endpoint", "https://mcp.example.com/register"}}).dump());
  EXPECT_EQ(Check().outcome, Outcome::kOk);
  EXPECT_TRUE(registers_);
}

}  // namespace
}  // namespace auth_service
