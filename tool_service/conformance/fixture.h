// Everything that the official MCP conformance suite expects of a server, in the order in which it expects it.

#ifndef GATEHOUSE_TOOL_SERVICE_CONFORMANCE_FIXTURE_H_
#define GATEHOUSE_TOOL_SERVICE_CONFORMANCE_FIXTURE_H_

#include "tool_service/sdk/service.h"

namespace tool_service {

// `service` must outlive the calls that it serves. What was refused is in Service::startup_status().
void AddFixture(Service& service);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_CONFORMANCE_FIXTURE_H_
