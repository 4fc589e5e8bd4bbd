#include "tool_service/sdk/tool_context.h"

#include <algorithm>
#include <utility>

#include "common/json_text.h"

namespace tool_service {

void ToolContext::ReportProgress(double progress, std::optional<double> total, absl::string_view message) {
  if (!caller().wants_progress()) return;
  CallToolEvent event;
  event.mutable_progress()->set_progress(progress);
  if (total.has_value()) event.mutable_progress()->set_total(*total);
  event.mutable_progress()->set_message(message.data(), message.size());
  Emit(std::move(event), /*may_drop=*/true);
}

void ToolContext::Log(LogLevel level, absl::string_view data_json, absl::string_view logger) {
  const LogLevel least = caller().log_level();
  if (least == LogLevel::LOG_LEVEL_UNSPECIFIED || level < least) return;
  CallToolEvent event;
  event.mutable_log()->set_level(level);
  event.mutable_log()->set_logger(logger.data(), logger.size());
  event.mutable_log()->set_data_json(data_json.data(), data_json.size());
  Emit(std::move(event), /*may_drop=*/true);
}

void ToolContext::LogText(LogLevel level, absl::string_view text, absl::string_view logger) {
  std::string data_json;
  common::AppendJsonString(text, data_json);
  Log(level, data_json, logger);
}

bool ToolContext::StartTask() {
  if (!caller().can_start_task()) return false;
  CallToolEvent event;
  event.mutable_task_started();
  Emit(std::move(event), /*may_drop=*/false);
  return true;
}

void ToolContext::CloseStream(std::optional<absl::Duration> retry_delay) {
  CallToolEvent event;
  event.mutable_close_stream();
  if (retry_delay.has_value()) {
    const absl::Duration delay = std::clamp(*retry_delay, absl::ZeroDuration(), absl::Minutes(1));
    const int64_t milliseconds = absl::ToInt64Milliseconds(delay);
    auto& proto = *event.mutable_close_stream()->mutable_retry_delay();
    proto.set_seconds(milliseconds / 1000);
    proto.set_nanos(static_cast<int32_t>(milliseconds % 1000 * 1'000'000));
  }
  Emit(std::move(event), /*may_drop=*/true);
}

}  // namespace tool_service
