#include "auth_service/logto/directory_profile.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "auth_service/json/strict_json.h"
#include "auth_service/logto/testing/fake_logto.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::CLAIM_SOURCE_DIRECTORY;
using gatehouse::auth::v1::CLAIM_SOURCE_TOKEN;
using gatehouse::auth::v1::Principal;
using gatehouse::auth::v1::REFUSAL_REASON_EXPIRED;
using gatehouse::auth::v1::REFUSAL_REASON_USER_SUSPENDED;
using gatehouse::auth::v1::REFUSAL_REASON_USER_UNKNOWN;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kIssuer[] = "https://tenant.logto.example/oidc";
constexpr char kResource[] = "https://mcp.example.com/mcp";
constexpr char kAlice[] = "alice0000001";
constexpr char kGetAlice[] = "GET /api/users/alice0000001";
constexpr char kOwnClaims[] = R"({"sub":"alice0000001","scope":"x","iss":"https://tenant.logto.example/oidc"})";

// Gives the verdict it was told, for every token.
class FakeVerifier final : public Verifier {
 public:
  std::optional<Verdict> VerifyLocally(absl::string_view, absl::string_view) override {
    return local ? std::make_optional(verdict) : std::nullopt;
  }
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view, absl::string_view, absl::Time) override {
    ++asked;
    return with_provider.ok() ? absl::StatusOr<Verdict>(verdict) : absl::StatusOr<Verdict>(with_provider);
  }

  Principal& principal() { return *verdict.response.mutable_principal(); }

  Verdict verdict;
  bool local = true;
  absl::Status with_provider;
  std::atomic<int> asked{0};
};

class DirectoryProfileTest : public ::testing::Test {
 protected:
  DirectoryProfileTest() {
    logto_.AddUser(kAlice, {{"username", "alice"},
                            {"primaryEmail", "alice@example.com"},
                            {"name", "Alice"},
                            {"customData", {{"team", "blue"}}}});
    Principal& principal = inner_.principal();
    principal.set_issuer(kIssuer);
    principal.set_subject(kAlice);
    principal.set_client_id("agent");
    principal.set_scopes_known(true);
    principal.set_claims_json(kOwnClaims);
    principal.add_claim_origins()->set_source(CLAIM_SOURCE_TOKEN);
    SetScopes({"whoami:email"});
  }

  ~DirectoryProfileTest() override { logto_.Release(); }

  ManagementApiOptions ApiOptions() const {
    ManagementApiOptions options;
    options.endpoint = FakeLogto::kEndpoint;
    options.client_id_file = credentials_.client_id_file;
    options.client_secret_file = credentials_.client_secret_file;
    return options;
  }

  void SetScopes(const std::vector<std::string>& scopes) {
    *inner_.principal().mutable_scopes() = {scopes.begin(), scopes.end()};
  }

  absl::StatusOr<Verdict> Ask() {
    return profile_.VerifyWithProvider("token", kResource, clock_.Now() + absl::Seconds(20));
  }

  // The verdict as the cache in front finds it out.
  absl::StatusOr<Verdict> Verify() {
    if (std::optional<Verdict> local = profile_.VerifyLocally("token", kResource); local.has_value()) return *local;
    return Ask();
  }

  Principal Accepted() {
    const absl::StatusOr<Verdict> verdict = Verify();
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    EXPECT_TRUE(verdict.ok() && verdict->accepted());
    return verdict.ok() ? verdict->response.principal() : Principal();
  }

  // The claims that were added to the token's own.
  std::string Added() {
    const std::string claims = Accepted().claims_json();
    EXPECT_TRUE(ParseJsonObject(claims).has_value()) << claims;
    const std::string own(kOwnClaims, sizeof(kOwnClaims) - 2);
    EXPECT_EQ(claims.substr(0, own.size()), own);
    return claims.substr(own.size());
  }

  common::FakeClock clock_;
  FakeLogto logto_{clock_};
  const FakeLogtoCredentials credentials_;
  ManagementApi api_{ApiOptions(), logto_, clock_};
  FakeVerifier inner_;
  DirectoryProfile profile_{{kIssuer},
                            *ScopeClaims::Create({"whoami:email=email+email_verified", "whoami:all=name+username"}),
                            inner_,
                            api_,
                            clock_};
};

TEST_F(DirectoryProfileTest, ScopesLetClaimsOutAndNothingElseDoes) {
  EXPECT_EQ(Added(), R"(,"email":"alice@example.com","email_verified":true})");
  SetScopes({"whoami:all", "unknown"});
  EXPECT_EQ(Added(), R"(,"name":"Alice","username":"alice"})");
  SetScopes({"custom_data", "whoami:email"});
  EXPECT_EQ(Added(), R"(,"email":"alice@example.com","email_verified":true,"custom_data":{"team":"blue"}})");
  for (const std::vector<std::string>& scopes :
       {std::vector<std::string>{}, {"openid"}, {"Whoami:email"}, {"whoami"}}) {
    SetScopes(scopes);
    EXPECT_EQ(Added(), "}");
  }
}

TEST_F(DirectoryProfileTest, SaysWhichClaimsAreTheDirectorys) {
  const Principal principal = Accepted();
  ASSERT_EQ(principal.claim_origins_size(), 2);
  EXPECT_EQ(principal.claim_origins(0).source(), CLAIM_SOURCE_TOKEN);
  EXPECT_EQ(principal.claim_origins(1).source(), CLAIM_SOURCE_DIRECTORY);
  EXPECT_THAT(principal.claim_origins(1).claims(), ElementsAre("email", "email_verified"));
  SetScopes({});
  EXPECT_EQ(Accepted().claim_origins_size(), 1);
}

TEST_F(DirectoryProfileTest, WhatTheTokenSaysStays) {
  inner_.principal().set_claims_json(R"({"sub":"alice0000001","email":"chosen@example.com"})");
  EXPECT_EQ(Accepted().claims_json(), R"({"sub":"alice0000001","email":"chosen@example.com","email_verified":true})");
  inner_.principal().set_claims_json("{}");
  EXPECT_EQ(Accepted().claims_json(), R"({"email":"alice@example.com","email_verified":true})");
}

TEST_F(DirectoryProfileTest, ClaimsThatDoNotFitAreLeftOut) {
  logto_.AddUser(kAlice, {{"primaryEmail", "a@example.com"}, {"customData", {{"x", std::string(64 * 1024, 'x')}}}});
  SetScopes({"custom_data", "whoami:email"});
  EXPECT_EQ(Added(), R"(,"email":"a@example.com","email_verified":true})");
}

TEST_F(DirectoryProfileTest, ASuspendedUserIsRefused) {
  logto_.Suspend(kAlice);
  for (int i = 0; i < 2; ++i) {  // asked for, then remembered
    const absl::StatusOr<Verdict> verdict = Verify();
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    EXPECT_EQ(verdict->response.refusal().reason(), REFUSAL_REASON_USER_SUSPENDED);
    EXPECT_EQ(verdict->response.refusal().subject(), kAlice) << "for the log";
  }
  SetScopes({});  // also when no claim is wanted
  EXPECT_EQ(Verify()->response.refusal().reason(), REFUSAL_REASON_USER_SUSPENDED);
}

TEST_F(DirectoryProfileTest, AUserWhoIsGoneIsRefused) {
  logto_.DeleteUser(kAlice);
  EXPECT_EQ(Verify()->response.refusal().reason(), REFUSAL_REASON_USER_UNKNOWN);
  inner_.principal().set_subject("../applications");
  EXPECT_EQ(Verify()->response.refusal().reason(), REFUSAL_REASON_USER_UNKNOWN);
  EXPECT_EQ(logto_.CountOf("GET "), 1);
}

TEST_F(DirectoryProfileTest, ADirectoryThatIsAwayGivesNoVerdict) {
  logto_.Fail(kGetAlice, absl::UnavailableError("Connection refused"));
  EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable);
  logto_.Fail(kGetAlice, HttpResponse{500, "Internal Server Error"});
  EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable);
  logto_.Fail(kGetAlice, HttpResponse{404, "Not Found"});
  EXPECT_EQ(Verify().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(Verify()->accepted());  // at once: an outage is not remembered
}

TEST_F(DirectoryProfileTest, AnEntryServesForSeveralTokensForAShortTime) {
  EXPECT_FALSE(profile_.VerifyLocally("token", kResource).has_value());
  EXPECT_TRUE(Verify()->accepted());
  EXPECT_TRUE(profile_.VerifyLocally("another", kResource).has_value());
  logto_.Suspend(kAlice);
  clock_.Advance(absl::Seconds(10));
  EXPECT_FALSE(profile_.VerifyLocally("token", kResource).has_value());
  EXPECT_FALSE(Verify()->accepted());
  EXPECT_EQ(logto_.CountOf(kGetAlice), 2);
}

TEST_F(DirectoryProfileTest, WhatNeedsNoUserAsksForNone) {
  const Principal of_alice = inner_.principal();
  const auto expect_untouched = [&](const char* what) {
    const absl::StatusOr<Verdict> verdict = Verify();
    ASSERT_TRUE(verdict.ok()) << what;
    EXPECT_EQ(verdict->response.SerializeAsString(), inner_.verdict.response.SerializeAsString()) << what;
    EXPECT_TRUE(profile_.VerifyLocally("token", kResource).has_value()) << what;
    inner_.principal() = of_alice;
  };
  inner_.principal().set_issuer("https://other.example/oidc");
  expect_untouched("a user of another issuer");
  inner_.principal().set_client_id(kAlice);
  expect_untouched("the token of an application itself");
  inner_.principal().set_scopes_known(false);
  expect_untouched("a token with scopes that nobody can tell");
  inner_.verdict = Refuse(REFUSAL_REASON_EXPIRED, "");
  expect_untouched("a refusal");
  EXPECT_THAT(logto_.calls(), IsEmpty());
}

TEST_F(DirectoryProfileTest, ATokenThatTheProviderMustJudgeIsJudgedThereFirst) {
  inner_.local = false;
  EXPECT_FALSE(profile_.VerifyLocally("token", kResource).has_value());
  EXPECT_TRUE(Ask()->accepted());
  EXPECT_EQ(inner_.asked, 1);
  inner_.with_provider = absl::UnavailableError("the provider is away");
  EXPECT_THAT(std::string(Ask().status().message()), HasSubstr("the provider is away"));
  EXPECT_EQ(logto_.CountOf(kGetAlice), 1);
}

TEST_F(DirectoryProfileTest, ManyTokensOfOneUserMakeOneRequest) {
  logto_.Hold();
  std::atomic<int> good{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 10; ++i) {
    callers.emplace_back([&] {
      const absl::StatusOr<Verdict> verdict = Ask();
      if (verdict.ok() && verdict->accepted()) ++good;
    });
  }
  logto_.AwaitRequests(1);
  logto_.Release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(good, 10);
  EXPECT_EQ(logto_.CountOf(kGetAlice), 1);
}

TEST_F(DirectoryProfileTest, WhoeverWaitsForAnotherWaitsNoLongerThanItsTime) {
  logto_.Hold();
  std::thread patient([&] { EXPECT_TRUE(Ask()->accepted()); });
  logto_.AwaitRequests(1);
  EXPECT_EQ(profile_.VerifyWithProvider("token", kResource, clock_.Now() + absl::Milliseconds(20)).status().code(),
            absl::StatusCode::kUnavailable);
  logto_.Release();
  patient.join();
}

}  // namespace
}  // namespace auth_service
