#include "auth_service/token/verdict.h"

#include <set>
#include <string>

#include "common/proto_time.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RefusalReason;

TEST(VerdictTest, EveryReasonHasADescriptionOfItsOwnThatAHeaderCanCarry) {
  std::set<std::string> seen = {RefusalDescription(gatehouse::auth::v1::REFUSAL_REASON_UNSPECIFIED)};
  for (int i = gatehouse::auth::v1::RefusalReason_MIN + 1; i <= gatehouse::auth::v1::RefusalReason_MAX; ++i) {
    ASSERT_TRUE(gatehouse::auth::v1::RefusalReason_IsValid(i));
    const std::string description = RefusalDescription(static_cast<RefusalReason>(i));
    EXPECT_TRUE(seen.insert(description).second) << i << ": " << description;
    for (const char c : description) {
      EXPECT_TRUE(c >= 0x20 && c < 0x7F && c != '"' && c != '\\') << description;
    }
  }
}

TEST(VerdictTest, TimestampsKeepNanosecondsAndStayInRange) {
  google::protobuf::Timestamp timestamp;
  const absl::Time time = absl::FromUnixSeconds(1'800'000'000) + absl::Nanoseconds(123'456'789);
  SetTimestamp(time, timestamp);
  EXPECT_EQ(common::FromProto(timestamp), time);
  SetTimestamp(absl::FromUnixSeconds(-1) + absl::Milliseconds(250), timestamp);
  EXPECT_EQ(timestamp.seconds(), -1);
  EXPECT_EQ(timestamp.nanos(), 250'000'000);
  SetTimestamp(absl::InfiniteFuture(), timestamp);
  EXPECT_EQ(timestamp.seconds(), 253402300799);
  SetTimestamp(absl::InfinitePast(), timestamp);
  EXPECT_EQ(timestamp.seconds(), -62135596800);
}

}  // namespace
}  // namespace auth_service
