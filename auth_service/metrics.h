// What auth_service counts; explained for operators in README.md. Names end up in dashboards: add, do not rename.

#ifndef GATEHOUSE_AUTH_SERVICE_METRICS_H_
#define GATEHOUSE_AUTH_SERVICE_METRICS_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "auth_service/provider/http_client.h"
#include "gatehouse/auth/v1/auth.pb.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace auth_service {

// How a request to the provider ended.
enum class ProviderOutcome { kOk, kRedirect, kClientError, kServerError, kTimeout, kTooLarge, kUnreachable };
inline constexpr int kProviderOutcomes = 7;
inline constexpr int kProviderEndpoints = 6;
// Why a request was not sent to the provider.
enum class ProviderRejection { kCircuitOpen, kConcurrency };
inline constexpr int kProviderRejections = 2;

// Every series exists from the start, so that a rate over a first event is right. Thread-safe; one instance, built in
// main.
class Metrics {
 public:
  // Registers with `registry`, which must outlive this.
  explicit Metrics(prometheus::Registry& registry);

  // VerifyToken: answers given, by what they were.
  prometheus::Counter& accepted;
  prometheus::Counter& unavailable;
  prometheus::Counter& caller_gone;
  prometheus::Counter& invalid_argument;
  prometheus::Counter& refused(gatehouse::auth::v1::RefusalReason reason) { return *refused_[reason]; }

  // The verdict cache: how a check was answered.
  prometheus::Counter& cache_hits;
  prometheus::Counter& cache_misses;
  prometheus::Counter& cache_joined;
  // Checks that were turned away because too many were under way.
  prometheus::Counter& overloaded;
  // Checks that were turned away because too many before them had ended in a refusal.
  prometheus::Counter& over_refusal_budget;
  // Principals given past their reuse time, since the provider could not be asked.
  prometheus::Counter& stale_accepted;

  prometheus::Gauge& rpcs_in_flight;
  // 1 while the service is ready.
  prometheus::Gauge& ready;
  // 1 while there are metadata and keys of `issuer`, one of --issuers.
  prometheus::Gauge& issuer_ready(const std::string& issuer) { return issuer_ready_.Add({{"issuer", issuer}}); }

  prometheus::Counter& provider_requests(ProviderEndpoint endpoint, ProviderOutcome outcome) {
    return *provider_requests_[static_cast<int>(endpoint)][static_cast<int>(outcome)];
  }
  prometheus::Histogram& provider_seconds(ProviderEndpoint endpoint) {
    return *provider_seconds_[static_cast<int>(endpoint)];
  }

  prometheus::Counter& provider_rejected(ProviderEndpoint endpoint, ProviderRejection reason) {
    return *provider_rejected_[static_cast<int>(endpoint)][static_cast<int>(reason)];
  }
  // How many circuits of the endpoint, one of each issuer, are open now; how often one was opened.
  prometheus::Gauge& provider_circuits_open(ProviderEndpoint endpoint) {
    return *provider_circuits_open_[static_cast<int>(endpoint)];
  }
  prometheus::Counter& provider_circuit_opened(ProviderEndpoint endpoint) {
    return *provider_circuit_opened_[static_cast<int>(endpoint)];
  }

 private:
  prometheus::Family<prometheus::Gauge>& issuer_ready_;
  std::array<prometheus::Counter*, gatehouse::auth::v1::RefusalReason_ARRAYSIZE> refused_{};
  std::array<std::array<prometheus::Counter*, kProviderOutcomes>, kProviderEndpoints> provider_requests_{};
  std::array<prometheus::Histogram*, kProviderEndpoints> provider_seconds_{};
  std::array<std::array<prometheus::Counter*, kProviderRejections>, kProviderEndpoints> provider_rejected_{};
  std::array<prometheus::Gauge*, kProviderEndpoints> provider_circuits_open_{};
  std::array<prometheus::Counter*, kProviderEndpoints> provider_circuit_opened_{};
};

// The name of an endpoint in metrics and logs: "userinfo" for ProviderEndpoint::kUserinfo.
absl::string_view ProviderEndpointName(ProviderEndpoint endpoint);

// The name of a reason in metrics and logs: "expired" for REFUSAL_REASON_EXPIRED.
absl::string_view RefusalReasonName(gatehouse::auth::v1::RefusalReason reason);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_METRICS_H_
