#include "tool_service/sdk/config.h"

#include <cstdint>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "common/flag_checks.h"
#include "tool_service/sdk/principal_keys.h"

ABSL_FLAG(std::string, host, tool_service::Config().host, "address to serve gRPC on");
ABSL_FLAG(int32_t, port, tool_service::Config().port, "port to serve gRPC on; 0 takes a free one");
ABSL_FLAG(std::string, admin_host, tool_service::Config().admin_host, "address of /livez, /readyz and /metrics");
ABSL_FLAG(int32_t, admin_port, tool_service::Config().admin_port, "port of /livez, /readyz and /metrics");
ABSL_FLAG(absl::Duration, shutdown_grace, tool_service::Config().shutdown_grace,
          "how long calls under way may go on after SIGTERM");
ABSL_FLAG(std::string, log_severity, tool_service::Config().log_severity, "debug, info, warning or error");
ABSL_FLAG(int32_t, io_threads, tool_service::Config().io_threads,
          "threads that read the network and run the tools that are inline");
ABSL_FLAG(int32_t, max_threads, tool_service::Config().max_threads, "calls that may run at once if they block");
ABSL_FLAG(int32_t, max_waiting, tool_service::Config().max_waiting, "calls that may wait for one of those to end");

ABSL_FLAG(std::vector<std::string>, audience, tool_service::Config().audience,
          "what the edge's tool services file calls this tool service; empty: the name its author gave it");
ABSL_FLAG(std::string, principal_keys, tool_service::Config().principal_keys,
          "http URL or file of the JWK Set of those who may sign who calls: /jwks.json of the edge's admin port");
ABSL_FLAG(std::string, principal_issuer, tool_service::Config().principal_issuer,
          "public MCP URL of the edge that must have signed; empty: whichever has published its key there");
ABSL_FLAG(std::string, unsigned_principals, tool_service::Config().unsigned_principals,
          "refuse, or accept: believe whoever calls, without a signature");

namespace tool_service {

using common::CheckRange;

absl::Status Config::Validate() const {
  for (const absl::Status& status :
       {CheckRange("port", port, 0, 65535), CheckRange("admin_port", admin_port, 0, 65535),
        CheckRange("io_threads", io_threads, 1, 256), CheckRange("max_threads", max_threads, 1, 10'000),
        CheckRange("max_waiting", max_waiting, 0, 100'000),
        CheckRange("shutdown_grace", shutdown_grace, absl::ZeroDuration(), absl::Hours(1))}) {
    if (!status.ok()) return status;
  }
  if (unsigned_principals != "refuse" && unsigned_principals != "accept") {
    return absl::InvalidArgumentError(
        absl::StrCat("--unsigned_principals must be refuse or accept, got \"", unsigned_principals, "\""));
  }
  if (const absl::Status status = CheckKeyLocation(principal_keys); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--principal_keys ", status.message()));
  }
  if (host.empty()) return absl::InvalidArgumentError("--host must not be empty");
  if (admin_host.empty()) return absl::InvalidArgumentError("--admin_host must not be empty");
  if (port != 0 && port == admin_port) {
    return absl::InvalidArgumentError(absl::StrCat("--port and --admin_port must differ, both are ", port));
  }
  return common::CheckLogSeverity(log_severity);
}

common::Severity Config::severity() const {
  return common::SeverityFromName(log_severity).value_or(common::Severity::kInfo);
}

Config ConfigFromFlags() {
  Config config;
  config.host = absl::GetFlag(FLAGS_host);
  config.port = absl::GetFlag(FLAGS_port);
  config.admin_host = absl::GetFlag(FLAGS_admin_host);
  config.admin_port = absl::GetFlag(FLAGS_admin_port);
  config.shutdown_grace = absl::GetFlag(FLAGS_shutdown_grace);
  config.log_severity = absl::GetFlag(FLAGS_log_severity);
  config.io_threads = absl::GetFlag(FLAGS_io_threads);
  config.max_threads = absl::GetFlag(FLAGS_max_threads);
  config.max_waiting = absl::GetFlag(FLAGS_max_waiting);
  config.audience = absl::GetFlag(FLAGS_audience);
  config.principal_keys = absl::GetFlag(FLAGS_principal_keys);
  config.principal_issuer = absl::GetFlag(FLAGS_principal_issuer);
  config.unsigned_principals = absl::GetFlag(FLAGS_unsigned_principals);
  config.grpc_security = common::GrpcSecurityFromFlags();
  return config;
}

}  // namespace tool_service
