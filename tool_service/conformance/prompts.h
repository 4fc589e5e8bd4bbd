// The fixture's prompts.

#ifndef GATEHOUSE_TOOL_SERVICE_CONFORMANCE_PROMPTS_H_
#define GATEHOUSE_TOOL_SERVICE_CONFORMANCE_PROMPTS_H_

#include "tool_service/sdk/service.h"

namespace tool_service {

void AddPrompts(Service& service);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_CONFORMANCE_PROMPTS_H_
