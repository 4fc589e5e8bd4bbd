#include "auth_service/provider/limiting_http_client.h"

namespace auth_service {

absl::StatusOr<HttpResponse> LimitingHttpClient::Send(const HttpRequest& request) {
  const int endpoint = static_cast<int>(request.endpoint);
  const absl::Time deadline = clock_.Now() + request.timeout;
  bool waited = false;
  {
    absl::MutexLock lock(&mutex_);
    const auto has_room = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return running_[endpoint] < max_concurrent_; };
    if (!has_room()) {
      waited = true;
      if (!mutex_.AwaitWithTimeout(absl::Condition(&has_room), request.timeout)) {
        metrics_.provider_rejected(request.endpoint, ProviderRejection::kConcurrency).Increment();
        return absl::UnavailableError("too many requests to the provider are under way");
      }
    }
    ++running_[endpoint];
  }
  absl::StatusOr<HttpResponse> response = absl::UnavailableError("too many requests to the provider are under way");
  if (!waited) {
    response = client_.Send(request);
  } else {
    HttpRequest rest = request;
    rest.timeout = deadline - clock_.Now();
    if (rest.timeout > absl::ZeroDuration()) response = client_.Send(rest);
  }
  absl::MutexLock lock(&mutex_);
  --running_[endpoint];
  return response;
}

}  // namespace auth_service
