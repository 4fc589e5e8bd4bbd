// A bounded cache whose entries expire, for verdicts about tokens.

#ifndef GATEHOUSE_COMMON_EXPIRING_CACHE_H_
#define GATEHOUSE_COMMON_EXPIRING_CACHE_H_

#include <array>
#include <cstddef>
#include <list>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace common {

// Maps keys to values until each one's expiry. When full, the entry that was used longest ago makes room. Thread-safe;
// split into parts with a lock each, so that readers of different keys rarely meet. Capacity 0 holds nothing.
template <typename Key, typename Value>
class ExpiringCache {
 public:
  // `capacity`: entries in all, rounded up to a multiple of the number of parts. `clock` must outlive the cache.
  ExpiringCache(size_t capacity, const Clock& clock)
      : part_capacity_((capacity + kParts - 1) / kParts), clock_(clock) {}

  ExpiringCache(const ExpiringCache&) = delete;
  ExpiringCache& operator=(const ExpiringCache&) = delete;

  // The value of `key`, unless it is absent or expired.
  std::optional<Value> Get(const Key& key) {
    Part& part = PartOf(key);
    absl::MutexLock lock(&part.mutex);
    const auto found = part.index.find(key);
    if (found == part.index.end()) return std::nullopt;
    const auto entry = found->second;
    if (clock_.Now() >= entry->expire_time) {
      part.index.erase(found);
      part.entries.erase(entry);
      return std::nullopt;
    }
    part.entries.splice(part.entries.begin(), part.entries, entry);
    return entry->value;
  }

  // Sets the value of `key` until `expire_time`; a time that has passed removes it.
  void Put(const Key& key, Value value, absl::Time expire_time) {
    if (part_capacity_ == 0) return;
    Part& part = PartOf(key);
    absl::MutexLock lock(&part.mutex);
    if (const auto found = part.index.find(key); found != part.index.end()) {
      part.entries.erase(found->second);
      part.index.erase(found);
    }
    if (expire_time <= clock_.Now()) return;
    // Those that nobody asks for any more lie at the end.
    while (!part.entries.empty() && part.entries.back().expire_time <= clock_.Now()) {
      part.index.erase(part.entries.back().key);
      part.entries.pop_back();
    }
    if (part.entries.size() >= part_capacity_) {
      part.index.erase(part.entries.back().key);
      part.entries.pop_back();
    }
    part.entries.push_front(Entry{key, std::move(value), expire_time});
    part.index[key] = part.entries.begin();
  }

  // How many entries there are, expired ones that nobody asked for included.
  size_t size() const {
    size_t total = 0;
    for (const Part& part : parts_) {
      absl::MutexLock lock(&part.mutex);
      total += part.entries.size();
    }
    return total;
  }

 private:
  static constexpr size_t kParts = 16;

  struct Entry {
    Key key;
    Value value;
    absl::Time expire_time;
  };

  struct Part {
    mutable absl::Mutex mutex;
    std::list<Entry> entries ABSL_GUARDED_BY(mutex);  // most recently used first
    absl::flat_hash_map<Key, typename std::list<Entry>::iterator> index ABSL_GUARDED_BY(mutex);
  };

  Part& PartOf(const Key& key) { return parts_[absl::Hash<Key>()(key) % kParts]; }

  const size_t part_capacity_;
  const Clock& clock_;
  std::array<Part, kParts> parts_;
};

}  // namespace common

#endif  // GATEHOUSE_COMMON_EXPIRING_CACHE_H_
