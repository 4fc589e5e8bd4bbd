#include "mcp_edge/config.h"

#include <functional>
#include <vector>

#include "absl/strings/match.h"
#include "common/command_line.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

Config GoodConfig() {
  Config config = ConfigFromFlags();
  config.tools_config = "tools.yaml";
  return config;
}

TEST(ConfigTest, DefaultsAreValidWithAToolsConfig) { EXPECT_TRUE(GoodConfig().Validate().ok()); }

TEST(ConfigTest, EachMistakeNamesItsFlag) {
  const std::vector<std::pair<const char*, std::function<void(Config&)>>> mistakes = {
      {"--tools_config", [](Config& c) { c.tools_config = ""; }},
      {"--resource", [](Config& c) { c.resource = "https://example.com/"; }},
      {"--resource", [](Config& c) { c.resource = "example.com/mcp"; }},
      {"--resource", [](Config& c) { c.resource = "https://example.com/?x=/mcp"; }},
      {"--resource", [](Config& c) { c.resource = "https://example.com/prefix/mcp"; }},
      {"--auth_service", [](Config& c) { c.auth_service = ""; }},
      {"--allowed_hosts", [](Config& c) { c.allowed_hosts = {"https://x"}; }},
      {"--allowed_origins", [](Config& c) { c.allowed_origins = {"x"}; }},
      {"--authorization_server_metadata", [](Config& c) { c.authorization_server_metadata = "on"; }},
      {"--client_address_header", [](Config& c) { c.client_address_header = "X-Forwarded-For: 1"; }},
      {"--log_severity", [](Config& c) { c.log_severity = "loud"; }},
      {"--port", [](Config& c) { c.port = 70000; }},
      {"--verdict_ttl", [](Config& c) { c.verdict_ttl = absl::Seconds(-1); }},
      {"--client_answer_timeout", [](Config& c) { c.client_answer_timeout = absl::ZeroDuration(); }},
      {"--max_requests", [](Config& c) { c.max_requests = 0; }},
      {"--max_body_bytes", [](Config& c) { c.max_body_bytes = 1; }},
      {"--max_task_time", [](Config& c) { c.max_task_time = absl::ZeroDuration(); }},
      {"--task_ttl", [](Config& c) { c.task_ttl = c.max_task_time - absl::Seconds(1); }},
      {"--task_poll_interval", [](Config& c) { c.task_poll_interval = absl::ZeroDuration(); }},
      {"--shutdown_grace", [](Config& c) { c.shutdown_grace = absl::InfiniteDuration(); }},
  };
  for (const auto& [flag, make] : mistakes) {
    Config config = GoodConfig();
    make(config);
    const absl::Status status = config.Validate();
    EXPECT_FALSE(status.ok()) << flag;
    EXPECT_TRUE(absl::StrContains(status.message(), flag)) << status;
  }
}

TEST(ConfigTest, FlagsAreRead) {
  std::vector<const char*> argv = {"mcp_edge", "--port=4001", "--nohttp_sse", "--verdict_ttl=0",
                                   "--allowed_hosts=a.example.com,b.example.com"};
  ASSERT_TRUE(common::ParseFlags(static_cast<int>(argv.size()), const_cast<char**>(argv.data())).ok());
  const Config config = ConfigFromFlags();
  EXPECT_EQ(config.port, 4001);
  EXPECT_FALSE(config.http_sse);
  EXPECT_EQ(config.verdict_ttl, absl::ZeroDuration());
  EXPECT_EQ(config.allowed_hosts.size(), 2);
}

}  // namespace
}  // namespace mcp_edge
