#include "auth_service/token/userinfo_claims.h"

#include <string>

#include "auth_service/provider/fake_http_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::ElementsAre;

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kMetadata[] = "https://id.example.com/oidc/.well-known/openid-configuration";
constexpr char kUserinfo[] = "https://id.example.com/oidc/me";
constexpr char kResource[] = "https://mcp.example.com/mcp";

// Finds out locally or with the provider, as the test says.
class FakeVerifier final : public Verifier {
 public:
  std::optional<Verdict> VerifyLocally(absl::string_view, absl::string_view) override {
    if (!local) return std::nullopt;
    return verdict;
  }
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view, absl::string_view, absl::Time) override {
    return verdict;
  }

  bool local = true;
  Verdict verdict;
};

class UserinfoClaimsTest : public ::testing::Test {
 protected:
  UserinfoClaimsTest() {
    provider_.Answer(
        kMetadata, 200,
        R"({"issuer":"https://id.example.com/oidc","userinfo_endpoint":"https://id.example.com/oidc/me"})");
    EXPECT_TRUE(discovery_.Refresh().ok());
    auto& principal = *inner_.verdict.response.mutable_principal();
    principal.set_issuer(kIssuer);
    principal.set_subject("alice");
    principal.set_claims_json(R"({"sub":"alice","scope":"a","n":1.50})");
    auto& origin = *principal.add_claim_origins();
    origin.set_source(gatehouse::auth::v1::CLAIM_SOURCE_TOKEN);
    for (const char* claim : {"sub", "scope", "n"}) origin.add_claims(claim);
  }

  absl::StatusOr<Verdict> Verify() {
    if (std::optional<Verdict> verdict = verifier_.VerifyLocally("t", kResource)) return *std::move(verdict);
    return verifier_.VerifyWithProvider("t", kResource, clock_.Now() + absl::Seconds(3));
  }

  std::string Claims() {
    const absl::StatusOr<Verdict> verdict = Verify();
    return verdict.ok() ? verdict->response.principal().claims_json() : std::string(verdict.status().message());
  }

  common::FakeClock clock_;
  FakeHttpClient provider_;
  Discovery discovery_{kIssuer, absl::Seconds(5), provider_, clock_};
  FakeVerifier inner_;
  UserinfoClaims verifier_{inner_, absl::Seconds(5), discovery_, provider_, clock_};
};

TEST_F(UserinfoClaimsTest, UserinfoAddsItsClaimsAfterThoseOfTheToken) {
  provider_.Answer(kUserinfo, 200, R"({"sub": "alice", "scope": "other", "name": "Alice {\"}", "updated_at": 17e2})");
  for (const bool local : {true, false}) {
    inner_.local = local;
    const absl::StatusOr<Verdict> verdict = Verify();
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    const auto& principal = verdict->response.principal();
    EXPECT_EQ(principal.claims_json(), R"({"sub":"alice","scope":"a","n":1.50,"name":"Alice {\"}","updated_at":17e2})");
    ASSERT_EQ(principal.claim_origins_size(), 2);
    EXPECT_EQ(principal.claim_origins(1).source(), gatehouse::auth::v1::CLAIM_SOURCE_USERINFO);
    EXPECT_THAT(principal.claim_origins(1).claims(), ElementsAre("name", "updated_at"));
  }
  EXPECT_EQ(provider_.requests().back().bearer_token, "t");
  EXPECT_EQ(provider_.requests().back().timeout, absl::Seconds(3));
}

TEST_F(UserinfoClaimsTest, WhereUserinfoRefusesTheTokenItsOwnClaimsServe) {
  for (const int status : {400, 401, 403}) {
    provider_.Answer(kUserinfo, status, "{}");
    EXPECT_EQ(Claims(), R"({"sub":"alice","scope":"a","n":1.50})") << status;
  }
}

TEST_F(UserinfoClaimsTest, WhileUserinfoIsAwayNothingCanBeTold) {
  for (const int status : {500, 502, 302, 404, 429}) {
    provider_.Answer(kUserinfo, status, "{}");
    EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable) << status;
  }
  provider_.AnswerWith(kUserinfo, absl::DeadlineExceededError("slow"));
  EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(UserinfoClaimsTest, ClaimsOfAnotherSubjectAreNotUsed) {
  for (const char* body : {R"({"sub":"bob","name":"Bob"})", R"({"name":"Bob"})", R"({"sub":7})"}) {
    provider_.Answer(kUserinfo, 200, body);
    EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable) << body;
  }
}

TEST_F(UserinfoClaimsTest, MoreThanTheContractHoldsIsNotTold) {
  provider_.Answer(kUserinfo, 200, R"({"sub":"alice","a":")" + std::string(65'000, 'x') + "\"}");
  EXPECT_TRUE(Verify().ok());
  provider_.Answer(kUserinfo, 200, R"({"sub":"alice","a":")" + std::string(65'500, 'x') + "\"}");
  EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(UserinfoClaimsTest, OnlyTheIssuerOfATokenSeesIt) {
  inner_.verdict.response.mutable_principal()->set_issuer("https://other.example.com");
  const size_t before = provider_.requests().size();
  for (const bool local : {true, false}) {
    inner_.local = local;
    EXPECT_EQ(Claims(), R"({"sub":"alice","scope":"a","n":1.50})");
  }
  EXPECT_EQ(provider_.requests().size(), before);
}

TEST_F(UserinfoClaimsTest, WhatComesFromUserinfoIsNotAskedForAgainAndRefusalsPass) {
  const size_t before = provider_.requests().size();
  inner_.verdict.response.mutable_principal()->mutable_claim_origins(0)->set_source(
      gatehouse::auth::v1::CLAIM_SOURCE_USERINFO);
  EXPECT_TRUE(verifier_.VerifyLocally("t", kResource).has_value());
  inner_.verdict = Refuse(gatehouse::auth::v1::REFUSAL_REASON_EXPIRED, "old");
  EXPECT_TRUE(verifier_.VerifyLocally("t", kResource)->response.has_refusal());
  EXPECT_EQ(provider_.requests().size(), before);
}

}  // namespace
}  // namespace auth_service
