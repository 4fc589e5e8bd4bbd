#include "tool_service/todo/todo_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tool_service {
namespace {

absl::Status NoSuchTodo(int64_t id) { return absl::NotFoundError(absl::StrCat("there is no to-do ", id)); }

// The to-do in a list, or its end.
std::vector<Todo>::iterator Find(std::vector<Todo>& list, int64_t id) {
  return std::find_if(list.begin(), list.end(), [id](const Todo& todo) { return todo.id == id; });
}

}  // namespace

std::vector<Todo> TodoStore::List(const Owner& owner) const {
  absl::MutexLock lock(&mutex_);
  const auto found = lists_.find(owner);
  return found == lists_.end() ? std::vector<Todo>() : found->second;
}

absl::StatusOr<Todo> TodoStore::Add(const Owner& owner, absl::string_view title) {
  if (title.empty()) return absl::InvalidArgumentError("title must not be empty");
  if (title.size() > limits_.title_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("title must have at most ", limits_.title_bytes, " bytes, got ", title.size()));
  }
  absl::MutexLock lock(&mutex_);
  auto found = lists_.find(owner);
  if (found == lists_.end()) {
    if (lists_.size() >= limits_.owners) {
      return absl::ResourceExhaustedError(
          absl::StrCat("there are ", limits_.owners, " lists, and no room for another"));
    }
    found = lists_.emplace(owner, std::vector<Todo>()).first;
  }
  std::vector<Todo>& list = found->second;
  if (list.size() >= limits_.todos_each) {
    return absl::ResourceExhaustedError(absl::StrCat("the list is full: it has ", limits_.todos_each, " to-dos"));
  }
  list.push_back({++last_id_, std::string(title), false});
  return list.back();
}

absl::StatusOr<Todo> TodoStore::Complete(const Owner& owner, int64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto found = lists_.find(owner);
  if (found == lists_.end()) return NoSuchTodo(id);
  const auto todo = Find(found->second, id);
  if (todo == found->second.end()) return NoSuchTodo(id);
  todo->done = true;
  return *todo;
}

absl::Status TodoStore::Delete(const Owner& owner, int64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto found = lists_.find(owner);
  if (found == lists_.end()) return NoSuchTodo(id);
  const auto todo = Find(found->second, id);
  if (todo == found->second.end()) return NoSuchTodo(id);
  found->second.erase(todo);
  if (found->second.empty()) lists_.erase(found);
  return absl::OkStatus();
}

}  // namespace tool_service
