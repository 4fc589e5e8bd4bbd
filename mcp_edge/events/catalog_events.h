// Says on the event bus what a change of the catalogue means to clients.

#ifndef GATEHOUSE_MCP_EDGE_EVENTS_CATALOG_EVENTS_H_
#define GATEHOUSE_MCP_EDGE_EVENTS_CATALOG_EVENTS_H_

#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/events/event_bus.h"

namespace mcp_edge {

// Publishes an event for each list that `snapshot` has changed. Made to be called by a Catalog::Listener.
void PublishListChanges(const CatalogSnapshot& snapshot, EventBus& bus);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_EVENTS_CATALOG_EVENTS_H_
