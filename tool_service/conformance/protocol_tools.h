// Tools whose declarations matter more than what they do: schemas, headers, capabilities, and a catalogue that changes.

#ifndef GATEHOUSE_TOOL_SERVICE_CONFORMANCE_PROTOCOL_TOOLS_H_
#define GATEHOUSE_TOOL_SERVICE_CONFORMANCE_PROTOCOL_TOOLS_H_

#include "tool_service/sdk/service.h"

namespace tool_service {

// json_schema_2020_12_tool to test_trigger_resource_change. `service` must outlive its calls: three of them change it.
void AddProtocolTools(Service& service);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_CONFORMANCE_PROTOCOL_TOOLS_H_
