#include "mcp_edge/config.h"

#include <algorithm>

#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/flag_checks.h"
#include "mcp_edge/http/host_policy.h"
#include "mcp_edge/tools/grpc_channel.h"

ABSL_FLAG(std::string, host, "127.0.0.1", "Address to serve clients on; 0.0.0.0 for all.");
ABSL_FLAG(int32_t, port, 3001, "Port to serve clients on; 0 takes a free one.");
ABSL_FLAG(std::string, admin_host, "127.0.0.1", "Address of /livez, /readyz, /metrics and /jwks.json.");
ABSL_FLAG(int32_t, admin_port, 9090, "Port of /livez, /readyz and /metrics; 0 takes a free one.");
ABSL_FLAG(std::string, resource, "http://localhost:3001/mcp",
          "Public URL of the MCP endpoint: what tokens must be for. Its path is /mcp.");
ABSL_FLAG(std::string, auth_service, "dns:///localhost:50051", "gRPC target of auth_service.");
ABSL_FLAG(std::string, tools_config, "", "YAML file that lists the tool services; read again when it changes.");
ABSL_FLAG(std::vector<std::string>, allowed_hosts, {}, "Further Host values to answer to, beside the resource's own.");
ABSL_FLAG(std::vector<std::string>, allowed_origins, {}, "Further origins whose web pages may talk to the edge.");
ABSL_FLAG(std::string, authorization_server_metadata, "off",
          "off; mirror: serve the provider's metadata at /.well-known/oauth-authorization-server, for clients of "
          "2025-03-26; or register: the same, and let clients register at /register.");
ABSL_FLAG(std::string, client_address_header, "",
          "Header in which a proxy before the edge tells the client's address, like X-Forwarded-For; its last address "
          "counts. Empty: there is no proxy.");
ABSL_FLAG(
    std::string, error_style, "rfc6750",
    "How refusals of tokens look: rfc6750, or mcp-auth for clients that were written for the library of that name.");
ABSL_FLAG(
    std::string, tools_without_scope, "show",
    "Whether lists of tools, prompts, resources and skills show or hide what the caller's token lacks scopes for.");
ABSL_FLAG(bool, audit_log, true, "Write a line for each decision about what a caller may do.");
ABSL_FLAG(bool, audit_arguments, false,
          "Write into it also what tools and prompts are called with: what users and models said.");
ABSL_FLAG(bool, http_sse, true, "Serve the transport of 2024-11-05 at /sse and /messages.");
ABSL_FLAG(absl::Duration, verdict_ttl, absl::Seconds(5),
          "How long a verdict about a token is reused; 0 asks each time.");
ABSL_FLAG(int64_t, verdict_cache_size, 100'000, "Verdicts kept at most.");
ABSL_FLAG(absl::Duration, auth_timeout, absl::Seconds(10),
          "How long a verdict may take before the client is told 503.");
ABSL_FLAG(absl::Duration, tool_timeout, absl::Seconds(60), "How long a call may take when its tool does not say.");
ABSL_FLAG(absl::Duration, max_tool_timeout, absl::Minutes(10), "How long a call may take, whatever its tool says.");
ABSL_FLAG(bool, tasks, true,
          "Run calls as tasks (MCP extension io.modelcontextprotocol/tasks) where tool and client can.");
ABSL_FLAG(absl::Duration, max_task_time, absl::Hours(1), "How long a task may run, beside the time of its user.");
ABSL_FLAG(absl::Duration, task_ttl, absl::Hours(1),
          "How long a task is kept after its status changed last; at least --max_task_time.");
ABSL_FLAG(absl::Duration, task_poll_interval, absl::Seconds(1), "How often clients should ask how a task is doing.");
ABSL_FLAG(bool, skills, false,
          "Serve the skills of tool services (draft MCP extension io.modelcontextprotocol/skills).");
ABSL_FLAG(absl::Duration, client_answer_timeout, absl::Minutes(5),
          "How long a client may take to answer what a tool asks it on the stream of a call.");
ABSL_FLAG(
    std::string, state_keys_file, "",
    "File with the keys that seal what clients keep for the edge, a line for each: key id, 32 bytes in base64. The "
    "first one seals, all open. Read again when it changes. Empty: a random key, which other replicas do not have.");
ABSL_FLAG(std::string, principal_key_file, "",
          "PEM file with the P-256 private keys that sign for tool services who calls. The first one signs, all are "
          "published at /jwks.json of the admin port. Read again when it changes. Empty: a random key.");
ABSL_FLAG(int32_t, max_connections, 12'000, "Client connections at the same time, each of which has a thread.");
ABSL_FLAG(int32_t, max_connections_per_address, 0,
          "Client connections from one address; 0: no bound of their own. Behind a proxy all have its address.");
ABSL_FLAG(int32_t, max_requests, 1'024, "Requests worked on at the same time.");
ABSL_FLAG(int32_t, max_requests_per_principal, 512, "Requests of one user of one client worked on at the same time.");
ABSL_FLAG(int32_t, max_streams, 10'000, "Open event streams.");
ABSL_FLAG(int32_t, max_streams_per_principal, 1'000, "Open event streams of one user of one client.");
ABSL_FLAG(int64_t, max_body_bytes, 4 << 20, "Size of a request's body.");
ABSL_FLAG(int64_t, max_body_bytes_in_flight, 256 << 20, "Bytes of all bodies that are held at the same time.");
ABSL_FLAG(absl::Duration, request_head_timeout, absl::Seconds(10),
          "How long the head of a request may take to arrive.");
ABSL_FLAG(absl::Duration, request_body_timeout, absl::Seconds(30),
          "How long the body of a request may take to arrive.");
ABSL_FLAG(absl::Duration, write_timeout, absl::Seconds(10),
          "How long a client may take to accept a part of an answer.");
ABSL_FLAG(absl::Duration, idle_timeout, absl::Seconds(60), "How long a connection may be idle between requests.");
ABSL_FLAG(absl::Duration, session_idle_timeout, absl::Hours(1), "How long a session may be unused.");
ABSL_FLAG(absl::Duration, shutdown_grace, absl::Seconds(20), "How long calls under way may take after SIGTERM.");
ABSL_FLAG(std::string, log_severity, "info", "Least severity to log: debug, info, warning or error.");

namespace mcp_edge {

using common::CheckRange;

absl::Status Config::Validate() const {
  if (tools_config.empty()) {
    return absl::InvalidArgumentError(
        "--tools_config must name the YAML file that lists the tool services; it is empty");
  }
  const size_t scheme_end = resource.find("://");
  const size_t path = scheme_end == std::string::npos ? std::string::npos : resource.find('/', scheme_end + 3);
  if (path == std::string::npos || resource.substr(path) != "/mcp") {
    return absl::InvalidArgumentError(
        absl::StrCat("--resource must be the public URL of the MCP endpoint, whose path is /mcp, like "
                     "https://mcp.example.com/mcp, got "
                     "\"",
                     resource, "\""));
  }
  if (authorization_server_metadata != "off" && authorization_server_metadata != "mirror" &&
      authorization_server_metadata != "register") {
    return absl::InvalidArgumentError(
        absl::StrCat("--authorization_server_metadata must be off, mirror or register, got \"",
                     authorization_server_metadata, "\""));
  }
  if (!std::all_of(client_address_header.begin(), client_address_header.end(),
                   [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-'; })) {
    return absl::InvalidArgumentError(
        absl::StrCat("--client_address_header must be the name of a header, got \"", client_address_header, "\""));
  }
  if (error_style != "rfc6750" && error_style != "mcp-auth") {
    return absl::InvalidArgumentError(
        absl::StrCat("--error_style must be rfc6750 or mcp-auth, got \"", error_style, "\""));
  }
  if (tools_without_scope != "show" && tools_without_scope != "hide") {
    return absl::InvalidArgumentError(
        absl::StrCat("--tools_without_scope must be show or hide, got \"", tools_without_scope, "\""));
  }
  if (const absl::Status status = common::CheckLogSeverity(log_severity); !status.ok()) return status;
  if (const absl::Status status = CheckTarget(auth_service); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--auth_service: ", status.message()));
  }
  if (const auto policy = HostPolicy::Create(resource, {}, {}); !policy.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--resource ", policy.status().message()));
  }
  if (const auto policy = HostPolicy::Create(resource, allowed_hosts, {}); !policy.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--allowed_hosts ", policy.status().message()));
  }
  if (const auto policy = HostPolicy::Create(resource, {}, allowed_origins); !policy.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--allowed_origins ", policy.status().message()));
  }
  const absl::Duration kLeast = absl::Milliseconds(100);
  for (const absl::Status& status : {
           CheckRange("port", port, 0, 65535),
           CheckRange("admin_port", admin_port, 0, 65535),
           CheckRange("verdict_ttl", verdict_ttl, absl::ZeroDuration(), absl::Hours(1)),
           CheckRange("verdict_cache_size", verdict_cache_size, 0, 10'000'000),
           CheckRange("auth_timeout", auth_timeout, kLeast, absl::Minutes(1)),
           CheckRange("tool_timeout", tool_timeout, kLeast, absl::Hours(1)),
           CheckRange("max_tool_timeout", max_tool_timeout, kLeast, absl::Hours(24)),
           CheckRange("max_task_time", max_task_time, kLeast, absl::Hours(24 * 7)),
           CheckRange("task_ttl", task_ttl, max_task_time, absl::Hours(24 * 30)),
           CheckRange("task_poll_interval", task_poll_interval, absl::Milliseconds(10), absl::Minutes(10)),
           CheckRange("client_answer_timeout", client_answer_timeout, kLeast, absl::Hours(1)),
           CheckRange("max_connections", max_connections, 1, 100'000),
           CheckRange("max_connections_per_address", max_connections_per_address, 0, 100'000),
           CheckRange("max_requests", max_requests, 1, 100'000),
           CheckRange("max_requests_per_principal", max_requests_per_principal, 1, 100'000),
           CheckRange("max_streams", max_streams, 0, 100'000),
           CheckRange("max_streams_per_principal", max_streams_per_principal, 0, 100'000),
           CheckRange("max_body_bytes", max_body_bytes, 1'024, 64 << 20),
           CheckRange("max_body_bytes_in_flight", max_body_bytes_in_flight, max_body_bytes, int64_t{1} << 40),
           CheckRange("request_head_timeout", request_head_timeout, kLeast, absl::Minutes(10)),
           CheckRange("request_body_timeout", request_body_timeout, kLeast, absl::Minutes(10)),
           CheckRange("write_timeout", write_timeout, kLeast, absl::Minutes(10)),
           CheckRange("idle_timeout", idle_timeout, kLeast, absl::Hours(1)),
           CheckRange("session_idle_timeout", session_idle_timeout, absl::Minutes(1), absl::Hours(24 * 30)),
           CheckRange("shutdown_grace", shutdown_grace, absl::ZeroDuration(), absl::Hours(1)),
       }) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
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
  config.resource = absl::GetFlag(FLAGS_resource);
  config.auth_service = absl::GetFlag(FLAGS_auth_service);
  config.tools_config = absl::GetFlag(FLAGS_tools_config);
  config.allowed_hosts = absl::GetFlag(FLAGS_allowed_hosts);
  config.allowed_origins = absl::GetFlag(FLAGS_allowed_origins);
  config.authorization_server_metadata = absl::GetFlag(FLAGS_authorization_server_metadata);
  config.client_address_header = absl::GetFlag(FLAGS_client_address_header);
  config.error_style = absl::GetFlag(FLAGS_error_style);
  config.tools_without_scope = absl::GetFlag(FLAGS_tools_without_scope);
  config.audit_log = absl::GetFlag(FLAGS_audit_log);
  config.audit_arguments = absl::GetFlag(FLAGS_audit_arguments);
  config.http_sse = absl::GetFlag(FLAGS_http_sse);
  config.verdict_ttl = absl::GetFlag(FLAGS_verdict_ttl);
  config.verdict_cache_size = absl::GetFlag(FLAGS_verdict_cache_size);
  config.auth_timeout = absl::GetFlag(FLAGS_auth_timeout);
  config.tool_timeout = absl::GetFlag(FLAGS_tool_timeout);
  config.max_tool_timeout = absl::GetFlag(FLAGS_max_tool_timeout);
  config.tasks = absl::GetFlag(FLAGS_tasks);
  config.max_task_time = absl::GetFlag(FLAGS_max_task_time);
  config.task_ttl = absl::GetFlag(FLAGS_task_ttl);
  config.task_poll_interval = absl::GetFlag(FLAGS_task_poll_interval);
  config.skills = absl::GetFlag(FLAGS_skills);
  config.client_answer_timeout = absl::GetFlag(FLAGS_client_answer_timeout);
  config.state_keys_file = absl::GetFlag(FLAGS_state_keys_file);
  config.principal_key_file = absl::GetFlag(FLAGS_principal_key_file);
  config.max_connections = absl::GetFlag(FLAGS_max_connections);
  config.max_connections_per_address = absl::GetFlag(FLAGS_max_connections_per_address);
  config.max_requests = absl::GetFlag(FLAGS_max_requests);
  config.max_requests_per_principal = absl::GetFlag(FLAGS_max_requests_per_principal);
  config.max_streams = absl::GetFlag(FLAGS_max_streams);
  config.max_streams_per_principal = absl::GetFlag(FLAGS_max_streams_per_principal);
  config.max_body_bytes = absl::GetFlag(FLAGS_max_body_bytes);
  config.max_body_bytes_in_flight = absl::GetFlag(FLAGS_max_body_bytes_in_flight);
  config.request_head_timeout = absl::GetFlag(FLAGS_request_head_timeout);
  config.request_body_timeout = absl::GetFlag(FLAGS_request_body_timeout);
  config.write_timeout = absl::GetFlag(FLAGS_write_timeout);
  config.idle_timeout = absl::GetFlag(FLAGS_idle_timeout);
  config.session_idle_timeout = absl::GetFlag(FLAGS_session_idle_timeout);
  config.shutdown_grace = absl::GetFlag(FLAGS_shutdown_grace);
  config.log_severity = absl::GetFlag(FLAGS_log_severity);
  return config;
}

}  // namespace mcp_edge
