// Tasks in the memory of one process, for one replica of the edge.

#ifndef GATEHOUSE_MCP_EDGE_TASKS_MEMORY_TASK_STORE_H_
#define GATEHOUSE_MCP_EDGE_TASKS_MEMORY_TASK_STORE_H_

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/tasks/task_store.h"

namespace mcp_edge {

struct MemoryTaskStoreOptions {
  // How many tasks there may be in all and of one principal, ended ones that have not expired included.
  size_t max_tasks = 100'000;
  size_t max_tasks_per_principal = 10'000;
  // What their records may take together, in bytes, and those of one principal.
  size_t max_bytes = 256 << 20;
  size_t max_bytes_per_principal = 64 << 20;
};

// Operations take the time of finding the task and copying its record; expired tasks go as others are created.
class MemoryTaskStore final : public TaskStore {
 public:
  // A record may always grow by so much.
  static constexpr size_t kSmallGrowth = 1'024;

  // `clock` must outlive the store.
  MemoryTaskStore(const MemoryTaskStoreOptions& options, const common::Clock& clock)
      : options_(options), clock_(clock) {}

  absl::Status Create(TaskRecord record) override;
  absl::StatusOr<std::shared_ptr<const TaskRecord>> Get(absl::string_view id) override;
  absl::StatusOr<std::shared_ptr<const TaskRecord>> Update(absl::string_view id, const Change& change) override;
  absl::Status Erase(absl::string_view id) override;

  // Forgets what has expired.
  void Sweep();

  size_t size() const;
  size_t bytes() const;

 private:
  struct Entry {
    std::shared_ptr<const TaskRecord> record;
    size_t bytes = 0;
  };
  struct Usage {
    size_t tasks = 0;
    size_t bytes = 0;
  };
  using Entries = absl::flat_hash_map<std::string, Entry>;

  // The task of that id, unless it has expired.
  Entries::iterator FindLocked(absl::string_view id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EraseLocked(Entries::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SweepLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const MemoryTaskStoreOptions options_;
  const common::Clock& clock_;
  mutable absl::Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<absl::Time, std::string>> by_expiry_ ABSL_GUARDED_BY(mutex_);  // expiry and id of each
  absl::flat_hash_map<std::string, Usage> by_principal_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_TASKS_MEMORY_TASK_STORE_H_
