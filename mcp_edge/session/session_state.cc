#include "mcp_edge/session/session_state.h"

#include <utility>

namespace mcp_edge {

gatehouse::tool::v1::LogLevel SessionState::log_level() const {
  absl::MutexLock lock(&mutex_);
  return log_level_;
}

void SessionState::set_log_level(gatehouse::tool::v1::LogLevel level) {
  absl::MutexLock lock(&mutex_);
  log_level_ = level;
}

std::shared_ptr<const Principal> SessionState::principal() const {
  absl::MutexLock lock(&mutex_);
  return principal_;
}

void SessionState::set_principal(std::shared_ptr<const Principal> principal) {
  absl::MutexLock lock(&mutex_);
  principal_.swap(principal);  // the one before is let go without the lock
}

bool SessionState::Subscribe(absl::string_view uri) {
  absl::MutexLock lock(&mutex_);
  return subscriptions_.Add(uri);
}

void SessionState::Unsubscribe(absl::string_view uri) {
  absl::MutexLock lock(&mutex_);
  subscriptions_.Remove(uri);
}

bool SessionState::IsSubscribed(absl::string_view uri) const {
  absl::MutexLock lock(&mutex_);
  return subscriptions_.Covers(uri);
}

}  // namespace mcp_edge
