#include "mcp_edge/session/session_manager.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "common/secure_random.h"

namespace mcp_edge {
std::string NewSessionId() { return common::UnguessableId(); }

bool LooksLikeSessionId(absl::string_view id) {
  if (id.size() != common::kUnguessableIdLength) return false;
  for (const char c : id) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') return false;
  }
  return true;
}

absl::StatusOr<std::shared_ptr<Session>> SessionManager::Open(SessionRecord record) {
  record.id = NewSessionId();
  auto shared = std::make_shared<const SessionRecord>(std::move(record));
  const absl::StatusOr<std::vector<std::string>> ended = store_.Create(shared);
  if (!ended.ok()) return ended.status();
  for (const std::string& id : *ended) LetGo(id);
  auto session = std::make_shared<Session>(shared, streams_);
  absl::MutexLock lock(&mutex_);
  live_.emplace(shared->id, session);
  return session;
}

absl::StatusOr<std::shared_ptr<Session>> SessionManager::Find(absl::string_view id, absl::string_view principal_key) {
  if (!LooksLikeSessionId(id)) return absl::NotFoundError("no such session");
  absl::StatusOr<std::shared_ptr<const SessionRecord>> record = store_.Get(id);
  if (!record.ok()) {
    if (absl::IsNotFound(record.status())) LetGo(id);
    return record.status();
  }
  if ((*record)->principal_key != principal_key) return absl::NotFoundError("no such session");
  absl::MutexLock lock(&mutex_);
  std::shared_ptr<Session>& session = live_[std::string(id)];
  if (session == nullptr) session = std::make_shared<Session>(*std::move(record), streams_);
  return session;
}

absl::Status SessionManager::End(const Session& session) {
  const absl::Status status = store_.Erase(session.record().id);
  if (status.ok()) LetGo(session.record().id);
  return status;
}

void SessionManager::LetGo(absl::string_view id) {
  std::shared_ptr<Session> gone;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = live_.find(id);
    if (found != live_.end()) {
      gone = std::move(found->second);
      live_.erase(found);
    }
  }
  if (gone != nullptr) gone->End();
  if (streams_ != nullptr) streams_->Forget(id);
}

void SessionManager::Touch(const Session& session) { store_.Get(session.record().id).status().IgnoreError(); }

void SessionManager::ForEach(const std::function<void(Session&)>& visit) {
  std::vector<std::shared_ptr<Session>> sessions;
  {
    absl::MutexLock lock(&mutex_);
    sessions.reserve(live_.size());
    for (const auto& [id, session] : live_) sessions.push_back(session);
  }
  for (const std::shared_ptr<Session>& session : sessions) visit(*session);
}

void SessionManager::Sweep() {
  ForEach([this](Session& session) {
    const absl::StatusOr<bool> exists = store_.Exists(session.record().id);
    if (exists.ok() && !*exists) LetGo(session.record().id);
  });
}

void SessionManager::CloseAll() {
  ForEach([](Session& session) { session.End(); });
}

size_t SessionManager::size() const {
  absl::MutexLock lock(&mutex_);
  return live_.size();
}

}  // namespace mcp_edge
