#include "mcp_edge/tasks/memory_task_store.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

TaskRecord Record(absl::string_view id, absl::string_view principal, const common::Clock& clock,
                  absl::Duration ttl = absl::Hours(1)) {
  TaskRecord record;
  record.id = std::string(id);
  record.principal_key = std::string(principal);
  record.create_time = record.update_time = clock.Now();
  record.expire_time = clock.Now() + ttl;
  return record;
}

TaskStore::Change SetOutcome(size_t bytes) {
  return [bytes](TaskRecord& record) {
    record.outcome_json = std::string(bytes, 'x');
    return true;
  };
}

TEST(MemoryTaskStoreTest, ATaskIsThereUntilErased) {
  common::FakeClock clock;
  MemoryTaskStore store({}, clock);
  ASSERT_TRUE(store.Create(Record("t", "alice", clock)).ok());
  EXPECT_EQ((*store.Get("t"))->principal_key, "alice");
  EXPECT_TRUE(store.Erase("t").ok());
  EXPECT_EQ(store.Get("t").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store.Update("t", SetOutcome(1)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store.Erase("t").ok());
  EXPECT_EQ(store.bytes(), 0);
}

TEST(MemoryTaskStoreTest, AChangeIsSeenByLaterReadersAndLeavesEarlierOnesAlone) {
  common::FakeClock clock;
  MemoryTaskStore store({}, clock);
  ASSERT_TRUE(store.Create(Record("t", "alice", clock)).ok());
  const auto before = *store.Get("t");
  const auto changed = store.Update("t", [](TaskRecord& record) {
    record.status = TaskStatus::kFailed;
    return true;
  });
  EXPECT_EQ((*changed)->status, TaskStatus::kFailed);
  EXPECT_EQ((*store.Get("t"))->status, TaskStatus::kFailed);
  EXPECT_EQ(before->status, TaskStatus::kWorking);
}

TEST(MemoryTaskStoreTest, AChangeThatIsCalledOffChangesNothing) {
  common::FakeClock clock;
  MemoryTaskStore store({}, clock);
  ASSERT_TRUE(store.Create(Record("t", "alice", clock)).ok());
  const auto kept = store.Update("t", [](TaskRecord& record) {
    record.status = TaskStatus::kFailed;
    return false;
  });
  EXPECT_EQ((*kept)->status, TaskStatus::kWorking);
  EXPECT_EQ((*store.Get("t"))->status, TaskStatus::kWorking);
}

TEST(MemoryTaskStoreTest, ATaskExpiresAtItsTimeWhichAChangeCanPutOff) {
  common::FakeClock clock;
  MemoryTaskStore store({}, clock);
  ASSERT_TRUE(store.Create(Record("a", "alice", clock, absl::Minutes(10))).ok());
  ASSERT_TRUE(store.Create(Record("b", "alice", clock, absl::Minutes(10))).ok());
  clock.Advance(absl::Minutes(9));
  ASSERT_TRUE(store
                  .Update("b",
                          [&](TaskRecord& record) {
                            record.expire_time = clock.Now() + absl::Minutes(10);
                            return true;
                          })
                  .ok());
  clock.Advance(absl::Minutes(1));
  EXPECT_EQ(store.Get("a").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store.Update("a", SetOutcome(1)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store.Get("b").ok());
  clock.Advance(absl::Minutes(9));
  store.Sweep();
  EXPECT_EQ(store.size(), 0);
  EXPECT_EQ(store.bytes(), 0);
}

TEST(MemoryTaskStoreTest, OnePrincipalCannotTakeAllPlaces) {
  common::FakeClock clock;
  MemoryTaskStore store({.max_tasks = 3, .max_tasks_per_principal = 2}, clock);
  ASSERT_TRUE(store.Create(Record("a", "alice", clock)).ok());
  ASSERT_TRUE(store.Create(Record("b", "alice", clock)).ok());
  EXPECT_EQ(store.Create(Record("c", "alice", clock)).code(), absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(store.Create(Record("d", "bob", clock)).ok());
  EXPECT_EQ(store.Create(Record("e", "carol", clock)).code(), absl::StatusCode::kUnavailable);
  clock.Advance(absl::Hours(1));
  EXPECT_TRUE(store.Create(Record("e", "carol", clock)).ok()) << "expired tasks make room";
  EXPECT_EQ(store.size(), 1);
}

TEST(MemoryTaskStoreTest, MemoryIsBoundedInAllAndPerPrincipalButALittleAlwaysFits) {
  common::FakeClock clock;
  MemoryTaskStore store({.max_bytes = 30'000, .max_bytes_per_principal = 20'000}, clock);
  for (const char* id : {"a", "b"}) ASSERT_TRUE(store.Create(Record(id, "alice", clock)).ok());
  ASSERT_TRUE(store.Create(Record("c", "bob", clock)).ok());
  ASSERT_TRUE(store.Update("a", SetOutcome(15'000)).ok());
  EXPECT_EQ(store.Update("b", SetOutcome(15'000)).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ((*store.Get("b"))->outcome_json, "");
  EXPECT_EQ(store.Update("c", SetOutcome(15'000)).status().code(), absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(store.Update("c", SetOutcome(10'000)).ok());
  EXPECT_TRUE(store.Update("b", SetOutcome(1'000)).ok());
  ASSERT_TRUE(store.Update("a", SetOutcome(0)).ok()) << "what shrinks is always allowed";
  EXPECT_TRUE(store.Update("b", SetOutcome(12'000)).ok());
}

}  // namespace
}  // namespace mcp_edge
