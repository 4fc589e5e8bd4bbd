// The fixture's resources, template and skill.

#ifndef GATEHOUSE_TOOL_SERVICE_CONFORMANCE_RESOURCES_H_
#define GATEHOUSE_TOOL_SERVICE_CONFORMANCE_RESOURCES_H_

#include "tool_service/sdk/service.h"

namespace tool_service {

void AddResources(Service& service);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_CONFORMANCE_RESOURCES_H_
