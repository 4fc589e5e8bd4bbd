#include "common/log.h"

#include <string>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace common {
namespace {

TEST(LogTest, ALineIsOneJsonObjectOfItsFields) {
  testing::internal::CaptureStderr();
  Log(Severity::kWarning, "token_refused",
      {{"reason", "ex\"pired"}, {"status", 401}, {"cached", true}, {"seconds", 0.5}});
  const std::string line = testing::internal::GetCapturedStderr();
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["event"], "token_refused");
  EXPECT_EQ(json["severity"], "WARNING");
  EXPECT_EQ(json["reason"], "ex\"pired");
  EXPECT_EQ(json["status"], 401);
  EXPECT_EQ(json["cached"], true);
  EXPECT_EQ(json["seconds"], 0.5);
}

TEST(LogTest, LinesBelowTheLeastSeverityAreNotWritten) {
  testing::internal::CaptureStderr();
  Log(Severity::kDebug, "too_quiet");
  FlushLog();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace common
