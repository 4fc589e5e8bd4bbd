#include "auth_service/provider/circuit_breaker_http_client.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "auth_service/provider/fake_http_client.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

constexpr char kUserinfo[] = "https://id.example.com/oidc/me";
constexpr char kJwks[] = "https://id.example.com/oidc/jwks";

class CircuitBreakerHttpClientTest : public ::testing::Test {
 protected:
  absl::StatusOr<HttpResponse> Ask(ProviderEndpoint endpoint = ProviderEndpoint::kUserinfo,
                                   absl::Duration timeout = absl::Seconds(5)) {
    HttpRequest request;
    request.endpoint = endpoint;
    request.url = endpoint == ProviderEndpoint::kUserinfo ? kUserinfo : kJwks;
    request.timeout = timeout;
    return breaker_.Send(request);
  }

  // Whether the provider was asked.
  bool Reaches() {
    const int before = provider_.CountOf(kUserinfo);
    (void)Ask();
    return provider_.CountOf(kUserinfo) > before;
  }

  void OpenIt() {
    provider_.Answer(kUserinfo, 500, "");
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(Reaches()) << i;
    EXPECT_FALSE(Reaches());
  }

  double Opened() { return metrics_.provider_circuit_opened(ProviderEndpoint::kUserinfo).Value(); }
  double OpenNow() { return metrics_.provider_circuits_open(ProviderEndpoint::kUserinfo).Value(); }

  common::FakeClock clock_;
  prometheus::Registry registry_;
  Metrics metrics_{registry_};
  FakeHttpClient provider_;
  double random_ = 0;
  CircuitBreakerHttpClient breaker_{
      {"https://id.example.com/oidc", 3, [this] { return random_; }}, provider_, metrics_, clock_};
};

TEST_F(CircuitBreakerHttpClientTest, FailuresInARowOpenItAndThenNobodyIsAsked) {
  OpenIt();
  EXPECT_EQ(Ask().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Opened(), 1);
  EXPECT_EQ(OpenNow(), 1);
  EXPECT_EQ(metrics_.provider_rejected(ProviderEndpoint::kUserinfo, ProviderRejection::kCircuitOpen).Value(), 2);
}

TEST_F(CircuitBreakerHttpClientTest, EachKindOfFailureCounts) {
  provider_.AnswerWith(kUserinfo, absl::UnavailableError("refused"));
  EXPECT_TRUE(Reaches());
  provider_.AnswerWith(kUserinfo, absl::DeadlineExceededError("slow"));
  EXPECT_TRUE(Reaches());
  provider_.Answer(kUserinfo, 429, "");
  EXPECT_TRUE(Reaches());
  EXPECT_FALSE(Reaches());
}

TEST_F(CircuitBreakerHttpClientTest, WhatOneTokenBringsAboutDoesNotOpenIt) {
  for (const int status : {200, 302, 400, 401, 403, 404}) {
    provider_.Answer(kUserinfo, status, "");
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(Reaches()) << status;
  }
  provider_.AnswerWith(kUserinfo, absl::ResourceExhaustedError("too long"));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Reaches());
  provider_.AnswerWith(kUserinfo, absl::DeadlineExceededError("the caller was in a hurry"));
  for (int i = 0; i < 5; ++i) {
    const int before = provider_.CountOf(kUserinfo);
    (void)Ask(ProviderEndpoint::kUserinfo, absl::Milliseconds(249));
    EXPECT_EQ(provider_.CountOf(kUserinfo), before + 1);
  }
}

TEST_F(CircuitBreakerHttpClientTest, ASuccessBetweenFailuresKeepsItClosed) {
  for (int i = 0; i < 10; ++i) {
    provider_.Answer(kUserinfo, i % 3 == 2 ? 200 : 503, "");
    EXPECT_TRUE(Reaches()) << i;
  }
}

TEST_F(CircuitBreakerHttpClientTest, EndpointsDoNotShareACircuit) {
  OpenIt();
  provider_.Answer(kJwks, 200, "{}");
  EXPECT_TRUE(Ask(ProviderEndpoint::kJwks).ok());
}

TEST_F(CircuitBreakerHttpClientTest, OneProbeThatSucceedsClosesIt) {
  OpenIt();
  clock_.Advance(absl::Milliseconds(499));
  EXPECT_FALSE(Reaches());
  clock_.Advance(absl::Milliseconds(1));
  provider_.Answer(kUserinfo, 200, "{}");
  EXPECT_TRUE(Reaches());
  EXPECT_EQ(OpenNow(), 0);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Reaches());
  // And the next time it begins with short pauses again.
  OpenIt();
  EXPECT_EQ(Opened(), 2);
  clock_.Advance(absl::Milliseconds(500));
  EXPECT_TRUE(Reaches());
}

TEST_F(CircuitBreakerHttpClientTest, PausesGrowToTenSecondsAndAreShortenedAtRandom) {
  OpenIt();
  for (const int milliseconds : {500, 1000, 2000, 4000, 8000, 10'000, 10'000}) {
    clock_.Advance(absl::Milliseconds(milliseconds - 1));
    EXPECT_FALSE(Reaches()) << milliseconds;
    clock_.Advance(absl::Milliseconds(1));
    EXPECT_TRUE(Reaches()) << milliseconds;
    EXPECT_FALSE(Reaches()) << milliseconds;
  }
  EXPECT_EQ(Opened(), 1);
  EXPECT_EQ(OpenNow(), 1);
  random_ = 1;
  clock_.Advance(absl::Seconds(10));
  EXPECT_TRUE(Reaches());
  clock_.Advance(absl::Seconds(8));
  EXPECT_TRUE(Reaches());
}

TEST_F(CircuitBreakerHttpClientTest, AProbeThatTellsNothingLetsTheNextRequestBeOne) {
  OpenIt();
  clock_.Advance(absl::Milliseconds(500));
  provider_.AnswerWith(kUserinfo, absl::DeadlineExceededError("the caller was in a hurry"));
  EXPECT_EQ(Ask(ProviderEndpoint::kUserinfo, absl::Milliseconds(10)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  provider_.Answer(kUserinfo, 200, "{}");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(OpenNow(), 0);
}

TEST_F(CircuitBreakerHttpClientTest, OfManyAtOnceOnlyOneIsTheProbe) {
  OpenIt();
  clock_.Advance(absl::Milliseconds(500));
  const size_t before = provider_.requests().size();
  provider_.Answer(kUserinfo, 200, "{}");
  provider_.Hold();
  std::atomic<int> ok{0};
  std::thread probe([&] {
    if (Ask().ok()) ++ok;
  });
  provider_.AwaitRequests(before + 1);
  std::vector<std::thread> others;
  std::atomic<int> rejected{0};
  for (int i = 0; i < 8; ++i) {
    others.emplace_back([&] {
      if (!Ask().ok()) ++rejected;
    });
  }
  for (std::thread& other : others) other.join();
  provider_.Release();
  probe.join();
  EXPECT_EQ(rejected, 8);
  EXPECT_EQ(ok, 1);
  EXPECT_EQ(provider_.requests().size(), before + 1);
}

}  // namespace
}  // namespace auth_service
