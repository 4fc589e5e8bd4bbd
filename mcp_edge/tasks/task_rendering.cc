#include "mcp_edge/tasks/task_rendering.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/json_text.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/protocol/version.h"

namespace mcp_edge {
namespace {

constexpr ProtocolVersion kVersion = ProtocolVersion::k2026_07_28;

absl::string_view StatusName(TaskStatus status) {
  switch (status) {
    case TaskStatus::kWorking:
      return "working";
    case TaskStatus::kInputRequired:
      return "input_required";
    case TaskStatus::kCompleted:
      return "completed";
    case TaskStatus::kFailed:
      return "failed";
    case TaskStatus::kCancelled:
      return "cancelled";
  }
  return "failed";
}

std::string TimeText(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone()); }

// The members that a task always has.
std::string TaskMembers(const TaskRecord& record, absl::Duration poll_interval) {
  std::string out = "\"taskId\":";
  common::AppendJsonString(record.id, out);
  absl::StrAppend(&out, ",\"status\":\"", StatusName(record.status), "\"");
  if (!record.status_message.empty()) {
    out += ",\"statusMessage\":";
    common::AppendJsonString(record.status_message, out);
  }
  absl::StrAppend(&out, ",\"createdAt\":\"", TimeText(record.create_time), "\",\"lastUpdatedAt\":\"",
                  TimeText(record.update_time),
                  "\",\"ttlMs\":", absl::ToInt64Milliseconds(record.expire_time - record.create_time),
                  ",\"pollIntervalMs\":", absl::ToInt64Milliseconds(poll_interval));
  return out;
}

std::string DetailedTaskMembers(const TaskRecord& record, absl::Duration poll_interval) {
  std::string out = TaskMembers(record, poll_interval);
  switch (record.status) {
    case TaskStatus::kInputRequired: {
      out += ",\"inputRequests\":{";
      bool first = true;
      for (const TaskQuestion& question : record.questions) {
        if (!first) out += ',';
        first = false;
        common::AppendJsonString(question.key, out);
        out += ":{\"method\":";
        common::AppendJsonString(question.method, out);
        absl::StrAppend(&out, ",\"params\":", question.params_json, "}");
      }
      out += '}';
      break;
    }
    case TaskStatus::kCompleted:
      absl::StrAppend(&out, ",\"result\":", record.outcome_json);
      break;
    case TaskStatus::kFailed:
      absl::StrAppend(&out, ",\"error\":", record.outcome_json);
      break;
    case TaskStatus::kWorking:
    case TaskStatus::kCancelled:
      break;
  }
  return out;
}

}  // namespace

std::string RenderCreateTaskResult(const TaskRecord& record, absl::Duration poll_interval) {
  return RenderResultOfType("task", TaskMembers(record, poll_interval));
}

std::string RenderGetTaskResult(const TaskRecord& record, absl::Duration poll_interval) {
  return RenderResult(DetailedTaskMembers(record, poll_interval), kVersion);
}

std::string RenderTaskNotification(const TaskRecord& record, absl::Duration poll_interval) {
  return absl::StrCat("{", DetailedTaskMembers(record, poll_interval), "}");
}

std::string RenderTaskAcknowledgement() { return RenderResult("", kVersion); }

std::string RenderTaskError(const RpcError& error) {
  std::string out = absl::StrCat("{\"code\":", WireErrorOf(error.kind).json_rpc, ",\"message\":");
  common::AppendJsonString(error.message, out);
  if (!error.data_json.empty()) absl::StrAppend(&out, ",\"data\":", error.data_json);
  out += '}';
  return out;
}

}  // namespace mcp_edge
