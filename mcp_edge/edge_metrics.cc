#include "mcp_edge/edge_metrics.h"

#include <string>

namespace mcp_edge {
namespace {

using prometheus::Registry;

prometheus::Counter& Counter(Registry& registry, const char* name, const char* help,
                             const prometheus::Labels& labels = {}) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
}

prometheus::Gauge& Gauge(Registry& registry, const char* name, const char* help,
                         const prometheus::Labels& labels = {}) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
}

constexpr char kRequests[] = "gatehouse_edge_http_requests_total";
constexpr char kRequestsHelp[] = "HTTP requests answered, by status.";
constexpr char kTokens[] = "gatehouse_edge_token_denials_total";
constexpr char kTokensHelp[] = "Requests denied because of their token, by cause.";
constexpr char kVerdicts[] = "gatehouse_edge_verdicts_total";
constexpr char kVerdictsHelp[] = "Questions about tokens, by where the answer came from.";
constexpr char kToolCalls[] = "gatehouse_edge_tool_calls_total";
constexpr char kToolCallsHelp[] = "Tool calls answered, by outcome.";
constexpr char kTasksEnded[] = "gatehouse_edge_tasks_ended_total";
constexpr char kTasksEndedHelp[] = "Tasks that ended, by status.";
constexpr char kTasks[] = "gatehouse_edge_tasks";
constexpr char kTasksHelp[] = "Tasks that have not ended, by status.";

}  // namespace

EdgeMetrics::EdgeMetrics(Registry& registry)
    : connections_refused_total(Counter(registry, "gatehouse_edge_connections_refused_total",
                                        "Connections closed with 503 because there were too many.")),
      overload_refused_total(Counter(registry, "gatehouse_edge_overload_refused_total",
                                     "Requests and streams refused because there were too many.")),
      tokens_refused_total(Counter(registry, kTokens, kTokensHelp, {{"cause", "refused"}})),
      tokens_missing_total(Counter(registry, kTokens, kTokensHelp, {{"cause", "missing"}})),
      tokens_malformed_total(Counter(registry, kTokens, kTokensHelp, {{"cause", "malformed"}})),
      tokens_undecided_total(Counter(registry, kTokens, kTokensHelp, {{"cause", "undecided"}})),
      verdicts_reused_total(Counter(registry, kVerdicts, kVerdictsHelp, {{"source", "reused"}})),
      verdicts_asked_total(Counter(registry, kVerdicts, kVerdictsHelp, {{"source", "asked"}})),
      verdicts_unavailable_total(Counter(registry, kVerdicts, kVerdictsHelp, {{"source", "unavailable"}})),
      foreign_origin_total(Counter(registry, "gatehouse_edge_foreign_origin_total",
                                   "Requests refused because of their Host or Origin.")),
      listeners_dropped_total(Counter(registry, "gatehouse_edge_listeners_dropped_total",
                                      "Listeners ended because their clients were too slow.")),
      tool_calls_result_total(Counter(registry, kToolCalls, kToolCallsHelp, {{"outcome", "result"}})),
      tool_calls_tool_error_total(Counter(registry, kToolCalls, kToolCallsHelp, {{"outcome", "tool_error"}})),
      tool_calls_failed_total(Counter(registry, kToolCalls, kToolCallsHelp, {{"outcome", "failed"}})),
      tool_calls_cancelled_total(Counter(registry, kToolCalls, kToolCallsHelp, {{"outcome", "cancelled"}})),
      tasks_completed_total(Counter(registry, kTasksEnded, kTasksEndedHelp, {{"status", "completed"}})),
      tasks_failed_total(Counter(registry, kTasksEnded, kTasksEndedHelp, {{"status", "failed"}})),
      tasks_cancelled_total(Counter(registry, kTasksEnded, kTasksEndedHelp, {{"status", "cancelled"}})),
      log_lines_dropped_total(Counter(registry, "gatehouse_edge_log_lines_dropped_total",
                                      "Log lines, audit or other, that nobody read in time.")),
      connections(Gauge(registry, "gatehouse_edge_connections", "Open client connections.")),
      streams(Gauge(registry, "gatehouse_edge_streams", "Open event streams that are not the answer to a request.")),
      sessions(Gauge(registry, "gatehouse_edge_sessions", "Sessions that this process serves.")),
      tasks_working(Gauge(registry, kTasks, kTasksHelp, {{"status", "working"}})),
      tasks_input_required(Gauge(registry, kTasks, kTasksHelp, {{"status", "input_required"}})),
      requests_of_other_status_(Counter(registry, kRequests, kRequestsHelp, {{"status", "other"}})),
      request_duration_(
          prometheus::BuildHistogram()
              .Name("gatehouse_edge_http_request_duration_seconds")
              .Help("From the end of a request's head to the end of its answer.")
              .Register(registry)
              .Add({}, prometheus::Histogram::BucketBoundaries{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                               0.25, 0.5, 1, 2.5, 5, 10, 60})) {
  for (const int status : {200, 202, 204, 400, 401, 403, 404, 405, 406, 408, 413, 414, 415, 429, 431, 500, 503}) {
    requests_by_status_[status] = &Counter(registry, kRequests, kRequestsHelp, {{"status", std::to_string(status)}});
  }
}

void EdgeMetrics::CountRequest(int status, absl::Duration taken) {
  const auto found = requests_by_status_.find(status);
  (found == requests_by_status_.end() ? requests_of_other_status_ : *found->second).Increment();
  request_duration_.Observe(absl::ToDoubleSeconds(taken));
}

}  // namespace mcp_edge
