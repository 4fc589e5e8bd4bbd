#include "mcp_edge/session/session.h"

#include <algorithm>

namespace mcp_edge {

Session::Begun Session::Begin(absl::string_view id_json, std::function<void()> cancel) {
  absl::MutexLock lock(&mutex_);
  if (ended_) return Begun::kEnded;
  if (running_.size() >= kMaxRunning) return Begun::kTooMany;
  return running_.try_emplace(std::string(id_json), std::move(cancel)).second ? Begun::kYes : Begun::kDuplicateId;
}

void Session::Finish(absl::string_view id_json) {
  absl::MutexLock lock(&mutex_);
  running_.erase(id_json);
}

void Session::Cancel(absl::string_view id_json) {
  absl::MutexLock lock(&mutex_);
  const auto found = running_.find(id_json);
  if (found != running_.end()) found->second();
}

bool Session::Send(std::string message, bool coalesce) {
  absl::MutexLock lock(&mutex_);
  if (ended_) return true;
  if (coalesce && std::find(waiting_.begin(), waiting_.end(), message) != waiting_.end()) return true;
  bool room = true;
  while (!waiting_.empty() && (waiting_.size() >= kMaxWaiting || waiting_bytes_ + message.size() > kMaxWaitingBytes)) {
    waiting_bytes_ -= waiting_.front().size();
    waiting_.pop_front();
    room = false;
  }
  waiting_bytes_ += message.size();
  waiting_.push_back(std::move(message));
  return room;
}

uint64_t Session::OpenStream() {
  absl::MutexLock lock(&mutex_);
  return ++current_stream_;
}

void Session::CloseStream(uint64_t stream) {
  absl::MutexLock lock(&mutex_);
  if (stream == current_stream_) ++current_stream_;
}

Session::Received Session::Receive(uint64_t stream, absl::Time deadline, std::string& message) {
  absl::MutexLock lock(&mutex_);
  const auto wakes = [this, stream]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return StreamWakes(stream); };
  mutex_.AwaitWithDeadline(absl::Condition(&wakes), deadline);
  if (stream != current_stream_) return Received::kReplaced;
  if (!waiting_.empty()) {
    message = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= message.size();
    return Received::kMessage;
  }
  return ended_ ? Received::kEnded : Received::kTimeout;
}

void Session::End() {
  absl::MutexLock lock(&mutex_);
  if (ended_) return;
  ended_ = true;
  for (const auto& [id, cancel] : running_) cancel();
}

bool Session::ended() const {
  absl::MutexLock lock(&mutex_);
  return ended_;
}

}  // namespace mcp_edge
