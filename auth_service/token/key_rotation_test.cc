// Key rotation as the edge sees it: many checks at once, the provider's keys changing twice in a row, and somebody who
// sends tokens with made-up key ids all the while. A good token may have to wait for the new keys; it is never refused.

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/provider/fake_http_client.h"
#include "auth_service/provider/key_set.h"
#include "auth_service/token/jwt_verifier.h"
#include "auth_service/token/test_keys.h"
#include "common/clock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kMetadata[] = "https://id.example.com/oidc/.well-known/openid-configuration";
constexpr char kJwksUri[] = "https://id.example.com/oidc/jwks";
constexpr char kResource[] = "https://mcp.example.com/mcp";
constexpr int kGenerations = 3;

class KeyRotationTest : public ::testing::Test {
 protected:
  KeyRotationTest() {
    provider_.Answer(kMetadata, 200, absl::StrCat(R"({"issuer":")", kIssuer, R"(","jwks_uri":")", kJwksUri, "\"}"));
    Publish(0);
    EXPECT_TRUE(discovery_.Refresh().ok() && keys_.Refresh().ok());
    for (int i = 0; i < kGenerations; ++i) tokens_[i] = Sign(KeyOf(i), absl::StrCat("key", i));
  }

  // As Logto: EC, then RSA, whose JWK has no `alg`, then EC again.
  static const TestKey& KeyOf(int generation) {
    static const auto* const keys =
        new std::array<TestKey, kGenerations>{TestKey("ES384"), TestKey("RS256"), TestKey("ES384")};
    return (*keys)[generation];
  }

  static std::string Sign(const TestKey& key, absl::string_view kid) {
    return key.Sign(
        absl::StrCat(R"({"alg":")", key.algorithm(), R"(","typ":"at+jwt","kid":")", kid, "\"}"),
        absl::StrCat(R"({"iss":")", kIssuer, R"(","aud":")", kResource, R"(","sub":"alice","exp":1900000000})"));
  }

  // The key of a generation and the one before.
  void Publish(int generation) {
    std::string keys = KeyOf(generation).Jwk(absl::StrCat("key", generation));
    if (generation > 0) absl::StrAppend(&keys, ",", KeyOf(generation - 1).Jwk(absl::StrCat("key", generation - 1)));
    provider_.Answer(kJwksUri, 200, absl::StrCat("{\"keys\":[", keys, "]}"));
  }

  absl::StatusOr<Verdict> Judge(const std::string& token) {
    if (std::optional<Verdict> verdict = verifier_.VerifyLocally(token, kResource)) return *std::move(verdict);
    return verifier_.VerifyWithProvider(token, kResource, clock_.Now() + absl::Seconds(10));
  }

  common::FakeClock clock_;
  FakeHttpClient provider_;
  Discovery discovery_{kIssuer, absl::Seconds(5), provider_, clock_};
  KeySet keys_{discovery_, absl::Seconds(5), provider_, clock_};
  JwtVerifier verifier_{kIssuer, absl::Seconds(30), keys_, clock_};
  std::array<std::string, kGenerations> tokens_;
};

TEST_F(KeyRotationTest, TwiceInARowUnderLoadRefusesNoGoodToken) {
  std::atomic<bool> stop{false};
  std::atomic<int> issued{0};     // the generation that tokens are signed with now
  std::atomic<int> published{0};  // the newest one whose key the provider has, or is about to have
  std::array<std::atomic<int>, kGenerations> good{};
  std::atomic<int> waiting{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        const int generation = issued;
        const absl::StatusOr<Verdict> verdict = Judge(tokens_[generation]);
        if (!verdict.ok()) {
          EXPECT_EQ(verdict.status().code(), absl::StatusCode::kUnavailable);
          ++waiting;
        } else if (verdict->accepted()) {
          ++good[generation];
        } else if (published < generation + 2) {  // the keys of what is older are gone from the provider
          ++refused;
        }
      }
    });
  }
  const TestKey stranger("ES384");
  std::atomic<int> made_up{0};
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      while (!stop) {
        const absl::StatusOr<Verdict> verdict = Judge(Sign(stranger, absl::StrCat("made-up", i, "-", made_up++)));
        EXPECT_FALSE(verdict.ok() && verdict->accepted());
      }
    });
  }

  const auto at_least = [](const std::atomic<int>& count, int bound) {
    while (count < bound) std::this_thread::yield();
  };
  at_least(good[0], 20);
  at_least(made_up, 5);
  for (int generation = 1; generation < kGenerations; ++generation) {
    published = generation;
    Publish(generation);
    issued = generation;
    // Who floods may have used up the interval; the next one brings the keys.
    const int before = waiting;
    while (good[generation] == 0 && waiting < before + 10) std::this_thread::yield();
    clock_.Advance(kUnknownKeyInterval);
    at_least(good[generation], 20);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
  // And the flood has not made this service ask more often than it may: at the start, and once in each interval.
  EXPECT_LE(provider_.CountOf(kJwksUri), 1 + kGenerations);
}

TEST_F(KeyRotationTest, AGoodTokenInTheIntervalAfterAFetchWaitsAndIsThenGood) {
  const TestKey stranger("ES384");
  EXPECT_TRUE(Judge(Sign(stranger, "made-up"))->response.has_refusal());  // the keys are fetched
  Publish(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Judge(tokens_[1]).status().code(), absl::StatusCode::kUnavailable);
  clock_.Advance(kUnknownKeyInterval);
  EXPECT_TRUE(Judge(tokens_[1])->accepted());
}

TEST_F(KeyRotationTest, AGoodTokenWithoutAKeyIdWaitsAndIsThenGood) {
  const auto without_key_id = [](const TestKey& key) {
    return key.Sign(R"({"alg":"ES384","typ":"at+jwt"})", absl::StrCat(R"({"iss":")", kIssuer, R"(","aud":")", kResource,
                                                                      R"(","sub":"alice","exp":1900000000})"));
  };
  const std::string good = without_key_id(KeyOf(2));
  const absl::StatusOr<Verdict> forged = Judge(without_key_id(TestKey("ES384")));  // the keys are fetched
  EXPECT_EQ(forged->response.refusal().reason(), gatehouse::auth::v1::REFUSAL_REASON_BAD_SIGNATURE);
  Publish(2);
  EXPECT_EQ(Judge(good).status().code(), absl::StatusCode::kUnavailable);
  clock_.Advance(kUnknownKeyInterval);
  EXPECT_TRUE(Judge(good)->accepted());
  EXPECT_EQ(provider_.CountOf(kJwksUri), 3);
}

TEST_F(KeyRotationTest, WhoseKeyIsGoneForGoodIsToldSoWhoeverAsks) {
  Publish(2);
  ASSERT_TRUE(keys_.Refresh().ok());
  // Two users whose tokens are signed with the first key: one fetch answers both, so both sign in again.
  EXPECT_EQ(Judge(tokens_[0])->response.refusal().reason(), gatehouse::auth::v1::REFUSAL_REASON_UNKNOWN_KEY);
  EXPECT_EQ(Judge(Sign(KeyOf(0), "key0"))->response.refusal().reason(),
            gatehouse::auth::v1::REFUSAL_REASON_UNKNOWN_KEY);
  EXPECT_EQ(provider_.CountOf(kJwksUri), 3);
}

}  // namespace
}  // namespace auth_service
