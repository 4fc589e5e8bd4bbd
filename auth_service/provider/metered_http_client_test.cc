#include "auth_service/provider/metered_http_client.h"

#include "auth_service/provider/fake_http_client.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

TEST(MeteredHttpClientTest, CountsEachOutcomeByEndpoint) {
  prometheus::Registry registry;
  Metrics metrics(registry);
  common::FakeClock clock;
  FakeHttpClient provider;
  MeteredHttpClient client(provider, metrics, clock);
  provider.Answer("u:200", 200, "");
  provider.Answer("u:302", 302, "");
  provider.Answer("u:401", 401, "");
  provider.Answer("u:503", 503, "");
  provider.AnswerWith("u:late", absl::DeadlineExceededError("late"));
  provider.AnswerWith("u:long", absl::ResourceExhaustedError("long"));
  provider.AnswerWith("u:down", absl::UnavailableError("down"));
  for (const char* url : {"u:200", "u:302", "u:401", "u:503", "u:late", "u:long", "u:down"}) {
    HttpRequest request;
    request.endpoint = ProviderEndpoint::kUserinfo;
    request.url = url;
    (void)client.Send(request);
  }
  for (int outcome = 0; outcome < kProviderOutcomes; ++outcome) {
    EXPECT_EQ(metrics.provider_requests(ProviderEndpoint::kUserinfo, static_cast<ProviderOutcome>(outcome)).Value(), 1)
        << outcome;
    EXPECT_EQ(metrics.provider_requests(ProviderEndpoint::kJwks, static_cast<ProviderOutcome>(outcome)).Value(), 0);
  }
  EXPECT_EQ(metrics.provider_seconds(ProviderEndpoint::kUserinfo).Collect().histogram.sample_count, 7u);
}

}  // namespace
}  // namespace auth_service
