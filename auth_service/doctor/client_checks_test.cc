#include "auth_service/doctor/client_checks.h"

#include <string>

#include "auth_service/doctor/fake_tenant.h"
#include "common/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::HasSubstr;

constexpr char kIssuer[] = "https://t.logto.app/oidc";
constexpr char kResource[] = "https://mcp.example.com/mcp";

class ClientChecksTest : public ::testing::Test {
 protected:
  ClientChecksTest() {
    question_.authorization_endpoint = std::string(kIssuer) + "/auth";
    question_.client_id = "agent";
    question_.redirect_uri = "http://127.0.0.1/callback";
    question_.resource = kResource;
    question_.scopes = {"openid", "profile", "email"};
  }

  Findings Check() { return CheckClient(probe_, question_); }

  common::FakeClock clock_;
  FakeTenant logto_{kIssuer, kResource, clock_};
  Probe probe_{logto_, absl::Seconds(1), false};
  ClientQuestion question_;
};

TEST_F(ClientChecksTest, AllIsWellWhenOnlyTheUserIsMissing) {
  const Findings findings = Check();
  ASSERT_EQ(findings.size(), 3);
  for (const Finding& finding : findings) EXPECT_EQ(finding.outcome, Outcome::kOk) << finding.text;
  // What is asked never leads to a code that could be used, and never shows a page to anybody.
  for (const HttpRequest& request : logto_.requests) {
    EXPECT_THAT(request.url, HasSubstr("prompt=none"));
    EXPECT_THAT(request.url, HasSubstr("code_challenge_method=S256"));
  }
}

TEST_F(ClientChecksTest, ARedirectToASignInPageIsFine) {
  // A provider that does not know prompt=none sends everybody to its page.
  class SignInPage final : public HttpClient {
   public:
    absl::StatusOr<HttpResponse> Send(const HttpRequest&) override {
      return HttpResponse{302, "", "/sign-in?app_id=x"};
    }
  } page;
  Probe probe(page, absl::Seconds(1), false);
  for (const Finding& finding : CheckClient(probe, question_)) EXPECT_EQ(finding.outcome, Outcome::kOk);
}

TEST_F(ClientChecksTest, AnUnknownClientEndsIt) {
  question_.client_id = "nobody";
  const Findings findings = Check();
  EXPECT_EQ(findings[0].outcome, Outcome::kFailure);
  EXPECT_THAT(findings[0].advice, HasSubstr("App ID"));
  EXPECT_EQ(findings[1].outcome, Outcome::kSkipped);
  EXPECT_EQ(findings[2].outcome, Outcome::kSkipped);
  EXPECT_EQ(logto_.requests.size(), 1);
}

TEST_F(ClientChecksTest, AnUnknownRedirectUriIsToldFromAnUnknownClient) {
  question_.redirect_uri = "https://agent.example.com/cb";
  const Findings findings = Check();
  EXPECT_EQ(findings[0].outcome, Outcome::kFailure);
  EXPECT_THAT(findings[0].text, HasSubstr("but not with the redirect URI \"https://agent.example.com/cb\""));
}

TEST_F(ClientChecksTest, AnUnregisteredResourceIsTold) {
  logto_.resources.clear();
  const Finding finding = Check()[1];
  EXPECT_EQ(finding.outcome, Outcome::kFailure);
  EXPECT_THAT(finding.text, HasSubstr("invalid_target"));
  EXPECT_THAT(finding.advice, HasSubstr("API identifier"));
}

TEST_F(ClientChecksTest, ASlashTooManyAtTheProviderIsFound) {
  logto_.resources = {"https://mcp.example.com/mcp/"};
  const Finding finding = Check()[1];
  EXPECT_EQ(finding.outcome, Outcome::kFailure);
  EXPECT_THAT(finding.text, HasSubstr("knows \"https://mcp.example.com/mcp/\", not"));
}

TEST_F(ClientChecksTest, AScopeThatTheClientMayNotAskForIsNamed) {
  logto_.user_scopes.erase("email");
  const Finding finding = Check()[2];
  EXPECT_EQ(finding.outcome, Outcome::kFailure);
  EXPECT_THAT(finding.text, HasSubstr("may not ask for \"email\""));
}

TEST_F(ClientChecksTest, AProviderInTroubleIsNoJudgementOfTheClient) {
  class Broken final : public HttpClient {
   public:
    absl::StatusOr<HttpResponse> Send(const HttpRequest&) override {
      return HttpResponse{500, "Internal Server Error"};
    }
  } broken;
  Probe probe(broken, absl::Seconds(1), false);
  const Findings findings = CheckClient(probe, question_);
  EXPECT_THAT(findings[0].text, HasSubstr("no answer: HTTP status 500"));
}

}  // namespace
}  // namespace auth_service
