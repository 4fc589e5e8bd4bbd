#include "mcp_edge/tasks/task_rendering.h"

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

constexpr char kMeta[] = R"("_meta":{"io.modelcontextprotocol/serverInfo":)";

TaskRecord Record(TaskStatus status) {
  TaskRecord record;
  record.id = "id-1";
  record.principal_key = "alice";
  record.status = status;
  record.create_time = absl::FromUnixMillis(1'800'000'000'123);
  record.update_time = record.create_time + absl::Seconds(2);
  record.expire_time = record.create_time + absl::Minutes(1);
  record.state = "secret state";
  return record;
}

std::string Working(const std::string& status) {
  return R"("taskId":"id-1","status":")" + status +
         R"(","createdAt":"2027-01-15T08:00:00.123Z","lastUpdatedAt":"2027-01-15T08:00:02.123Z",)"
         R"("ttlMs":60000,"pollIntervalMs":1000)";
}

TEST(TaskRenderingTest, WhatIsCreatedIsFlatAndHasNoOutcome) {
  const std::string result = RenderCreateTaskResult(Record(TaskStatus::kWorking), absl::Seconds(1));
  EXPECT_EQ(result.find("{" + Working("working") + R"(,"resultType":"task",)" + kMeta), 0) << result;
}

TEST(TaskRenderingTest, AGottenTaskIsACompleteResult) {
  const std::string result = RenderGetTaskResult(Record(TaskStatus::kWorking), absl::Seconds(1));
  EXPECT_EQ(result.find("{" + Working("working") + R"(,"resultType":"complete",)" + kMeta), 0) << result;
}

TEST(TaskRenderingTest, EachStatusHasItsOwnMember) {
  TaskRecord completed = Record(TaskStatus::kCompleted);
  completed.outcome_json = R"({"content":[]})";
  EXPECT_EQ(RenderTaskNotification(completed, absl::Seconds(1)),
            "{" + Working("completed") + R"(,"result":{"content":[]}})");

  TaskRecord failed = Record(TaskStatus::kFailed);
  failed.outcome_json = RenderTaskError({WireErrorKind::kInternal, "no \"luck\"", R"({"a":1})"});
  EXPECT_EQ(RenderTaskNotification(failed, absl::Seconds(1)),
            "{" + Working("failed") + R"(,"error":{"code":-32603,"message":"no \"luck\"","data":{"a":1}}})");

  TaskRecord asking = Record(TaskStatus::kInputRequired);
  asking.questions = {{"a", "x", "roots/list", "{}"}, {"b", "y", "elicitation/create", R"({"message":"?"})"}};
  EXPECT_EQ(RenderTaskNotification(asking, absl::Seconds(1)),
            "{" + Working("input_required") +
                R"(,"inputRequests":{"a":{"method":"roots/list","params":{}},)"
                R"("b":{"method":"elicitation/create","params":{"message":"?"}}}})");

  EXPECT_EQ(RenderTaskNotification(Record(TaskStatus::kCancelled), absl::Seconds(1)), "{" + Working("cancelled") + "}");
}

TEST(TaskRenderingTest, TheStatusMessageIsShownAndTheStateIsNot) {
  TaskRecord record = Record(TaskStatus::kWorking);
  record.status_message = "half\nway";
  const std::string result = RenderGetTaskResult(record, absl::Seconds(1));
  EXPECT_NE(result.find(R"("statusMessage":"half\nway")"), std::string::npos) << result;
  EXPECT_EQ(result.find("secret"), std::string::npos);
  EXPECT_EQ(result.find("alice"), std::string::npos);
}

TEST(TaskRenderingTest, AnAcknowledgementHasNothingOfTheTask) {
  EXPECT_EQ(RenderTaskAcknowledgement().find(std::string(R"({"resultType":"complete",)") + kMeta), 0);
}

}  // namespace
}  // namespace mcp_edge
