#include "mcp_edge/catalog/catalog_metrics.h"

namespace mcp_edge {
namespace {

prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry& registry, const char* name,
                                                       const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& GaugeFamily(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

constexpr char kRefused[] = "gatehouse_catalog_entries_refused_total";
constexpr char kRefusedHelp[] = "Tools, resources and prompts of tool services that are not shown to clients, by cause";
constexpr char kUpdates[] = "gatehouse_resource_updates_total";
constexpr char kUpdatesHelp[] = "Updates of resources that tool services told of, by outcome; equal ones count once";
constexpr char kServices[] = "gatehouse_tool_services";
constexpr char kServicesHelp[] = "Tool services that are configured, and those whose catalogue is being watched now";

}  // namespace

// A family is registered once: asking for the same one again gives the same.
CatalogMetrics::CatalogMetrics(prometheus::Registry& registry)
    : refused_invalid_total(CounterFamily(registry, kRefused, kRefusedHelp).Add({{"cause", "invalid"}})),
      refused_duplicate_total(CounterFamily(registry, kRefused, kRefusedHelp).Add({{"cause", "duplicate"}})),
      changes_total(
          CounterFamily(registry, "gatehouse_catalog_changes_total", "Changes of the catalogue that clients could see")
              .Add({})),
      updates_published_total(CounterFamily(registry, kUpdates, kUpdatesHelp).Add({{"outcome", "published"}})),
      updates_refused_total(CounterFamily(registry, kUpdates, kUpdatesHelp).Add({{"outcome", "refused"}})),
      watch_failures_total(CounterFamily(registry, "gatehouse_catalog_watch_failures_total",
                                         "Attempts to watch the catalogue of a tool service that failed")
                               .Add({})),
      file_refused_total(CounterFamily(registry, "gatehouse_tool_services_file_refused_total",
                                       "Versions of the tool services file that could not be used")
                             .Add({})),
      tools(GaugeFamily(registry, "gatehouse_catalog_tools", "Tools that clients can see now").Add({})),
      services_configured(GaugeFamily(registry, kServices, kServicesHelp).Add({{"state", "configured"}})),
      services_connected(GaugeFamily(registry, kServices, kServicesHelp).Add({{"state", "connected"}})) {}

}  // namespace mcp_edge
