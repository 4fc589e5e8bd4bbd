#include "auth_service/provider/circuit_breaker_http_client.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace auth_service {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(500);
constexpr absl::Duration kLongestPause = absl::Seconds(10);
constexpr double kJitter = 0.2;

enum class Outcome { kSuccess, kFailure, kTellsNothing };

Outcome OutcomeOf(const HttpRequest& request, const absl::StatusOr<HttpResponse>& response) {
  if (response.ok()) {
    return response->status >= 500 || response->status == 429 ? Outcome::kFailure : Outcome::kSuccess;
  }
  if (response.status().code() == absl::StatusCode::kResourceExhausted) return Outcome::kSuccess;
  if (response.status().code() == absl::StatusCode::kDeadlineExceeded && request.timeout < kShortestTellingTimeout) {
    return Outcome::kTellsNothing;
  }
  return Outcome::kFailure;
}

}  // namespace

absl::StatusOr<HttpResponse> CircuitBreakerHttpClient::Send(const HttpRequest& request) {
  Circuit& circuit = circuits_[static_cast<int>(request.endpoint)];
  bool is_probe = false;
  {
    absl::MutexLock lock(&circuit.mutex);
    if (circuit.times_opened > 0) {
      if (circuit.probing || clock_.Now() < circuit.next_probe_time) {
        metrics_.provider_rejected(request.endpoint, ProviderRejection::kCircuitOpen).Increment();
        return absl::UnavailableError("the provider keeps failing, and is left alone for a moment");
      }
      circuit.probing = is_probe = true;
    }
  }
  absl::StatusOr<HttpResponse> response = client_.Send(request);
  const Outcome outcome = OutcomeOf(request, response);

  absl::MutexLock lock(&circuit.mutex);
  if (is_probe) {
    circuit.probing = false;  // and after a probe that tells nothing the next request is one
    if (outcome == Outcome::kFailure) Open(circuit);
    if (outcome == Outcome::kSuccess) {
      circuit.times_opened = 0;
      circuit.failures = 0;
      metrics_.provider_circuits_open(request.endpoint).Decrement();
      common::Log(common::Severity::kInfo, "provider_circuit_closed",
                  {{"issuer", options_.issuer}, {"endpoint", ProviderEndpointName(request.endpoint)}});
    }
    return response;
  }
  if (circuit.times_opened > 0) return response;  // began before the circuit opened: the probe decides
  if (outcome == Outcome::kSuccess) circuit.failures = 0;
  if (outcome == Outcome::kFailure && ++circuit.failures >= options_.failures_to_open) {
    metrics_.provider_circuits_open(request.endpoint).Increment();
    metrics_.provider_circuit_opened(request.endpoint).Increment();
    common::Log(common::Severity::kWarning, "provider_circuit_opened",
                {{"issuer", options_.issuer},
                 {"endpoint", ProviderEndpointName(request.endpoint)},
                 {"failures", circuit.failures},
                 {"message", response.ok() ? absl::StrCat("HTTP status ", response->status)
                                           : std::string(response.status().message())}});
    Open(circuit);
  }
  return response;
}

void CircuitBreakerHttpClient::Open(Circuit& circuit) {
  const absl::Duration pause = std::min(kLongestPause, kFirstPause * (1 << std::min(circuit.times_opened, 10)));
  ++circuit.times_opened;
  circuit.next_probe_time = clock_.Now() + pause * (1 - kJitter * options_.random());
}

}  // namespace auth_service
