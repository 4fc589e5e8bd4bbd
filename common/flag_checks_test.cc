#include "common/flag_checks.h"

#include "gtest/gtest.h"

namespace common {
namespace {

TEST(CheckRangeTest, BothEndsAreInside) {
  EXPECT_TRUE(CheckRange("port", 0, 0, 2).ok());
  EXPECT_TRUE(CheckRange("port", 2, 0, 2).ok());
  EXPECT_EQ(CheckRange("port", 3, 0, 2).message(), "--port must be in [0, 2], got 3");
  EXPECT_EQ(CheckRange("port", -1, 0, 2).message(), "--port must be in [0, 2], got -1");
  EXPECT_TRUE(CheckRange("ttl", absl::Hours(1), absl::ZeroDuration(), absl::Hours(1)).ok());
  EXPECT_EQ(CheckRange("ttl", absl::Hours(2), absl::ZeroDuration(), absl::Hours(1)).message(),
            "--ttl must be in [0, 1h], got 2h");
}

TEST(SeverityFromNameTest, EachHasItsName) {
  EXPECT_EQ(SeverityFromName("debug"), Severity::kDebug);
  EXPECT_EQ(SeverityFromName("info"), Severity::kInfo);
  EXPECT_EQ(SeverityFromName("warning"), Severity::kWarning);
  EXPECT_EQ(SeverityFromName("error"), Severity::kError);
  EXPECT_EQ(SeverityFromName("INFO"), std::nullopt);
  EXPECT_TRUE(CheckLogSeverity("info").ok());
  EXPECT_EQ(CheckLogSeverity("loud").message(), "--log_severity must be debug, info, warning or error, got \"loud\"");
}

}  // namespace
}  // namespace common
