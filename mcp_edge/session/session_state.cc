#include "mcp_edge/session/session_state.h"

namespace mcp_edge {

gatehouse::tool::v1::LogLevel SessionState::log_level() const {
  absl::MutexLock lock(&mutex_);
  return log_level_;
}

void SessionState::set_log_level(gatehouse::tool::v1::LogLevel level) {
  absl::MutexLock lock(&mutex_);
  log_level_ = level;
}

bool SessionState::Subscribe(absl::string_view uri) {
  absl::MutexLock lock(&mutex_);
  if (subscriptions_.contains(uri)) return true;
  if (subscriptions_.size() >= kMaxSubscriptions) return false;
  subscriptions_.emplace(uri);
  return true;
}

void SessionState::Unsubscribe(absl::string_view uri) {
  absl::MutexLock lock(&mutex_);
  subscriptions_.erase(uri);
}

bool SessionState::IsSubscribed(absl::string_view uri) const {
  absl::MutexLock lock(&mutex_);
  if (subscriptions_.empty()) return false;
  if (subscriptions_.contains(uri)) return true;
  for (size_t slash = uri.rfind('/'); slash != absl::string_view::npos && slash > 0;
       slash = uri.rfind('/', slash - 1)) {
    if (subscriptions_.contains(uri.substr(0, slash)) || subscriptions_.contains(uri.substr(0, slash + 1))) return true;
  }
  return false;
}

}  // namespace mcp_edge
