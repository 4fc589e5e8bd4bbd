#include "auth_service/doctor/doctor.h"

#include <map>
#include <string>

#include "auth_service/doctor/fake_tenant.h"
#include "common/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DoctorTest : public ::testing::Test {
 protected:
  DoctorTest() {
    options_.issuer = "https://t.logto.app/oidc";
    options_.resource = "https://mcp.example.com/mcp";
    options_.timeout = absl::Seconds(3);
  }

  void GiveEverything() {
    options_.client_id = logto_.client_id;
    options_.machine = {logto_.machine_id, logto_.machine_secret};
    options_.introspection = options_.machine;
    options_.management = options_.machine;
    options_.token = logto_.Jwt("alice-0001", options_.resource);
  }

  std::map<std::string, Finding> Run() {
    std::map<std::string, Finding> findings;
    for (const Finding& finding : Examine(options_, logto_, clock_)) {
      EXPECT_TRUE(findings.emplace(finding.check, finding).second) << finding.check << " twice";
    }
    return findings;
  }

  common::FakeClock clock_;
  FakeTenant logto_{"https://t.logto.app/oidc", "https://mcp.example.com/mcp", clock_};
  DoctorOptions options_;
};

TEST_F(DoctorTest, AWellKeptTenantHasNoFailure) {
  GiveEverything();
  const auto findings = Run();
  for (const auto& [check, finding] : findings) EXPECT_NE(finding.outcome, Outcome::kFailure) << check << finding.text;
  for (const char* check :
       {"urls",     "discovery",    "issuer",        "clock",         "endpoints",      "grants",
        "pkce",     "iss",          "scopes",        "edge",          "keys",           "client",
        "resource", "consent",      "machine_token", "introspection", "management_api", "permissions",
        "token",    "whoami.token", "whoami.logto"}) {
    EXPECT_EQ(findings.at(check).outcome, Outcome::kOk) << check;
  }
}

TEST_F(DoctorTest, WhatTheDocumentSendsElsewhereIsNotAsked) {
  GiveEverything();
  for (const char* name : {"jwks_uri", "token_endpoint", "userinfo_endpoint", "introspection_endpoint"}) {
    logto_.metadata[name] = "https://169.254.169.254/latest";
  }
  const auto findings = Run();
  EXPECT_EQ(findings.at("endpoints").outcome, Outcome::kFailure);
  for (const HttpRequest& request : logto_.requests) {
    EXPECT_THAT(request.url, Not(HasSubstr("169.254"))) << request.url;
  }
}

TEST_F(DoctorTest, WithoutAClientItSaysWhatToGive) {
  logto_.edge_is_up = false;
  const auto findings = Run();
  EXPECT_EQ(findings.at("pkce").outcome, Outcome::kOk);
  for (const char* check : {"edge", "client", "machine_token", "introspection", "management_api", "token"}) {
    EXPECT_EQ(findings.at(check).outcome, Outcome::kSkipped) << check;
    EXPECT_NE(findings.at(check).advice, "") << check;
  }
}

TEST_F(DoctorTest, EveryRequestIsBoundedInTimeAndTheirNumberIsToo) {
  GiveEverything();
  logto_.resources.clear();
  Run();
  EXPECT_LE(logto_.requests.size(), 24);
  for (const HttpRequest& request : logto_.requests) EXPECT_EQ(request.timeout, absl::Seconds(3));
}

TEST_F(DoctorTest, ADocumentOfAnotherIssuerGetsNoCredentials) {
  GiveEverything();
  logto_.metadata["issuer"] = "https://evil.example.com";
  logto_.metadata["token_endpoint"] = "https://evil.example.com/token";
  const auto findings = Run();
  EXPECT_EQ(findings.at("issuer").outcome, Outcome::kFailure);
  EXPECT_EQ(findings.at("keys").outcome, Outcome::kSkipped);
  for (const HttpRequest& request : logto_.requests) {
    EXPECT_EQ(request.basic_user, "");
    EXPECT_EQ(request.bearer_token, "");
    EXPECT_THAT(request.url, Not(HasSubstr("evil")));
  }
}

TEST_F(DoctorTest, NoTokenAndNoSecretIsInAnyFindingEvenIfTheProviderRepeatsThem) {
  GiveEverything();
  options_.show_claims = true;
  const std::string issued = logto_.Jwt(logto_.machine_id, options_.resource);
  for (const std::string path : {"/token", "/token/introspection", "/me"}) {
    for (const std::string& secret : {logto_.machine_secret, options_.token}) {
      const nlohmann::json echo = {{"error", "invalid_request"}, {"error_description", secret}};
      logto_.overrides = {{logto_.issuer + path, HttpResponse{400, echo.dump()}}};
      for (const auto& [check, finding] : Run()) {
        EXPECT_THAT(finding.text + finding.advice, Not(HasSubstr(secret))) << check;
        EXPECT_THAT(finding.text + finding.advice, Not(HasSubstr(options_.token))) << check;
      }
    }
  }
}

TEST_F(DoctorTest, PlainHttpIsForLoopback) {
  options_.resource = "http://mcp.example.com/mcp";
  const auto findings = Run();
  EXPECT_EQ(findings.at("urls").outcome, Outcome::kFailure);
  EXPECT_TRUE(logto_.requests.empty());
}

}  // namespace
}  // namespace auth_service
