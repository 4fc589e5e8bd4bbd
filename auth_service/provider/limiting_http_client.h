// Bounds how many requests a provider is sent at once.

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_LIMITING_HTTP_CLIENT_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_LIMITING_HTTP_CLIENT_H_

#include <array>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "auth_service/metrics.h"
#include "auth_service/provider/http_client.h"
#include "common/clock.h"

namespace auth_service {

// An HttpClient that leaves each request to another one, at most `max_concurrent` of each endpoint at once, so that no
// flood of one kind takes the place of another. Further ones wait their turn; the wait counts for their timeout.
// Thread-safe.
class LimitingHttpClient final : public HttpClient {
 public:
  // `max_concurrent` is positive. The others must outlive this.
  LimitingHttpClient(int max_concurrent, HttpClient& client, Metrics& metrics, const common::Clock& clock)
      : max_concurrent_(max_concurrent), client_(client), metrics_(metrics), clock_(clock) {}

  // Errors, further: kUnavailable, its turn did not come in time.
  absl::StatusOr<HttpResponse> Send(const HttpRequest& request) override;

 private:
  const int max_concurrent_;
  HttpClient& client_;
  Metrics& metrics_;
  const common::Clock& clock_;
  absl::Mutex mutex_;
  std::array<int, kProviderEndpoints> running_ ABSL_GUARDED_BY(mutex_){};
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_LIMITING_HTTP_CLIENT_H_
