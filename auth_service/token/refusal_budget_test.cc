#include "auth_service/token/refusal_budget.h"

#include "gtest/gtest.h"

namespace auth_service {
namespace {

int TakeAll(RefusalBudget& budget) {
  int taken = 0;
  while (taken < 100'000 && budget.Reserve()) ++taken;
  return taken;
}

TEST(RefusalBudgetTest, HoldsFiveSecondsWorthAndFillsAtItsRate) {
  common::FakeClock clock;
  RefusalBudget budget(10, clock);
  EXPECT_EQ(TakeAll(budget), 50);
  clock.Advance(absl::Milliseconds(99));
  EXPECT_FALSE(budget.Reserve());
  clock.Advance(absl::Milliseconds(2));
  EXPECT_TRUE(budget.Reserve());
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(TakeAll(budget), 10);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(TakeAll(budget), 50);
}

TEST(RefusalBudgetTest, WhatIsGivenBackCostsNothing) {
  common::FakeClock clock;
  RefusalBudget budget(1, clock);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(budget.Reserve());
    budget.GiveBack();
  }
  EXPECT_EQ(TakeAll(budget), 5);
  for (int i = 0; i < 1000; ++i) budget.GiveBack();
  EXPECT_EQ(TakeAll(budget), 5);
}

TEST(RefusalBudgetTest, AClockThatIsSetBackDoesNotLockItUp) {
  common::FakeClock clock;
  RefusalBudget budget(10, clock);
  EXPECT_EQ(TakeAll(budget), 50);
  clock.Advance(-absl::Hours(1));
  EXPECT_FALSE(budget.Reserve());
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(TakeAll(budget), 10);
}

}  // namespace
}  // namespace auth_service
