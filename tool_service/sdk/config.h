// The settings of a tool service, and the flags that they come from. Defaults are those of whoami.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_CONFIG_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/grpc_security.h"
#include "common/log.h"

namespace tool_service {

struct Config {
  // Where to serve gRPC; port 0 takes a free one.
  std::string host = "127.0.0.1";
  int port = 50052;
  // Where to serve /livez, /readyz and /metrics.
  std::string admin_host = "127.0.0.1";
  int admin_port = 9092;
  // How long calls under way may go on after SIGTERM. Part of it, kLameDuckTime, is for clients to notice.
  absl::Duration shutdown_grace = absl::Seconds(20);
  // One of debug, info, warning, error.
  std::string log_severity = "info";
  // Threads that read the network and run the handlers of tools that are inline.
  int io_threads = 1;
  // Threads for handlers that may block, and how many calls may wait for one.
  int max_threads = 64;
  int max_waiting = 256;
  // What the edge's tool services file calls this tool service: whom an assertion of who calls must be for. Empty: the
  // name that its author gave it.
  std::vector<std::string> audience;
  // Where the keys are that sign who calls: an http URL, or a file, of a JWK Set.
  std::string principal_keys = "http://127.0.0.1:9090/jwks.json";
  // The edge that must have signed: its public MCP URL. Empty: whichever has published the key.
  std::string principal_issuer;
  // "refuse", or "accept": believe whoever calls. Only where nobody else can reach the port.
  std::string unsigned_principals = "refuse";
  // TLS, or clear text.
  common::GrpcSecurityOptions grpc_security;

  // Names the flag, the rule and the value.
  absl::Status Validate() const;

  // Of a valid log_severity.
  common::Severity severity() const;
};

// The settings as the flags have them. Call after common::ParseFlags().
Config ConfigFromFlags();

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_CONFIG_H_
