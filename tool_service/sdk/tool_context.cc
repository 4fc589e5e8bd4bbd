#include "tool_service/sdk/tool_context.h"

#include <utility>

namespace tool_service {

void ToolContext::ReportProgress(double progress, std::optional<double> total, absl::string_view message) {
  if (!request().context().wants_progress()) return;
  CallToolEvent event;
  event.mutable_progress()->set_progress(progress);
  if (total.has_value()) event.mutable_progress()->set_total(*total);
  event.mutable_progress()->set_message(message.data(), message.size());
  Emit(std::move(event));
}

void ToolContext::Log(LogLevel level, absl::string_view data_json, absl::string_view logger) {
  const LogLevel least = request().context().log_level();
  if (least == LogLevel::LOG_LEVEL_UNSPECIFIED || level < least) return;
  CallToolEvent event;
  event.mutable_log()->set_level(level);
  event.mutable_log()->set_logger(logger.data(), logger.size());
  event.mutable_log()->set_data_json(data_json.data(), data_json.size());
  Emit(std::move(event));
}

}  // namespace tool_service
