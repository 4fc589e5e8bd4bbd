#include "auth_service/provider/limiting_http_client.h"

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

class LimitingHttpClientTest : public ::testing::Test {
 protected:
  ~LimitingHttpClientTest() override {
    provider_.Release();
    for (std::thread& thread : threads_) thread.join();
  }

  absl::StatusOr<HttpResponse> Ask(ProviderEndpoint endpoint, absl::Duration timeout = absl::Minutes(10)) {
    HttpRequest request;
    request.endpoint = endpoint;
    request.url = endpoint == ProviderEndpoint::kUserinfo ? kUserinfo : kJwks;
    request.timeout = timeout;
    return limited_.Send(request);
  }

  void AskInBackground() {
    threads_.emplace_back([this] {
      if (Ask(ProviderEndpoint::kUserinfo).ok()) ++done_;
    });
  }

  common::FakeClock clock_;
  prometheus::Registry registry_;
  Metrics metrics_{registry_};
  FakeHttpClient provider_;
  LimitingHttpClient limited_{2, provider_, metrics_, clock_};
  std::atomic<int> done_{0};
  std::vector<std::thread> threads_;
};

TEST_F(LimitingHttpClientTest, NoMoreThanTheLimitAreUnderWayAndTheRestWaitsItsTurn) {
  provider_.Answer(kUserinfo, 200, "{}");
  provider_.Hold();
  AskInBackground();
  AskInBackground();
  provider_.AwaitRequests(2);
  for (int i = 0; i < 6; ++i) AskInBackground();
  // Who cannot wait is told so, and never gets to the provider.
  EXPECT_EQ(Ask(ProviderEndpoint::kUserinfo, absl::Milliseconds(20)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(metrics_.provider_rejected(ProviderEndpoint::kUserinfo, ProviderRejection::kConcurrency).Value(), 1);
  EXPECT_EQ(provider_.CountOf(kUserinfo), 2);
  provider_.Release();
  provider_.AwaitRequests(8);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  EXPECT_EQ(done_, 8);
}

TEST_F(LimitingHttpClientTest, AFloodOfOneEndpointLeavesTheOthersAlone) {
  class Stuck final : public HttpClient {
   public:
    absl::StatusOr<HttpResponse> Send(const HttpRequest& request) override {
      if (request.endpoint == ProviderEndpoint::kJwks) return HttpResponse{200, "{}"};
      return hang.Send(request);
    }
    FakeHttpClient hang;
  } provider;
  provider.hang.Hold();
  LimitingHttpClient limited(1, provider, metrics_, clock_);
  std::thread flood([&] {
    HttpRequest request;
    request.endpoint = ProviderEndpoint::kUserinfo;
    request.timeout = absl::Minutes(10);
    (void)limited.Send(request);
  });
  provider.hang.AwaitRequests(1);
  HttpRequest request;
  request.endpoint = ProviderEndpoint::kJwks;
  request.timeout = absl::Seconds(5);
  EXPECT_TRUE(limited.Send(request).ok());
  provider.hang.Release();
  flood.join();
}

TEST_F(LimitingHttpClientTest, AFreePlaceChangesNothing) {
  provider_.Answer(kJwks, 200, "{}");
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Ask(ProviderEndpoint::kJwks, absl::Seconds(3)).ok());
  EXPECT_EQ(provider_.requests().back().timeout, absl::Seconds(3));
  provider_.AnswerWith(kJwks, absl::UnavailableError("down"));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(Ask(ProviderEndpoint::kJwks).ok());  // failures give their place back
  EXPECT_EQ(provider_.CountOf(kJwks), 20);
}

}  // namespace
}  // namespace auth_service
