#include "tool_service/sdk/config.h"

#include <cstdlib>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tool_service {
namespace {

using ::testing::HasSubstr;

absl::Status Parse(std::vector<std::string> arguments) {
  std::vector<char*> argv = {const_cast<char*>("tool")};
  for (std::string& each : arguments) argv.push_back(each.data());
  return ParseFlags(static_cast<int>(argv.size()), argv.data());
}

TEST(ConfigTest, DefaultsAreValid) { EXPECT_TRUE(Config().Validate().ok()); }

TEST(ConfigTest, EachRuleNamesItsFlagAndTheValue) {
  struct {
    const char* message;
    void (*break_it)(Config&);
  } const cases[] = {
      {"--port must be between 0 and 65535, got 70000", [](Config& config) { config.port = 70'000; }},
      {"--admin_port must be between 0 and 65535, got -1", [](Config& config) { config.admin_port = -1; }},
      {"--port and --admin_port must differ, both are 50052", [](Config& config) { config.admin_port = 50052; }},
      {"--max_threads must be between 1 and 10000, got 0", [](Config& config) { config.max_threads = 0; }},
      {"--max_waiting must be between 0 and 100000, got -1", [](Config& config) { config.max_waiting = -1; }},
      {"--host must not be empty", [](Config& config) { config.host.clear(); }},
      {"--shutdown_grace must be in [0s, 1h], got 2h", [](Config& config) { config.shutdown_grace = absl::Hours(2); }},
      {"--log_severity must be debug, info, warning or error, got \"loud\"",
       [](Config& config) { config.log_severity = "loud"; }},
  };
  for (const auto& each : cases) {
    Config config;
    each.break_it(config);
    EXPECT_EQ(std::string(config.Validate().message()), each.message);
  }
}

TEST(ConfigTest, FlagsAreReadInEveryForm) {
  setenv("FLAGS_log_severity", "warning", 1);
  ASSERT_TRUE(Parse({"--port=1234", "-admin_port", "4321", "--fromenv=log_severity", "--shutdown_grace", "3s"}).ok());
  const Config config = ConfigFromFlags();
  EXPECT_EQ(config.port, 1234);
  EXPECT_EQ(config.admin_port, 4321);
  EXPECT_EQ(config.shutdown_grace, absl::Seconds(3));
  EXPECT_EQ(config.severity(), common::Severity::kWarning);
}

TEST(ConfigTest, WhatIsNoFlagIsRefusedInOneLine) {
  unsetenv("FLAGS_host");
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"--prot=1"}, "there is no flag --prot"},
      {{"--noport"}, "there is no flag --noport"},
      {{"50052"}, "\"50052\" is no flag"},
      {{"--port"}, "--port needs a value"},
      {{"--port=many"}, "--port cannot be \"many\""},
      {{"--shutdown_grace=20"}, "--shutdown_grace cannot be \"20\""},
      {{"--fromenv=host"}, "FLAGS_host is not in the environment"},
      {{"--fromenv=hots"}, "\"hots\", which is no flag"},
  };
  for (const auto& [arguments, message] : cases) {
    const absl::Status status = Parse(arguments);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
    EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace tool_service
