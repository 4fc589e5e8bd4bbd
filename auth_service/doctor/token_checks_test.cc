#include "auth_service/doctor/token_checks.h"

#include <map>
#include <string>

#include "auth_service/doctor/fake_tenant.h"
#include "auth_service/doctor/key_checks.h"
#include "common/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kIssuer[] = "https://t.logto.app/oidc";
constexpr char kResource[] = "https://mcp.example.com/mcp";
constexpr char kManagementResource[] = "https://default.logto.app/api";

class TokenChecksTest : public ::testing::Test {
 protected:
  GrantedToken Request(const std::string& resource = kResource) {
    return RequestToken(probe_, "machine_token", logto_.issuer + "/token", credentials_, resource, "");
  }

  Finding CheckApi() { return CheckManagementApi(probe_, logto_.issuer + "/token", api_); }

  std::map<std::string, Finding> Check(const std::string& token) {
    TokenQuestion question{token, kIssuer};
    question.resource = kResource;
    question.userinfo_endpoint = logto_.issuer + "/me";
    question.introspection_endpoint = logto_.issuer + "/token/introspection";
    question.introspection = introspection_;
    question.clock_skew = absl::Seconds(30);
    question.show_claims = show_claims_;
    std::map<std::string, Finding> findings;
    for (Finding& finding :
         CheckToken(probe_, question, CheckKeys(probe_, logto_.issuer + "/jwks").keys, api_, clock_)) {
      findings.emplace(finding.check, finding);
    }
    return findings;
  }

  common::FakeClock clock_;
  FakeTenant logto_{kIssuer, kResource, clock_};
  Probe probe_{logto_, absl::Seconds(1), false};
  ClientCredentials credentials_{logto_.machine_id, logto_.machine_secret};
  ClientCredentials introspection_;
  ManagementAccess api_{logto_.base, kManagementResource, credentials_, ""};
  bool show_claims_ = false;
};

TEST_F(TokenChecksTest, MachineCredentialsGetAJwtForTheResource) {
  const GrantedToken issued = Request();
  EXPECT_EQ(issued.finding.outcome, Outcome::kOk);
  EXPECT_THAT(issued.finding.text, HasSubstr("a JWT comes back"));
  EXPECT_EQ(probe_.Redacted(issued.token), "[redacted]");
}

TEST_F(TokenChecksTest, WhyThereIsNoTokenIsTold) {
  EXPECT_THAT(Request("https://other.example.com/mcp").finding.advice, HasSubstr("API identifier"));
  credentials_.secret = "wrong-secret";
  EXPECT_THAT(Request().finding.text, HasSubstr("401, invalid_client"));
  credentials_.id = "nobody";
  EXPECT_THAT(Request().finding.text, HasSubstr("400, invalid_client"));
  logto_.overrides[logto_.issuer + "/token"] = HttpResponse{500, "Internal Server Error"};
  EXPECT_THAT(Request().finding.text, HasSubstr("HTTP status 500"));
}

TEST_F(TokenChecksTest, AnOpaqueTokenThatComesBackIsAWarning) {
  logto_.overrides[logto_.issuer + "/token"] = HttpResponse{200, R"({"access_token":"opaque-1234"})"};
  EXPECT_EQ(Request().finding.outcome, Outcome::kWarning);
}

TEST_F(TokenChecksTest, IntrospectionIsTriedWithATokenThatDoesNotExist) {
  const std::string endpoint = logto_.issuer + "/token/introspection";
  EXPECT_EQ(CheckIntrospection(probe_, endpoint, {}).outcome, Outcome::kSkipped);
  EXPECT_EQ(CheckIntrospection(probe_, endpoint, credentials_).outcome, Outcome::kOk);
  EXPECT_EQ(CheckIntrospection(probe_, endpoint, {credentials_.id, "wrong"}).outcome, Outcome::kFailure);
  EXPECT_EQ(CheckIntrospection(probe_, "", credentials_).outcome, Outcome::kFailure);
}

TEST_F(TokenChecksTest, TheManagementApiIsReadOnceToSeeThatItMayBe) {
  EXPECT_EQ(CheckApi().outcome, Outcome::kOk);
  EXPECT_FALSE(api_.access_token.empty());
}

TEST_F(TokenChecksTest, AMissingRoleForTheManagementApiIsTold) {
  logto_.machine_has_role = false;
  const Finding finding = CheckApi();
  EXPECT_EQ(finding.outcome, Outcome::kFailure);
  EXPECT_THAT(finding.advice, HasSubstr("Logto Management API access"));
  EXPECT_TRUE(api_.access_token.empty());
}

TEST_F(TokenChecksTest, AWrongEndpointOrAudienceOfTheManagementApiIsTold) {
  api_.api_resource = "https://other.logto.app/api";
  EXPECT_THAT(CheckApi().advice, HasSubstr("--logto_api_resource"));
  api_.api_resource = kManagementResource;
  api_.endpoint = "https://t.logto.app/oidc";
  EXPECT_THAT(CheckApi().advice, HasSubstr("--logto_endpoint"));
}

TEST_F(TokenChecksTest, PermissionsOfTheResourceAreListedWithTheirIds) {
  CheckApi();
  logto_.permissions.push_back({{"id", "p2"}, {"name", "todo:read"}});
  const Finding finding = CheckPermissions(probe_, api_, kResource);
  EXPECT_EQ(finding.outcome, Outcome::kOk);
  EXPECT_THAT(finding.text, HasSubstr(" email=p1,todo:read=p2"));
  logto_.permissions = nlohmann::json::array();
  EXPECT_EQ(CheckPermissions(probe_, api_, kResource).outcome, Outcome::kWarning);
  logto_.resources = {"https://mcp.example.com/mcp/"};
  EXPECT_THAT(CheckPermissions(probe_, api_, kResource).text, HasSubstr("it has \"https://mcp.example.com/mcp/\""));
  api_.access_token = "revoked";
  EXPECT_EQ(CheckPermissions(probe_, api_, kResource).outcome, Outcome::kSkipped);
}

TEST_F(TokenChecksTest, AGoodJwtWouldBeAcceptedAndUserinfoRefusesIt) {
  CheckApi();
  auto findings = Check(logto_.Jwt("alice-0001", kResource));
  EXPECT_EQ(findings["token"].outcome, Outcome::kOk) << findings["token"].text;
  EXPECT_THAT(findings["token"].text, HasSubstr("typ \"at+jwt\", alg \"ES384\", aud \"https://mcp.example.com/mcp\""));
  EXPECT_THAT(findings["whoami.token"].text, HasSubstr("aud, client_id, exp"));
  EXPECT_THAT(findings["whoami.token"].text, Not(HasSubstr("alice")));
  EXPECT_EQ(findings["whoami.userinfo"].outcome, Outcome::kWarning);
  EXPECT_THAT(findings["whoami.userinfo"].advice, HasSubstr("--profile=logto"));
  EXPECT_EQ(findings["whoami.logto"].outcome, Outcome::kOk);
  EXPECT_EQ(findings["whoami.logto"].text, "with --profile=logto whoami shows also email, email_verified");
}

TEST_F(TokenChecksTest, ValuesOfClaimsAreShownOnRequestOnly) {
  show_claims_ = true;
  CheckApi();
  auto findings = Check(logto_.Jwt("alice-0001", kResource));
  EXPECT_THAT(findings["whoami.token"].text, HasSubstr("sub=\"alice-0001\""));
  EXPECT_THAT(findings["whoami.logto"].text, HasSubstr("email=\"alice@example.com\""));
}

TEST_F(TokenChecksTest, WhyAJwtWouldBeRefusedIsTold) {
  EXPECT_THAT(Check(logto_.Jwt("alice-0001", kManagementResource))["token"].advice,
              HasSubstr("resource=https://mcp.example.com/mcp"));
  const std::string good = logto_.Jwt("alice-0001", kResource);
  clock_.Advance(absl::Hours(2));
  EXPECT_THAT(Check(good)["token"].advice, HasSubstr("fresh token"));
  logto_.jwks = {{"keys", nlohmann::json::array()}};
  EXPECT_EQ(Check(good)["token"].outcome, Outcome::kFailure);
  EXPECT_EQ(Check("Bearer x")["token"].outcome, Outcome::kFailure);
}

TEST_F(TokenChecksTest, AJwtOfAnotherIssuerIsShownToNobody) {
  const FakeTenant other("https://other.logto.app/oidc", kResource, clock_);
  auto findings = Check(other.Jwt("alice-0001", kResource));
  EXPECT_EQ(findings["token"].outcome, Outcome::kFailure);
  EXPECT_EQ(findings.size(), 1);
  for (const HttpRequest& request : logto_.requests) EXPECT_EQ(request.bearer_token, "");
}

TEST_F(TokenChecksTest, AnOpaqueTokenIsAWarningWithWhatIntrospectionSays) {
  EXPECT_THAT(Check(logto_.opaque_token)["token"].text, HasSubstr("names no audience"));
  introspection_ = credentials_;
  auto findings = Check(logto_.opaque_token);
  EXPECT_EQ(findings["token"].outcome, Outcome::kWarning);
  EXPECT_THAT(findings["token"].text, HasSubstr("active, client \"agent\", scope \"openid profile email\""));
  EXPECT_THAT(findings["whoami.userinfo"].text, HasSubstr("email, name, sub"));
  logto_.opaque_scope = "profile";
  EXPECT_THAT(Check(logto_.opaque_token)["whoami.userinfo"].advice, HasSubstr("openid"));
  EXPECT_EQ(Check("unknown-opaque-token")["token"].outcome, Outcome::kFailure);
}

TEST_F(TokenChecksTest, UsersWhoAreSuspendedOrUnknownAreTold) {
  CheckApi();
  logto_.users["alice-0001"]["isSuspended"] = true;
  EXPECT_THAT(Check(logto_.Jwt("alice-0001", kResource))["whoami.logto"].text, HasSubstr("suspended"));
  EXPECT_THAT(Check(logto_.Jwt("bob-0002", kResource))["whoami.logto"].text, HasSubstr("no such user"));
  EXPECT_EQ(Check(logto_.Jwt(logto_.machine_id, kResource))["whoami.logto"].outcome, Outcome::kSkipped);
}

TEST_F(TokenChecksTest, ScopesThatReleaseNothingAreTold) {
  CheckApi();
  logto_.resource_scope = "todo:read";
  const Finding finding = Check(logto_.Jwt("alice-0001", kResource))["whoami.logto"];
  EXPECT_EQ(finding.outcome, Outcome::kWarning);
  EXPECT_THAT(finding.text, HasSubstr("its scopes \"todo:read\" release nothing"));
}

}  // namespace
}  // namespace auth_service
