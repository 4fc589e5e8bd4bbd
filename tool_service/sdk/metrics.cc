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
      calls_in_flight(prometheus::BuildGauge()
                          .Name("gatehouse_tool_calls_in_flight")
                          .Help("Calls that are running or waiting for a thread.")
                          .Register(registry)
                          .Add({})),
      catalog_streams(prometheus::BuildGauge()
                          .Name("gatehouse_tool_catalog_streams")
                          .Help("Open WatchCatalog streams, one for each edge.")
                          .Register(registry)
                          .Add({})),
      calls_(prometheus::BuildCounter()
                 .Name("gatehouse_tool_calls_total")
                 .Help("Calls by tool and outcome.")
                 .Register(registry)),
      seconds_(prometheus::BuildHistogram()
                   .Name("gatehouse_tool_call_duration_seconds")
                   .Help("Time from a call's arrival to its outcome.")
                   .Register(registry)) {}

const ToolMetrics& Metrics::ForTool(absl::string_view name) {
  {
    absl::ReaderMutexLock lock(&mutex_);
    const auto found = tools_.find(name);
    if (found != tools_.end()) return *found->second;
  }
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<const ToolMetrics>& metrics = tools_[std::string(name)];
  if (metrics == nullptr) {
    const auto calls = [&](const char* outcome) -> prometheus::Counter& {
      return calls_.Add({{"tool", std::string(name)}, {"outcome", outcome}});
    };
    metrics.reset(new ToolMetrics{calls("ok"), calls("tool_error"), calls("input_required"), calls("refused"),
                                  calls("cancelled"), calls("overloaded"), calls("failed"),
                                  seconds_.Add({{"tool", std::string(name)}}, kSeconds)});
  }
  return *metrics;
}

}  // namespace tool_service
