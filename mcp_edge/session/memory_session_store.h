// Sessions in the memory of one process, for one replica of the edge.

#ifndef GATEHOUSE_MCP_EDGE_SESSION_MEMORY_SESSION_STORE_H_
#define GATEHOUSE_MCP_EDGE_SESSION_MEMORY_SESSION_STORE_H_

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/session/session_store.h"

namespace mcp_edge {

struct MemorySessionStoreOptions {
  // A session that was not used for so long ends.
  absl::Duration idle_timeout = absl::Hours(1);
  // How many sessions there may be.
  size_t max_sessions = 100'000;
  // How many of them one principal may have; a further one ends the one it used longest ago.
  size_t max_sessions_per_principal = 1'000;
};

// Each operation takes constant time; expired sessions go as others are created.
class MemorySessionStore final : public SessionStore {
 public:
  // `clock` must outlive the store.
  MemorySessionStore(const MemorySessionStoreOptions& options, const common::Clock& clock)
      : options_(options), clock_(clock) {}

  absl::StatusOr<std::vector<std::string>> Create(std::shared_ptr<const SessionRecord> record) override;
  absl::StatusOr<std::shared_ptr<const SessionRecord>> Get(absl::string_view id) override;
  absl::StatusOr<bool> Exists(absl::string_view id) override;
  absl::Status Erase(absl::string_view id) override;

  size_t size() const;

 private:
  struct Entry {
    std::shared_ptr<const SessionRecord> record;
    absl::Time last_use_time;
    std::list<std::string>::iterator by_use;            // in by_use_
    std::list<std::string>::iterator by_principal_use;  // in by_principal_[…]
  };

  void EraseLocked(const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const MemorySessionStoreOptions options_;
  const common::Clock& clock_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::list<std::string> by_use_ ABSL_GUARDED_BY(mutex_);  // ids, used longest ago first
  absl::flat_hash_map<std::string, std::list<std::string>> by_principal_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_SESSION_MEMORY_SESSION_STORE_H_
