#include "auth_service/metrics.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RefusalReason;
using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Registry;

constexpr const char* kEndpointNames[kProviderEndpoints] = {"discovery",     "jwks",  "userinfo",
                                                            "introspection", "token", "management_api"};
constexpr const char* kOutcomeNames[kProviderOutcomes] = {"ok",      "redirect",  "client_error", "server_error",
                                                          "timeout", "too_large", "unreachable"};

constexpr const char* kRejectionNames[kProviderRejections] = {"circuit_open", "concurrency"};

// Add() and Register() give the same object for the same name and labels, so families need not be kept.
Family<Counter>& Verdicts(Registry& registry) {
  return BuildCounter()
      .Name("gatehouse_auth_verdicts_total")
      .Help("Answers of VerifyToken, by outcome and, for a refusal, by reason.")
      .Register(registry);
}

Family<Counter>& CacheLookups(Registry& registry) {
  return BuildCounter()
      .Name("gatehouse_auth_verdict_cache_total")
      .Help("Checks by how the verdict cache answered: hit, miss, or joined (waits for a check under way).")
      .Register(registry);
}

}  // namespace

absl::string_view ProviderEndpointName(ProviderEndpoint endpoint) { return kEndpointNames[static_cast<int>(endpoint)]; }

absl::string_view RefusalReasonName(RefusalReason reason) {
  static const auto* const names = [] {
    auto* const all = new std::array<std::string, gatehouse::auth::v1::RefusalReason_ARRAYSIZE>;
    for (size_t i = 0; i < all->size(); ++i) {
      const std::string& name = gatehouse::auth::v1::RefusalReason_Name(static_cast<RefusalReason>(i));
      (*all)[i] = absl::AsciiStrToLower(absl::StripPrefix(name, "REFUSAL_REASON_"));
    }
    return all;
  }();
  return (*names)[reason];
}

Metrics::Metrics(Registry& registry)
    : accepted(Verdicts(registry).Add({{"outcome", "accepted"}, {"reason", ""}})),
      unavailable(Verdicts(registry).Add({{"outcome", "unavailable"}, {"reason", ""}})),
      caller_gone(Verdicts(registry).Add({{"outcome", "caller_gone"}, {"reason", ""}})),
      invalid_argument(Verdicts(registry).Add({{"outcome", "invalid_argument"}, {"reason", ""}})),
      cache_hits(CacheLookups(registry).Add({{"result", "hit"}})),
      cache_misses(CacheLookups(registry).Add({{"result", "miss"}})),
      cache_joined(CacheLookups(registry).Add({{"result", "joined"}})),
      overloaded(BuildCounter()
                     .Name("gatehouse_auth_overloaded_total")
                     .Help("Checks turned away because too many were under way.")
                     .Register(registry)
                     .Add({})),
      over_refusal_budget(BuildCounter()
                              .Name("gatehouse_auth_over_refusal_budget_total")
                              .Help("Checks of unknown opaque tokens turned away because too many were refused.")
                              .Register(registry)
                              .Add({})),
      stale_accepted(BuildCounter()
                         .Name("gatehouse_auth_stale_accepted_total")
                         .Help("Tokens accepted past the time of their verdict, as the provider could not be asked.")
                         .Register(registry)
                         .Add({})),
      rpcs_in_flight(BuildGauge()
                         .Name("gatehouse_auth_rpcs_in_flight")
                         .Help("Checks of tokens and registrations under way.")
                         .Register(registry)
                         .Add({})),
      ready(BuildGauge().Name("gatehouse_auth_ready").Help("1 while ready, else 0.").Register(registry).Add({})),
      issuer_ready_(BuildGauge()
                        .Name("gatehouse_auth_issuer_ready")
                        .Help("1 while there are metadata and keys of the issuer, else 0.")
                        .Register(registry)) {
  for (size_t i = 1; i < refused_.size(); ++i) {
    const std::string reason(RefusalReasonName(static_cast<RefusalReason>(i)));
    refused_[i] = &Verdicts(registry).Add({{"outcome", "refused"}, {"reason", reason}});
  }
  auto& requests = BuildCounter()
                       .Name("gatehouse_auth_provider_requests_total")
                       .Help("Requests to the OIDC provider, by endpoint and outcome.")
                       .Register(registry);
  auto& seconds = BuildHistogram()
                      .Name("gatehouse_auth_provider_request_seconds")
                      .Help("How long the OIDC provider took to answer, by endpoint.")
                      .Register(registry);
  auto& rejected = BuildCounter()
                       .Name("gatehouse_auth_provider_rejected_total")
                       .Help("Requests that were not sent to the OIDC provider, by endpoint and reason.")
                       .Register(registry);
  auto& circuits_open = BuildGauge()
                            .Name("gatehouse_auth_provider_circuits_open")
                            .Help("Circuits that are open: the provider failed and is left alone, by endpoint.")
                            .Register(registry);
  auto& circuit_opened = BuildCounter()
                             .Name("gatehouse_auth_provider_circuit_opened_total")
                             .Help("How often a circuit was opened, by endpoint.")
                             .Register(registry);
  for (int endpoint = 0; endpoint < kProviderEndpoints; ++endpoint) {
    for (int reason = 0; reason < kProviderRejections; ++reason) {
      provider_rejected_[endpoint][reason] =
          &rejected.Add({{"endpoint", kEndpointNames[endpoint]}, {"reason", kRejectionNames[reason]}});
    }
    provider_circuits_open_[endpoint] = &circuits_open.Add({{"endpoint", kEndpointNames[endpoint]}});
    provider_circuit_opened_[endpoint] = &circuit_opened.Add({{"endpoint", kEndpointNames[endpoint]}});
    for (int outcome = 0; outcome < kProviderOutcomes; ++outcome) {
      provider_requests_[endpoint][outcome] =
          &requests.Add({{"endpoint", kEndpointNames[endpoint]}, {"outcome", kOutcomeNames[outcome]}});
    }
    provider_seconds_[endpoint] =
        &seconds.Add({{"endpoint", kEndpointNames[endpoint]}},
                     prometheus::Histogram::BucketBoundaries{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                                             2.5, 5, 10});
  }
}

}  // namespace auth_service
