#include "mcp_edge/events/catalog_events.h"

namespace mcp_edge {

void PublishListChanges(const CatalogSnapshot& snapshot, EventBus& bus) {
  const uint64_t generation = snapshot.generation();
  if (snapshot.tools_generation() == generation) bus.Publish({.kind = Event::Kind::kToolsChanged});
  if (snapshot.resources_generation() == generation) bus.Publish({.kind = Event::Kind::kResourcesChanged});
  if (snapshot.prompts_generation() == generation) bus.Publish({.kind = Event::Kind::kPromptsChanged});
}

}  // namespace mcp_edge
