#include "mcp_edge/tasks/memory_task_store.h"

#include "absl/strings/str_cat.h"

namespace mcp_edge {
namespace {

// What a record takes besides its texts: itself, and its places in the indexes.
constexpr size_t kRecordOverhead = 1'024;
constexpr size_t kItemOverhead = 128;

size_t BytesOf(const TaskRecord& record) {
  size_t bytes = kRecordOverhead + record.id.size() + record.principal_key.size() + record.status_message.size() +
                 record.outcome_json.size() + record.state.size();
  for (const TaskQuestion& question : record.questions) {
    bytes += kItemOverhead + question.key.size() + question.tool_key.size() + question.method.size() +
             question.params_json.size();
  }
  for (const auto& [key, answer] : record.answers) bytes += kItemOverhead + key.size() + answer.size();
  for (const std::string& key : record.used_keys) bytes += kItemOverhead + key.size();
  return bytes;
}

}  // namespace

absl::Status MemoryTaskStore::Create(TaskRecord record) {
  absl::MutexLock lock(&mutex_);
  SweepLocked();
  const size_t bytes = BytesOf(record);
  if (entries_.size() >= options_.max_tasks || bytes_ + bytes > options_.max_bytes) {
    return absl::UnavailableError(
        absl::StrCat("there are ", entries_.size(), " tasks, which take ", bytes_, " bytes, already"));
  }
  Usage& own = by_principal_[record.principal_key];
  if (own.tasks >= options_.max_tasks_per_principal || own.bytes + bytes > options_.max_bytes_per_principal) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the principal has ", own.tasks, " tasks, which take ", own.bytes, " bytes, already"));
  }
  ++own.tasks;
  own.bytes += bytes;
  bytes_ += bytes;
  by_expiry_.emplace(record.expire_time, record.id);
  auto shared = std::make_shared<const TaskRecord>(std::move(record));
  entries_.insert_or_assign(shared->id, Entry{shared, bytes});
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const TaskRecord>> MemoryTaskStore::Get(absl::string_view id) {
  absl::MutexLock lock(&mutex_);
  const auto found = FindLocked(id);
  if (found == entries_.end()) return absl::NotFoundError("no such task");
  return found->second.record;
}

absl::StatusOr<std::shared_ptr<const TaskRecord>> MemoryTaskStore::Update(absl::string_view id, const Change& change) {
  absl::MutexLock lock(&mutex_);
  const auto found = FindLocked(id);
  if (found == entries_.end()) return absl::NotFoundError("no such task");
  Entry& entry = found->second;
  auto changed = std::make_shared<TaskRecord>(*entry.record);
  if (!change(*changed)) return entry.record;
  const size_t bytes = BytesOf(*changed);
  Usage& own = by_principal_[changed->principal_key];
  if (bytes > entry.bytes + kSmallGrowth) {
    const size_t growth = bytes - entry.bytes;
    if (bytes_ + growth > options_.max_bytes || own.bytes + growth > options_.max_bytes_per_principal) {
      return absl::ResourceExhaustedError(absl::StrCat("the record would take ", bytes, " bytes"));
    }
  }
  own.bytes += bytes - entry.bytes;  // unsigned, so that this also shrinks
  bytes_ += bytes - entry.bytes;
  by_expiry_.erase({entry.record->expire_time, changed->id});
  by_expiry_.emplace(changed->expire_time, changed->id);
  entry = {std::move(changed), bytes};
  return entry.record;
}

absl::Status MemoryTaskStore::Erase(absl::string_view id) {
  absl::MutexLock lock(&mutex_);
  if (const auto found = entries_.find(id); found != entries_.end()) EraseLocked(found);
  return absl::OkStatus();
}

void MemoryTaskStore::Sweep() {
  absl::MutexLock lock(&mutex_);
  SweepLocked();
}

size_t MemoryTaskStore::size() const {
  absl::MutexLock lock(&mutex_);
  return entries_.size();
}

size_t MemoryTaskStore::bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

MemoryTaskStore::Entries::iterator MemoryTaskStore::FindLocked(absl::string_view id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || clock_.Now() < found->second.record->expire_time) return found;
  EraseLocked(found);
  return entries_.end();
}

void MemoryTaskStore::EraseLocked(Entries::iterator entry) {
  const std::shared_ptr<const TaskRecord> record = entry->second.record;
  const auto own = by_principal_.find(record->principal_key);
  own->second.bytes -= entry->second.bytes;
  bytes_ -= entry->second.bytes;
  if (--own->second.tasks == 0) by_principal_.erase(own);
  by_expiry_.erase({record->expire_time, record->id});
  entries_.erase(entry);
}

void MemoryTaskStore::SweepLocked() {
  const absl::Time now = clock_.Now();
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
    EraseLocked(entries_.find(by_expiry_.begin()->second));
  }
}

}  // namespace mcp_edge
