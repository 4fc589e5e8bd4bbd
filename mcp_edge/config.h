// The settings of the edge.

#ifndef GATEHOUSE_MCP_EDGE_CONFIG_H_
#define GATEHOUSE_MCP_EDGE_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/log.h"

namespace mcp_edge {

// Each member is the flag of the same name; README.md explains them to operators.
struct Config {
  std::string host;
  int port = 0;
  std::string admin_host;
  int admin_port = 0;
  std::string resource;
  std::string auth_service;
  std::string tools_config;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_origins;
  std::string authorization_server_metadata;
  std::string client_address_header;
  bool http_sse = true;
  std::string error_style;
  std::string tools_without_scope;
  bool audit_log = true;
  bool audit_arguments = false;
  absl::Duration verdict_ttl;
  int64_t verdict_cache_size = 0;
  absl::Duration auth_timeout;
  absl::Duration tool_timeout;
  absl::Duration max_tool_timeout;
  bool tasks = true;
  absl::Duration max_task_time;
  absl::Duration task_ttl;
  absl::Duration task_poll_interval;
  bool skills = false;
  absl::Duration client_answer_timeout;
  std::string state_keys_file;
  std::string principal_key_file;
  int max_connections = 0;
  int max_connections_per_address = 0;
  int max_requests = 0;
  int max_requests_per_principal = 0;
  int max_streams = 0;
  int max_streams_per_principal = 0;
  int64_t max_body_bytes = 0;
  int64_t max_body_bytes_in_flight = 0;
  absl::Duration request_head_timeout;
  absl::Duration request_body_timeout;
  absl::Duration write_timeout;
  absl::Duration idle_timeout;
  absl::Duration session_idle_timeout;
  absl::Duration shutdown_grace;
  std::string log_severity;

  // Checks every rule before anything starts.
  //
  // Errors: kInvalidArgument, naming the flag, the rule and the value.
  absl::Status Validate() const;

  common::Severity severity() const;
};

// What the flags say. Call after common::ParseFlags.
Config ConfigFromFlags();

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_CONFIG_H_
