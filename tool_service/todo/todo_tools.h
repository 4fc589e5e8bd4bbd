// The tools over the to-do lists, each with the scope that it needs. Knows no transport.

#ifndef GATEHOUSE_TOOL_SERVICE_TODO_TODO_TOOLS_H_
#define GATEHOUSE_TOOL_SERVICE_TODO_TODO_TOOLS_H_

#include "tool_service/sdk/service.h"
#include "tool_service/todo/todo_store.h"

namespace tool_service {

// Adds the tools to the service: list_todos (needs the scope todo:read), add_todo and complete_todo (todo:write),
// delete_todo (todo:delete). The edge enforces the scopes. Each works on the list of the caller, issuer and subject
// together. `store` must outlive the service.
//
// A call without a principal is kUnauthenticated, one whose arguments do not fit kInvalidArgument; a to-do that is not
// there and a full list are results with `is_error`, which the model can act upon.
void AddTodoTools(Service& service, TodoStore& store);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_TODO_TODO_TOOLS_H_
