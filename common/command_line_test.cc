#include "common/command_line.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

ABSL_FLAG(int32_t, test_port, 1, "");
ABSL_FLAG(bool, test_switch, true, "");
ABSL_FLAG(std::string, test_text, "", "");
ABSL_FLAG(absl::Duration, test_wait, absl::ZeroDuration(), "");

namespace common {
namespace {

using ::testing::HasSubstr;

absl::Status Parse(std::vector<std::string> arguments) {
  std::vector<char*> argv = {const_cast<char*>("program")};
  for (std::string& each : arguments) argv.push_back(each.data());
  return ParseFlags(static_cast<int>(argv.size()), argv.data());
}

TEST(CommandLineTest, FlagsAreReadInEveryForm) {
  setenv("FLAGS_test_text", "from the environment", 1);
  ASSERT_TRUE(Parse({"--test_port=1234", "-notest_switch", "--fromenv=test_text", "--test_wait", "3s"}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_test_port), 1234);
  EXPECT_FALSE(absl::GetFlag(FLAGS_test_switch));
  EXPECT_EQ(absl::GetFlag(FLAGS_test_text), "from the environment");
  EXPECT_EQ(absl::GetFlag(FLAGS_test_wait), absl::Seconds(3));
}

TEST(CommandLineTest, WhatIsNoFlagIsRefusedInOneLine) {
  unsetenv("FLAGS_test_text");
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"--test_prot=1"}, "there is no flag --test_prot"},
      {{"--notest_port"}, "there is no flag --notest_port"},
      {{"50052"}, "\"50052\" is no flag"},
      {{"--test_port"}, "--test_port needs a value"},
      {{"--test_port=many"}, "--test_port cannot be \"many\""},
      {{"--test_wait=20"}, "--test_wait cannot be \"20\""},
      {{"--fromenv=test_text"}, "FLAGS_test_text is not in the environment"},
      {{"--fromenv=test_txet"}, "\"test_txet\", which is no flag"},
  };
  for (const auto& [arguments, message] : cases) {
    const absl::Status status = Parse(arguments);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
    EXPECT_EQ(status.message().find('\n'), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace common
