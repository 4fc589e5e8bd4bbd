#include "mcp_edge/session/memory_session_store.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace mcp_edge {

absl::StatusOr<std::vector<std::string>> MemorySessionStore::Create(std::shared_ptr<const SessionRecord> record) {
  absl::MutexLock lock(&mutex_);
  const absl::Time now = clock_.Now();
  std::vector<std::string> ended;
  const auto end = [&](std::string id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    EraseLocked(id);
    ended.push_back(std::move(id));
  };
  while (!by_use_.empty() && now - entries_[by_use_.front()].last_use_time >= options_.idle_timeout) {
    end(by_use_.front());
  }
  if (const auto own = by_principal_.find(record->principal_key);
      own != by_principal_.end() && own->second.size() >= options_.max_sessions_per_principal) {
    end(own->second.front());
  }
  if (entries_.size() >= options_.max_sessions) {
    return absl::ResourceExhaustedError(absl::StrCat("there are ", options_.max_sessions, " sessions already"));
  }
  const std::string& id = record->id;
  std::list<std::string>& own = by_principal_[record->principal_key];
  Entry entry;
  entry.last_use_time = now;
  entry.by_use = by_use_.insert(by_use_.end(), id);
  entry.by_principal_use = own.insert(own.end(), id);
  entry.record = std::move(record);
  entries_.insert_or_assign(*entry.by_use, entry);
  return ended;
}

absl::StatusOr<std::shared_ptr<const SessionRecord>> MemorySessionStore::Get(absl::string_view id) {
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return absl::NotFoundError("no such session");
  Entry& entry = found->second;
  const absl::Time now = clock_.Now();
  if (now - entry.last_use_time >= options_.idle_timeout) {
    EraseLocked(std::string(id));
    return absl::NotFoundError("no such session");
  }
  entry.last_use_time = now;
  by_use_.splice(by_use_.end(), by_use_, entry.by_use);
  std::list<std::string>& own = by_principal_[entry.record->principal_key];
  own.splice(own.end(), own, entry.by_principal_use);
  return entry.record;
}

absl::StatusOr<bool> MemorySessionStore::Exists(absl::string_view id) {
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(id);
  return found != entries_.end() && clock_.Now() - found->second.last_use_time < options_.idle_timeout;
}

absl::Status MemorySessionStore::Erase(absl::string_view id) {
  absl::MutexLock lock(&mutex_);
  EraseLocked(std::string(id));
  return absl::OkStatus();
}

size_t MemorySessionStore::size() const {
  absl::MutexLock lock(&mutex_);
  return entries_.size();
}

void MemorySessionStore::EraseLocked(const std::string& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  const auto own = by_principal_.find(found->second.record->principal_key);
  own->second.erase(found->second.by_principal_use);
  if (own->second.empty()) by_principal_.erase(own);
  by_use_.erase(found->second.by_use);
  entries_.erase(found);
}

}  // namespace mcp_edge
