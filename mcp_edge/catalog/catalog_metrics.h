// What the catalogue counts, explained in mcp_edge/README.md.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_CATALOG_METRICS_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_CATALOG_METRICS_H_

#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace mcp_edge {

// Registered once, in main. Thread-safe.
struct CatalogMetrics {
  explicit CatalogMetrics(prometheus::Registry& registry);

  // gatehouse_catalog_entries_refused_total{cause}: entries of a service that broke a rule, or had a taken name.
  prometheus::Counter& refused_invalid_total;
  prometheus::Counter& refused_duplicate_total;
  // gatehouse_catalog_changes_total: changes that clients could see.
  prometheus::Counter& changes_total;
  // gatehouse_resource_updates_total{outcome}: updates of resources that services told of, and whether they were of
  // resources that they read.
  prometheus::Counter& updates_published_total;
  prometheus::Counter& updates_refused_total;
  // gatehouse_catalog_watch_failures_total: catalogue streams that could not be opened or ended with an error other
  // than a server's regular end.
  prometheus::Counter& watch_failures_total;
  // gatehouse_tool_services_file_refused_total: versions of the tool services file that could not be used.
  prometheus::Counter& file_refused_total;
  // gatehouse_catalog_tools: tools listed now.
  prometheus::Gauge& tools;
  // gatehouse_tool_services{state}: services configured, and those of them that are being watched now.
  prometheus::Gauge& services_configured;
  prometheus::Gauge& services_connected;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_CATALOG_METRICS_H_
