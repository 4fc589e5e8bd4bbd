#include "common/log.h"

#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
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

TEST(LogTest, SaysWhenToTheMicrosecond) {
  // Long enough for the second to change.
  const absl::Time end = absl::Now() + absl::Milliseconds(1100);
  absl::Time last = absl::InfinitePast();
  while (absl::Now() < end) {
    testing::internal::CaptureStderr();
    const absl::Time before = absl::Now();
    Log(Severity::kWarning, "tick");
    const absl::Time after = absl::Now();
    const std::string text = nlohmann::json::parse(testing::internal::GetCapturedStderr())["time"];
    ASSERT_EQ(text.size(), std::string("2026-11-23T00:00:00.000000Z").size());
    absl::Time time;
    ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) << text;
    EXPECT_GE(time, absl::FromUnixMicros(absl::ToUnixMicros(before)));
    EXPECT_LE(time, after);
    EXPECT_GE(time, last);
    last = time;
    absl::SleepFor(absl::Milliseconds(20));
  }
}

TEST(LogTest, LinesBelowTheLeastSeverityAreNotWritten) {
  testing::internal::CaptureStderr();
  Log(Severity::kDebug, "too_quiet");
  FlushLog();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace common
