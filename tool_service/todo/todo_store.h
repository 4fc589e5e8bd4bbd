// To-do lists in memory, one for each user. Knows no transport and no JSON.

#ifndef GATEHOUSE_TOOL_SERVICE_TODO_TODO_STORE_H_
#define GATEHOUSE_TOOL_SERVICE_TODO_TODO_STORE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace tool_service {

// Who a list belongs to. A subject alone names nobody: two issuers may use the same one.
struct Owner {
  std::string issuer;
  std::string subject;

  bool operator<(const Owner& other) const {
    return issuer != other.issuer ? issuer < other.issuer : subject < other.subject;
  }
};

struct Todo {
  // From 1 on, never used again as long as the process runs, for nobody.
  int64_t id = 0;
  std::string title;
  bool done = false;
};

// How much is kept, at most.
struct TodoLimits {
  size_t owners = 1000;
  size_t todos_each = 100;
  size_t title_bytes = 1000;
};

// The lists. Thread-safe; never waits but for its lock. What is in it is gone when the process ends.
class TodoStore {
 public:
  explicit TodoStore(TodoLimits limits = {}) : limits_(limits) {}

  TodoStore(const TodoStore&) = delete;
  TodoStore& operator=(const TodoStore&) = delete;

  // The list, the oldest first. Empty for somebody who has none.
  std::vector<Todo> List(const Owner& owner) const;

  // Adds to the end of the list.
  //
  // Errors: kInvalidArgument, the title is empty or too long; kResourceExhausted, the list is full, or there are too
  // many lists.
  absl::StatusOr<Todo> Add(const Owner& owner, absl::string_view title);

  // Ticks a to-do off, also one that is ticked off already, and returns it.
  //
  // Errors, of both: kNotFound, the list has no such to-do.
  absl::StatusOr<Todo> Complete(const Owner& owner, int64_t id);
  absl::Status Delete(const Owner& owner, int64_t id);

 private:
  const TodoLimits limits_;
  mutable absl::Mutex mutex_;
  int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<Owner, std::vector<Todo>> lists_ ABSL_GUARDED_BY(mutex_);  // none is empty
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_TODO_TODO_STORE_H_
