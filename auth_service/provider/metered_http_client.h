// Counts and times what is asked of the provider.

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_METERED_HTTP_CLIENT_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_METERED_HTTP_CLIENT_H_

#include "auth_service/metrics.h"
#include "auth_service/provider/http_client.h"
#include "common/clock.h"

namespace auth_service {

// An HttpClient that leaves each request to another one and counts its outcome. Thread-safe.
class MeteredHttpClient final : public HttpClient {
 public:
  // All three must outlive this.
  MeteredHttpClient(HttpClient& client, Metrics& metrics, const common::Clock& clock)
      : client_(client), metrics_(metrics), clock_(clock) {}

  absl::StatusOr<HttpResponse> Send(const HttpRequest& request) override;

 private:
  HttpClient& client_;
  Metrics& metrics_;
  const common::Clock& clock_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_METERED_HTTP_CLIENT_H_
