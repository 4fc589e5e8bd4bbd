// Leaves a provider alone that fails.

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_CIRCUIT_BREAKER_HTTP_CLIENT_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_CIRCUIT_BREAKER_HTTP_CLIENT_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth_service/metrics.h"
#include "auth_service/provider/http_client.h"
#include "common/clock.h"

namespace auth_service {

// An HttpClient that leaves each request to another one until `failures_to_open` of them in a row have failed. Then the
// circuit of that endpoint is open: requests fail at once, for a time that begins with half a second, doubles with each
// failed probe up to ten seconds, and is shortened by up to a fifth at random, so that replicas do not come back as
// one. After it one request, the probe, goes through; the circuit closes when that succeeds. Each endpoint has its own
// circuit. For one issuer. Thread-safe.
//
// A failure is: no answer, no answer in time (unless the caller left less than kShortestTellingTimeout), status 429 and
// 5xx. An answer that is too long, and a refusal (4xx), are answers: what one token brings about is no reason to stop
// asking for others.
class CircuitBreakerHttpClient final : public HttpClient {
 public:
  struct Options {
    std::string issuer;  // for the log
    int failures_to_open = 10;
    // A number in [0, 1), at random. Thread-safe.
    std::function<double()> random;
  };

  // All three must outlive this.
  CircuitBreakerHttpClient(Options options, HttpClient& client, Metrics& metrics, const common::Clock& clock)
      : options_(std::move(options)), client_(client), metrics_(metrics), clock_(clock) {}

  // Errors, further: kUnavailable, the circuit is open.
  absl::StatusOr<HttpResponse> Send(const HttpRequest& request) override;

 private:
  struct Circuit {
    absl::Mutex mutex;
    int failures ABSL_GUARDED_BY(mutex) = 0;      // in a row, while closed
    int times_opened ABSL_GUARDED_BY(mutex) = 0;  // since it was last closed; 0: it is closed
    bool probing ABSL_GUARDED_BY(mutex) = false;
    absl::Time next_probe_time ABSL_GUARDED_BY(mutex);
  };

  void Open(Circuit& circuit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(circuit.mutex);

  const Options options_;
  HttpClient& client_;
  Metrics& metrics_;
  const common::Clock& clock_;
  std::array<Circuit, kProviderEndpoints> circuits_;
};

// A request that was given less time than this and did not make it tells nothing of the provider.
inline constexpr absl::Duration kShortestTellingTimeout = absl::Milliseconds(250);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_CIRCUIT_BREAKER_HTTP_CLIENT_H_
