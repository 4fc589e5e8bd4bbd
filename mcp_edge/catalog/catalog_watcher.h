// Keeps the catalogue in step with the tool services file and with each service in it.

#ifndef GATEHOUSE_MCP_EDGE_CATALOG_CATALOG_WATCHER_H_
#define GATEHOUSE_MCP_EDGE_CATALOG_CATALOG_WATCHER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/catalog/catalog_metrics.h"
#include "mcp_edge/catalog/tool_services_file.h"
#include "mcp_edge/events/event_bus.h"

namespace common {
class GrpcSecurity;
}

namespace mcp_edge {

class PrincipalSigner;

struct CatalogWatcherOptions {
  // The tool services file.
  std::string file_name;
  // How often to look whether it has changed.
  absl::Duration poll_interval = absl::Seconds(1);
  // How long to wait at the start for services that do not answer, before being ready without them.
  absl::Duration first_answer_timeout = absl::Seconds(3);
  // How soon to watch a service again after it went away: doubles from the least to the most, with jitter.
  absl::Duration min_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(5);
  // Signs who calls, for every service; must outlive the watcher and its catalogue. Null: nobody does.
  PrincipalSigner* signer = nullptr;
  // How services are called; must outlive the watcher. Null: in clear text.
  const common::GrpcSecurity* security = nullptr;
};

// Watches every service named in the file and publishes the merged, validated catalogue. While a service is away its
// last good catalogue stays. Bad entries are refused and logged (event `tool_refused` and the like), the others stay;
// of two entries with one name the service that comes first in the file wins. A bad file on a later read changes
// nothing and is logged (`tool_services_file_refused`). A stream that the service ended is opened again without being
// noticed by clients.
//
// A service whose catalogue keeps changing is slowed down: after two at once, the next ones are taken 250 ms after each
// other, the newest of those that came meanwhile; until 10 s pass without any.
// What is refused of it again and again is logged once.
//
// A service that has resources is also asked which of them change (WatchResources); each URI that it tells, and that it
// reads according to the catalogue, is published as an event. A service that tells too often is slowed down: some
// thousands of messages a second, equal ones within 50 ms counting as one. One that leaves the method UNIMPLEMENTED is
// not asked again until it has been away.
//
// Thread-safe. Works on a thread of its own; those of gRPC never wait for it.
class CatalogWatcher {
 public:
  // Starts to watch what `file` names, which is what `options.file_name` held, and the file itself. `catalog`,
  // `metrics` and `events` must outlive the watcher. Does not wait for any service.
  static std::unique_ptr<CatalogWatcher> Start(const CatalogWatcherOptions& options, ToolServicesFile file,
                                               Catalog& catalog, CatalogMetrics& metrics, EventBus& events);

  // Stops watching and waits for what is under way. The catalogue stays as it is.
  virtual ~CatalogWatcher() = default;

  // OK once every service has answered, or some have and `first_answer_timeout` has passed; then for ever. Does not
  // block.
  //
  // Errors: kUnavailable, naming the services that have not answered and why.
  virtual absl::Status Ready() const = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CATALOG_CATALOG_WATCHER_H_
