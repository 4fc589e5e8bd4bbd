#include "auth_service/registration/registration_limits.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

TEST(RegistrationLimitsTest, AnAddressHasItsShareOfTheLastHour) {
  common::FakeClock clock;
  RegistrationLimits limits(10, 2, clock);
  EXPECT_EQ(limits.Take("192.0.2.1"), std::nullopt);
  clock.Advance(absl::Minutes(20));
  EXPECT_EQ(limits.Take("192.0.2.1"), std::nullopt);
  EXPECT_EQ(limits.Take("192.0.2.1"), absl::Minutes(40));
  EXPECT_EQ(limits.Take("192.0.2.2"), std::nullopt);
  clock.Advance(absl::Minutes(40));
  EXPECT_EQ(limits.Take("192.0.2.1"), std::nullopt);
  EXPECT_EQ(limits.Take("192.0.2.1"), absl::Minutes(20));
}

TEST(RegistrationLimitsTest, AllTogetherHaveTheirs) {
  common::FakeClock clock;
  RegistrationLimits limits(3, 2, clock);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limits.Take(absl::StrCat("192.0.2.", i)), std::nullopt);
  for (int i = 3; i < 1000; ++i) EXPECT_EQ(limits.Take(absl::StrCat("192.0.2.", i)), absl::Hours(1));
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(limits.Take("192.0.2.9"), std::nullopt);
}

TEST(RegistrationLimitsTest, ToAskIsNotToTake) {
  common::FakeClock clock;
  RegistrationLimits limits(2, 1, clock);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limits.WaitOf("192.0.2.1"), std::nullopt);
  EXPECT_EQ(limits.Take("192.0.2.1"), std::nullopt);
  EXPECT_EQ(limits.Take("192.0.2.2"), std::nullopt);
  clock.Advance(absl::Minutes(20));
  EXPECT_EQ(limits.WaitOf("192.0.2.1"), absl::Minutes(40));
  EXPECT_EQ(limits.WaitOf("192.0.2.3"), std::nullopt);  // that others have used everything up is not asked
  EXPECT_EQ(limits.Take("192.0.2.3"), absl::Minutes(40));
  clock.Advance(absl::Minutes(40));
  EXPECT_EQ(limits.WaitOf("192.0.2.1"), std::nullopt);
}

TEST(RegistrationLimitsTest, WhatWasRefusedDoesNotCount) {
  common::FakeClock clock;
  RegistrationLimits limits(10, 1, clock);
  EXPECT_EQ(limits.Take("192.0.2.1"), std::nullopt);
  clock.Advance(absl::Minutes(59));
  EXPECT_EQ(limits.Take("192.0.2.1"), absl::Minutes(1));
  clock.Advance(absl::Minutes(1));
  EXPECT_EQ(limits.Take("192.0.2.1"), std::nullopt);
}

TEST(RegistrationLimitsTest, WhatIsGivenBackDoesNotCount) {
  common::FakeClock clock;
  RegistrationLimits limits(3, 2, clock);
  EXPECT_EQ(limits.Take("192.0.2.1"), std::nullopt);
  EXPECT_EQ(limits.Take("192.0.2.2"), std::nullopt);
  clock.Advance(absl::Minutes(10));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(limits.Take("192.0.2.1"), std::nullopt) << i;
    limits.GiveBack("192.0.2.1");
  }
  // The one of ten minutes ago counts on, and so does the other's.
  EXPECT_EQ(limits.Take("192.0.2.1"), std::nullopt);
  EXPECT_EQ(limits.Take("192.0.2.1"), absl::Minutes(50));
  EXPECT_EQ(limits.Take("192.0.2.2"), absl::Minutes(50));
  clock.Advance(absl::Hours(1));
  limits.GiveBack("192.0.2.1");
  limits.GiveBack("192.0.2.9");
  EXPECT_EQ(limits.Take("192.0.2.1"), std::nullopt);
}

TEST(RegistrationLimitsTest, ASubscriberIsOneWhateverAddressItTakes) {
  EXPECT_EQ(AddressGroup("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(AddressGroup("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(AddressGroup("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(AddressGroup("2001:DB8:1:2::1"), "2001:db8:1:2::/64");
  EXPECT_NE(AddressGroup("2001:db8:1:3::1"), AddressGroup("2001:db8:1:2::1"));
  EXPECT_EQ(AddressGroup(""), "");
  EXPECT_EQ(AddressGroup("somewhere"), "somewhere");
}

}  // namespace
}  // namespace auth_service
