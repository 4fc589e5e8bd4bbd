#include "auth_service/provider/refresher.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth_service/provider/fake_http_client.h"
#include "auth_service/token/test_keys.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kMetadata[] = "https://id.example.com/oidc/.well-known/openid-configuration";
constexpr char kJwksUri[] = "https://id.example.com/oidc/jwks";

class RefresherTest : public ::testing::Test {
 protected:
  void ProviderIsUp(bool userinfo = true) {
    provider_.Answer(kMetadata, 200,
                     absl::StrCat(R"({"issuer":")", kIssuer, R"(","jwks_uri":")", kJwksUri, "\"",
                                  userinfo ? R"(,"userinfo_endpoint":"https://id.example.com/oidc/me")" : "", "}"));
    provider_.Answer(kJwksUri, 200, Keys());
  }

  static std::string Keys() {
    static const auto* const key = new TestKey("ES384");
    return absl::StrCat("{\"keys\":[", key->Jwk("k"), "]}");
  }

  void ProviderIsDown() {
    provider_.AnswerWith(kMetadata, absl::UnavailableError("Connection refused"));
    provider_.AnswerWith(kJwksUri, absl::UnavailableError("Connection refused"));
  }

  Refresher::Options Options() {
    return {absl::Minutes(5), [this] { return random_; },
            [this](const absl::Status& readiness) { told_.push_back(readiness.ok()); }};
  }

  std::string NotReadyBecause() { return std::string(refresher_.readiness().message()); }

  common::FakeClock clock_;
  FakeHttpClient provider_;
  Discovery discovery_{kIssuer, absl::Seconds(5), provider_, clock_, {/*jwks=*/true, /*userinfo=*/true}};
  KeySet keys_{discovery_, absl::Seconds(5), provider_, clock_};
  double random_ = 0;
  std::vector<bool> told_;
  Refresher refresher_{Options(), discovery_, keys_};
};

TEST_F(RefresherTest, IsReadyOnceMetadataAndKeysAreThere) {
  EXPECT_EQ(refresher_.readiness().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(NotReadyBecause(), HasSubstr("has not been fetched yet"));
  ProviderIsUp();
  EXPECT_EQ(refresher_.RefreshOnce(), absl::Minutes(5));
  EXPECT_TRUE(refresher_.readiness().ok());
  EXPECT_NE(discovery_.current(), nullptr);
  EXPECT_NE(keys_.current(), nullptr);
  EXPECT_THAT(told_, ElementsAre(true));
}

TEST_F(RefresherTest, WhileTheProviderIsAwayItSaysSoAndTriesAgainWithBackOff) {
  ProviderIsDown();
  std::vector<absl::Duration> waits;
  for (int i = 0; i < 9; ++i) waits.push_back(refresher_.RefreshOnce());
  EXPECT_THAT(waits,
              ElementsAre(absl::Seconds(1), absl::Seconds(2), absl::Seconds(4), absl::Seconds(8), absl::Seconds(16),
                          absl::Seconds(32), absl::Minutes(1), absl::Minutes(1), absl::Minutes(1)));
  EXPECT_THAT(NotReadyBecause(), HasSubstr(kIssuer));
  EXPECT_THAT(NotReadyBecause(), HasSubstr("Connection refused"));
  EXPECT_THAT(NotReadyBecause(), HasSubstr("check that the provider is up"));
  ProviderIsUp();
  refresher_.RefreshOnce();
  EXPECT_TRUE(refresher_.readiness().ok());
  ProviderIsDown();
  EXPECT_EQ(refresher_.RefreshOnce(), absl::Seconds(1));  // from the start again
}

TEST_F(RefresherTest, WaitsAreShortenedAtRandom) {
  ProviderIsUp();
  random_ = 0.5;
  EXPECT_EQ(refresher_.RefreshOnce(), absl::Minutes(5) * 0.9);
}

TEST_F(RefresherTest, StaysReadyWithTheLastGoodOnes) {
  ProviderIsUp();
  refresher_.RefreshOnce();
  ProviderIsDown();
  refresher_.RefreshOnce();
  EXPECT_TRUE(refresher_.readiness().ok());
  EXPECT_THAT(told_, ElementsAre(true, true));
}

TEST_F(RefresherTest, NeedsTheKeysToo) {
  ProviderIsUp();
  provider_.Answer(kJwksUri, 500, "");
  refresher_.RefreshOnce();
  EXPECT_THAT(NotReadyBecause(), HasSubstr("cannot read the keys of issuer https://id.example.com/oidc"));
  EXPECT_THAT(told_, ElementsAre(false));
}

TEST_F(RefresherTest, NamesAnIssuerThatIsNotTheConfiguredOne) {
  provider_.Answer(kMetadata, 200, R"({"issuer":"https://id.example.com/other"})");
  refresher_.RefreshOnce();
  EXPECT_THAT(NotReadyBecause(), HasSubstr("https://id.example.com/other"));
  EXPECT_THAT(NotReadyBecause(), HasSubstr("check that --issuers has exactly the issuer that the provider names"));
}

TEST_F(RefresherTest, NeedsUserinfoIfOpaqueTokensAreAccepted) {
  ProviderIsUp(/*userinfo=*/false);
  refresher_.RefreshOnce();
  EXPECT_THAT(NotReadyBecause(), HasSubstr("set --opaque_tokens=refuse"));
  Discovery without_userinfo(kIssuer, absl::Seconds(5), provider_, clock_, {/*jwks=*/true});
  KeySet keys(without_userinfo, absl::Seconds(5), provider_, clock_);
  Refresher other(Options(), without_userinfo, keys);
  other.RefreshOnce();
  EXPECT_TRUE(other.readiness().ok());
}

TEST_F(RefresherTest, NeedsIntrospectionIfOpaqueTokensAreIntrospected) {
  ProviderIsUp();
  Discovery discovery(kIssuer, absl::Seconds(5), provider_, clock_, {true, false, /*introspection=*/true});
  KeySet keys(discovery, absl::Seconds(5), provider_, clock_);
  Refresher refresher(Options(), discovery, keys);
  refresher.RefreshOnce();
  EXPECT_THAT(std::string(refresher.readiness().message()), HasSubstr("names no introspection_endpoint"));
  provider_.Answer(kMetadata, 200,
                   absl::StrCat(R"({"issuer":")", kIssuer, R"(","jwks_uri":")", kJwksUri,
                                R"(","userinfo_endpoint":"https://id.example.com/oidc/me",)"
                                R"("introspection_endpoint":"https://id.example.com/oidc/introspection"})"));
  refresher.RefreshOnce();
  EXPECT_TRUE(refresher.readiness().ok()) << refresher.readiness();
}

TEST_F(RefresherTest, KeysThatAreNoneAreAskedForAgainSoon) {
  ProviderIsUp();
  provider_.Answer(kJwksUri, 200, R"({"keys":[]})");
  EXPECT_EQ(refresher_.RefreshOnce(), absl::Seconds(1));
  EXPECT_THAT(NotReadyBecause(), HasSubstr("publishes no key that can check signatures"));
  ProviderIsUp();
  EXPECT_EQ(refresher_.RefreshOnce(), absl::Minutes(5));
  EXPECT_TRUE(refresher_.readiness().ok());
}

TEST_F(RefresherTest, WithoutJwksUriItIsReadyOnlyForOpaqueTokensAndAsksAgainSoon) {
  provider_.Answer(
      kMetadata, 200,
      absl::StrCat(R"({"issuer":")", kIssuer, R"(","userinfo_endpoint":"https://id.example.com/oidc/me"})"));
  EXPECT_EQ(refresher_.RefreshOnce(), absl::Seconds(1));
  EXPECT_THAT(NotReadyBecause(), HasSubstr("names no jwks_uri"));
  Discovery opaque_accepted(kIssuer, absl::Seconds(5), provider_, clock_, {/*jwks=*/false, /*userinfo=*/true});
  KeySet keys(opaque_accepted, absl::Seconds(5), provider_, clock_);
  Refresher other(Options(), opaque_accepted, keys);
  EXPECT_EQ(other.RefreshOnce(), absl::Seconds(1));
  EXPECT_TRUE(other.readiness().ok());
  EXPECT_EQ(keys.current(), nullptr);
  ProviderIsUp();
  EXPECT_EQ(other.RefreshOnce(), absl::Minutes(5));
  EXPECT_NE(keys.current(), nullptr);
}

TEST_F(RefresherTest, ADocumentThatLacksWhatIsNeededLaterChangesNothingAndTheKeysAreStillFetched) {
  ProviderIsUp();
  refresher_.RefreshOnce();
  ProviderIsUp(/*userinfo=*/false);
  EXPECT_EQ(refresher_.RefreshOnce(), absl::Seconds(1));
  EXPECT_TRUE(refresher_.readiness().ok());
  EXPECT_EQ(discovery_.current()->userinfo_endpoint, "https://id.example.com/oidc/me");
  EXPECT_EQ(provider_.CountOf(kJwksUri), 2);
}

TEST_F(RefresherTest, ThePlaceholderIsNeverAskedAndSaysWhatToEdit) {
  Discovery placeholder(kPlaceholderIssuer, absl::Seconds(5), provider_, clock_);
  KeySet keys(placeholder, absl::Seconds(5), provider_, clock_);
  Refresher refresher(Options(), placeholder, keys);
  refresher.RefreshOnce();
  EXPECT_THAT(std::string(refresher.readiness().message()), HasSubstr("edit FLAGS_issuers in deploy/config.yaml"));
  EXPECT_TRUE(provider_.requests().empty());
}

TEST_F(RefresherTest, TheThreadRefreshesAndStopsWhenTold) {
  ProviderIsUp();
  {
    Refresher refresher(Options(), discovery_, keys_);
    refresher.Start();
    provider_.AwaitRequests(2);
  }
  EXPECT_EQ(provider_.CountOf(kMetadata), 1);
  EXPECT_THAT(told_, ElementsAre(true));
}

}  // namespace
}  // namespace auth_service
