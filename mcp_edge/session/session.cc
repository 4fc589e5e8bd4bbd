#include "mcp_edge/session/session.h"

#include <utility>

#include "mcp_edge/session/memory_stream_store.h"

namespace mcp_edge {

Session::Session(std::shared_ptr<const SessionRecord> record, StreamStore* streams)
    : record_(std::move(record)),
      streams_(streams),
      main_stream_(streams != nullptr ? streams->Main(record_->id)
                                      : MemoryStreamStore::NewLoneStream(kMaxWaiting, kMaxWaitingBytes)) {}

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

std::shared_ptr<EventStream> Session::OpenStream() {
  if (streams_ != nullptr) return streams_->Open(record_->id);
  return MemoryStreamStore::NewLoneStream(kMaxWaiting, kMaxWaitingBytes);
}

std::shared_ptr<EventStream> Session::FindStream(uint64_t number) {
  return streams_ == nullptr ? nullptr : streams_->Find(record_->id, number);
}

void Session::End() {
  {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    ended_ = true;
    for (const auto& [id, cancel] : running_) cancel();
  }
  main_stream_->End();
}

bool Session::ended() const {
  absl::MutexLock lock(&mutex_);
  return ended_;
}

}  // namespace mcp_edge
