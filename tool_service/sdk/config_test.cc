#include "tool_service/sdk/config.h"

#include <iterator>

#include "common/command_line.h"
#include "gtest/gtest.h"

namespace tool_service {
namespace {

TEST(ConfigTest, DefaultsAreValid) { EXPECT_TRUE(Config().Validate().ok()); }

TEST(ConfigTest, EachRuleNamesItsFlagAndTheValue) {
  struct {
    const char* message;
    void (*break_it)(Config&);
  } const cases[] = {
      {"--port must be in [0, 65535], got 70000", [](Config& config) { config.port = 70'000; }},
      {"--admin_port must be in [0, 65535], got -1", [](Config& config) { config.admin_port = -1; }},
      {"--port and --admin_port must differ, both are 50052", [](Config& config) { config.admin_port = 50052; }},
      {"--io_threads must be in [1, 256], got 0", [](Config& config) { config.io_threads = 0; }},
      {"--max_threads must be in [1, 10000], got 0", [](Config& config) { config.max_threads = 0; }},
      {"--max_waiting must be in [0, 100000], got -1", [](Config& config) { config.max_waiting = -1; }},
      {"--host must not be empty", [](Config& config) { config.host.clear(); }},
      {"--shutdown_grace must be in [0, 1h], got 2h", [](Config& config) { config.shutdown_grace = absl::Hours(2); }},
      {"--unsigned_principals must be refuse or accept, got \"yes\"",
       [](Config& config) { config.unsigned_principals = "yes"; }},
      {"--principal_keys must be an http URL or the path of a file (of a JWK Set), got \"https://edge/jwks.json\"",
       [](Config& config) { config.principal_keys = "https://edge/jwks.json"; }},
      {"--log_severity must be debug, info, warning or error, got \"loud\"",
       [](Config& config) { config.log_severity = "loud"; }},
  };
  for (const auto& each : cases) {
    Config config;
    each.break_it(config);
    EXPECT_EQ(std::string(config.Validate().message()), each.message);
  }
}

TEST(ConfigTest, EachFlagReachesItsSetting) {
  const char* argv[] = {"tool",
                        "--host=::1",
                        "--port=1",
                        "--admin_host=::",
                        "--admin_port=2",
                        "--io_threads=6",
                        "--max_threads=3",
                        "--shutdown_grace=4s",
                        "--max_waiting=5",
                        "--audience=mail,post",
                        "--principal_keys=/keys/jwks.json",
                        "--principal_issuer=https://mcp.example.com/mcp",
                        "--unsigned_principals=accept",
                        "--grpc_security=tls",
                        "--tls_ca_file=/tls/ca.crt",
                        "--log_severity=warning"};
  ASSERT_TRUE(common::ParseFlags(std::size(argv), const_cast<char**>(argv)).ok());
  const Config config = ConfigFromFlags();
  EXPECT_EQ(config.host, "::1");
  EXPECT_EQ(config.port, 1);
  EXPECT_EQ(config.admin_host, "::");
  EXPECT_EQ(config.admin_port, 2);
  EXPECT_EQ(config.io_threads, 6);
  EXPECT_EQ(config.max_threads, 3);
  EXPECT_EQ(config.shutdown_grace, absl::Seconds(4));
  EXPECT_EQ(config.max_waiting, 5);
  EXPECT_EQ(config.audience, (std::vector<std::string>{"mail", "post"}));
  EXPECT_EQ(config.principal_keys, "/keys/jwks.json");
  EXPECT_EQ(config.principal_issuer, "https://mcp.example.com/mcp");
  EXPECT_EQ(config.unsigned_principals, "accept");
  EXPECT_EQ(config.grpc_security.mode, "tls");
  EXPECT_EQ(config.grpc_security.ca_file, "/tls/ca.crt");
  EXPECT_EQ(config.severity(), common::Severity::kWarning);
}

}  // namespace
}  // namespace tool_service
