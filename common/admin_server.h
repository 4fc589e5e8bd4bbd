// The operator's door to a service: liveness, readiness and metrics over HTTP, on a port and threads of its own.

#ifndef GATEHOUSE_COMMON_ADMIN_SERVER_H_
#define GATEHOUSE_COMMON_ADMIN_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "prometheus/collectable.h"

namespace common {

// A further document for those who reach the admin server, made anew for each request.
struct AdminDocument {
  // Begins with a slash.
  std::string path;
  std::string media_type;
  // Called on the admin server's threads; must not block.
  std::function<std::string()> content;
};

// Serves GET /livez (200 while the process can answer), GET /readyz (200 "ok", or 503 with the reason) and GET /metrics
// (Prometheus text format 0.0.4). Nothing here needs authentication, and nothing here shows a secret: bind it to an
// address that only operators reach. One address has at most 8 connections, all together 128;
// more are closed at once.
class AdminServer {
 public:
  // OK when the service can do its work; otherwise the status message says why not, for an operator. Called on the
  // admin server's threads; must not block.
  using ReadinessCheck = std::function<absl::Status()>;

  // Starts to listen on `host`:`port`; port 0 takes a free one. `metrics` must outlive the server.
  // `documents`: what else to serve.
  //
  // Errors: kUnavailable, the address cannot be bound (taken, or not of this machine).
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const std::string& host, int port, ReadinessCheck readiness,
                                                            prometheus::Collectable& metrics,
                                                            std::vector<AdminDocument> documents = {});

  // Stops listening and waits for the answers under way.
  virtual ~AdminServer() = default;

  virtual int port() const = 0;
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_ADMIN_SERVER_H_
