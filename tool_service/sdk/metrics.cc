#include "tool_service/sdk/metrics.h"

namespace tool_service {
namespace {

const prometheus::Histogram::BucketBoundaries kSeconds = {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03,
                                                          0.1,    0.3,    1,     3,     10,   30};

}  // namespace

Metrics::Metrics(prometheus::Registry& registry)
    : unknown_tool(prometheus::BuildCounter()
                       .Name("gatehouse_tool_unknown_total")
                       .Help("Calls of tools that this service does not have.")
                       .Register(registry)
                       .Add({})),
      events_dropped(prometheus::BuildCounter()
                         .Name("gatehouse_tool_events_dropped_total")
                         .Help("Progress and log events dropped because the client reads too slowly.")
                         .Register(registry)
                         .Add({})),
      updates_dropped(prometheus::BuildCounter()
                          .Name("gatehouse_tool_resource_updates_dropped_total")
                          .Help("Resource updates dropped because an edge reads too slowly.")
                          .Register(registry)
                          .Add({})),
      calls_in_flight(prometheus::BuildGauge()
                          .Name("gatehouse_tool_calls_in_flight")
                          .Help("Requests that are running or waiting for a thread.")
                          .Register(registry)
                          .Add({})),
      catalog_streams(prometheus::BuildGauge()
                          .Name("gatehouse_tool_catalog_streams")
                          .Help("Open WatchCatalog streams, one for each edge.")
                          .Register(registry)
                          .Add({})),
      resource_streams(prometheus::BuildGauge()
                           .Name("gatehouse_tool_resource_streams")
                           .Help("Open WatchResources streams, one for each edge.")
                           .Register(registry)
                           .Add({})),
      principals_refused_(prometheus::BuildCounter()
                              .Name("gatehouse_tool_principals_refused_total")
                              .Help("Calls refused since nothing that is believed says who makes them, by reason.")
                              .Register(registry)),
      tools_{.label = "tool",
             .calls = prometheus::BuildCounter()
                          .Name("gatehouse_tool_calls_total")
                          .Help("Calls by tool and outcome.")
                          .Register(registry),
             .seconds = prometheus::BuildHistogram()
                            .Name("gatehouse_tool_call_duration_seconds")
                            .Help("Time from a call's arrival to its outcome.")
                            .Register(registry)},
      methods_{.label = "method",
               .calls = prometheus::BuildCounter()
                            .Name("gatehouse_tool_requests_total")
                            .Help("Requests for anything but tools, by method and outcome.")
                            .Register(registry),
               .seconds = prometheus::BuildHistogram()
                              .Name("gatehouse_tool_request_duration_seconds")
                              .Help("Time from such a request's arrival to its outcome.")
                              .Register(registry)} {}

prometheus::Counter& Metrics::PrincipalRefused(absl::string_view reason) {
  return principals_refused_.Add({{"reason", std::string(reason)}});
}

const OutcomeMetrics& Metrics::ForTool(absl::string_view name) { return For(tools_, name); }

const OutcomeMetrics& Metrics::ForMethod(absl::string_view method) { return For(methods_, method); }

const OutcomeMetrics& Metrics::For(Group& group, absl::string_view name) {
  {
    absl::ReaderMutexLock lock(&group.mutex);
    const auto found = group.by_name.find(name);
    if (found != group.by_name.end()) return *found->second;
  }
  absl::MutexLock lock(&group.mutex);
  std::unique_ptr<const OutcomeMetrics>& metrics = group.by_name[std::string(name)];
  if (metrics == nullptr) {
    const auto calls = [&](const char* outcome) -> prometheus::Counter& {
      return group.calls.Add({{group.label, std::string(name)}, {"outcome", outcome}});
    };
    metrics.reset(new OutcomeMetrics{calls("ok"), calls("tool_error"), calls("input_required"), calls("refused"),
                                     calls("cancelled"), calls("overloaded"), calls("failed"),
                                     group.seconds.Add({{group.label, std::string(name)}}, kSeconds)});
  }
  return *metrics;
}

}  // namespace tool_service
