// Makes a process of a Service: gRPC with health and reflection, the admin server, logs, flags and an orderly end.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_SERVER_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_SERVER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tool_service/sdk/config.h"
#include "tool_service/sdk/service.h"

namespace tool_service {

// Parses the flags, serves until SIGTERM or SIGINT, drains, and returns the exit code: 0 after an orderly end, 1 if a
// handler did not return within the grace time, 2 if the service could not start (one line on standard error says why).
// Call it first thing after `service` is filled, before any thread exists.
int Run(int argc, char** argv, Service& service);

// A running tool service; Run() in pieces, for tests and for processes with a main of their own.
class Server {
 public:
  // Errors: Service::startup_status() and Config::Validate(); kUnavailable, a port is taken. `service` must outlive it.
  static absl::StatusOr<std::unique_ptr<Server>> Start(Service& service, const Config& config);

  // As Shutdown(), if that was not called. Waits for handlers for as long as they run.
  virtual ~Server() = default;

  virtual int port() const = 0;
  virtual int admin_port() const = 0;

  // Ends in order: says "not ready" and "not serving", ends the catalogue streams, goes on serving for a moment so that
  // clients go elsewhere, takes no more calls, and waits for those under way. Calls that are still running when
  // Config::shutdown_grace is over are cancelled. Returns false if a handler then still does not return.
  virtual bool Shutdown() = 0;
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_SERVER_H_
