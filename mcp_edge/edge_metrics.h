// What the edge counts, explained in README.md beside this file.

#ifndef GATEHOUSE_MCP_EDGE_EDGE_METRICS_H_
#define GATEHOUSE_MCP_EDGE_EDGE_METRICS_H_

#include <map>

#include "absl/time/time.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace mcp_edge {

// Thread-safe; one instance, built in main.
class EdgeMetrics {
 public:
  explicit EdgeMetrics(prometheus::Registry& registry);

  // Counts an answered HTTP request: gatehouse_edge_http_requests_total{status}, _http_request_duration_seconds.
  void CountRequest(int status, absl::Duration taken);

  // Connections that were told 503 because there were too many.
  prometheus::Counter& connections_refused_total;
  // Requests and streams that were told 503 or 429, for the same reason.
  prometheus::Counter& overload_refused_total;
  // Tokens refused (401), requests without one, and those whose token could not be judged (503).
  prometheus::Counter& tokens_refused_total;
  prometheus::Counter& tokens_missing_total;
  prometheus::Counter& tokens_malformed_total;
  prometheus::Counter& tokens_undecided_total;
  // Verdicts: found in the cache or shared with a request that was asking already; asked of auth_service; and questions
  // to which there was no answer.
  prometheus::Counter& verdicts_reused_total;
  prometheus::Counter& verdicts_asked_total;
  prometheus::Counter& verdicts_unavailable_total;
  // Requests with a Host or Origin that is not allowed.
  prometheus::Counter& foreign_origin_total;
  // Listeners (`subscriptions/listen`) ended because their clients were too slow.
  prometheus::Counter& listeners_dropped_total;
  // Tool calls by what came of them: a result, a result with isError, a JSON-RPC error, or cancelled.
  prometheus::Counter& tool_calls_result_total;
  prometheus::Counter& tool_calls_tool_error_total;
  prometheus::Counter& tool_calls_failed_total;
  prometheus::Counter& tool_calls_cancelled_total;
  // Tasks by how they ended.
  prometheus::Counter& tasks_completed_total;
  prometheus::Counter& tasks_failed_total;
  prometheus::Counter& tasks_cancelled_total;
  // Log lines that nobody read in time; counted every ten seconds.
  prometheus::Counter& log_lines_dropped_total;
  // What there is now.
  prometheus::Gauge& connections;
  prometheus::Gauge& streams;
  prometheus::Gauge& sessions;
  prometheus::Gauge& tasks_working;
  prometheus::Gauge& tasks_input_required;

 private:
  std::map<int, prometheus::Counter*> requests_by_status_;
  prometheus::Counter& requests_of_other_status_;
  prometheus::Histogram& request_duration_;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_EDGE_METRICS_H_
