#include "auth_service/provider/metered_http_client.h"

namespace auth_service {
namespace {

ProviderOutcome OutcomeOf(const absl::StatusOr<HttpResponse>& response) {
  switch (response.status().code()) {
    case absl::StatusCode::kOk:
      break;
    case absl::StatusCode::kDeadlineExceeded:
      return ProviderOutcome::kTimeout;
    case absl::StatusCode::kResourceExhausted:
      return ProviderOutcome::kTooLarge;
    default:
      return ProviderOutcome::kUnreachable;
  }
  if (response->status >= 500) return ProviderOutcome::kServerError;
  if (response->status >= 400) return ProviderOutcome::kClientError;
  if (response->status >= 300) return ProviderOutcome::kRedirect;
  return ProviderOutcome::kOk;
}

}  // namespace

absl::StatusOr<HttpResponse> MeteredHttpClient::Send(const HttpRequest& request) {
  const absl::Time start = clock_.Now();
  absl::StatusOr<HttpResponse> response = client_.Send(request);
  metrics_.provider_seconds(request.endpoint).Observe(absl::ToDoubleSeconds(clock_.Now() - start));
  metrics_.provider_requests(request.endpoint, OutcomeOf(response)).Increment();
  return response;
}

}  // namespace auth_service
