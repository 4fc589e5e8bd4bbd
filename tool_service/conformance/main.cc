// The fixture of the official MCP conformance suite as a service. Never part of a deployment.

#include "tool_service/conformance/fixture.h"
#include "tool_service/sdk/server.h"

int main(int argc, char** argv) {
  tool_service::Service service("conformance");
  tool_service::AddFixture(service);
  return tool_service::Run(argc, argv, service);  // tells of what was refused
}
