// The todo service: to-do lists, whose tools need scopes.

#include "tool_service/sdk/tool_service.h"
#include "tool_service/todo/todo_store.h"
#include "tool_service/todo/todo_tools.h"

int main(int argc, char** argv) {
  tool_service::TodoStore store;
  tool_service::Service service("todo");
  tool_service::AddTodoTools(service, store);
  return tool_service::Run(argc, argv, service);
}
