// Tools that run as tasks.

#ifndef GATEHOUSE_TOOL_SERVICE_CONFORMANCE_TASK_TOOLS_H_
#define GATEHOUSE_TOOL_SERVICE_CONFORMANCE_TASK_TOOLS_H_

#include "tool_service/sdk/service.h"

namespace tool_service {

// greet to test_tool_with_task.
void AddTaskTools(Service& service);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_CONFORMANCE_TASK_TOOLS_H_
