// What an operator of a tool service sees. Explained in tool_service/sdk/README.md.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_METRICS_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_METRICS_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace tool_service {

// The counters of one tool, or of one of the other methods.
struct OutcomeMetrics {
  prometheus::Counter& ok;              // ended with a result
  prometheus::Counter& tool_error;      // ended with a result that says `is_error`; of tools only
  prometheus::Counter& input_required;  // will be made again with the client's answers
  prometheus::Counter& refused;         // the caller's or client's fault: an error status such as INVALID_ARGUMENT
  prometheus::Counter& cancelled;       // nobody waited any more
  prometheus::Counter& overloaded;      // refused since too many were running
  prometheus::Counter& failed;          // the tool's fault: INTERNAL, UNAVAILABLE and the like
  prometheus::Histogram& seconds;       // how long each took, waiting for a thread included
};

// Thread-safe. `registry` must outlive it.
class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);

  // The counters of a tool, made when first asked for. Call it with names of declared tools only: each costs memory.
  const OutcomeMetrics& ForTool(absl::string_view name);

  // Calls refused since nothing vouches for who makes them, by the reason; see PrincipalRefusalName().
  prometheus::Counter& PrincipalRefused(absl::string_view reason);

  // The counters of a method of the contract: read_resource, list_resources, get_prompt, complete.
  const OutcomeMetrics& ForMethod(absl::string_view method);

  prometheus::Counter& unknown_tool;     // calls of tools that are not there
  prometheus::Counter& events_dropped;   // progress and log events for which a slow client left no room
  prometheus::Counter& updates_dropped;  // resource updates for which a slow edge left no room
  prometheus::Gauge& calls_in_flight;    // requests of every method
  prometheus::Gauge& catalog_streams;    // edges that watch the catalogue
  prometheus::Gauge& resource_streams;   // edges that watch resources

 private:
  // Counters by one label.
  struct Group {
    const char* label;
    prometheus::Family<prometheus::Counter>& calls;
    prometheus::Family<prometheus::Histogram>& seconds;
    absl::Mutex mutex = {};
    absl::flat_hash_map<std::string, std::unique_ptr<const OutcomeMetrics>> by_name ABSL_GUARDED_BY(mutex) = {};
  };

  prometheus::Family<prometheus::Counter>& principals_refused_;

  static const OutcomeMetrics& For(Group& group, absl::string_view name);

  Group tools_;
  Group methods_;
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_METRICS_H_
