// The whoami service: one tool, which tells callers who they are.

#include "tool_service/sdk/tool_service.h"
#include "tool_service/whoami/whoami_tool.h"

int main(int argc, char** argv) {
  tool_service::Service service("whoami");
  (void)service.AddTool(tool_service::WhoamiTool(), tool_service::Whoami, tool_service::Execution::kInline);
  return tool_service::Run(argc, argv, service);  // tells of a tool that was refused
}
