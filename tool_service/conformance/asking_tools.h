// Tools that ask the client something before they return.

#ifndef GATEHOUSE_TOOL_SERVICE_CONFORMANCE_ASKING_TOOLS_H_
#define GATEHOUSE_TOOL_SERVICE_CONFORMANCE_ASKING_TOOLS_H_

#include "tool_service/sdk/service.h"

namespace tool_service {

// A form with the required text `name`.
inline constexpr char kNameForm[] = R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})";

// test_sampling to test_elicitation_sep1330_enums.
void AddAskingTools(Service& service);

// test_input_required_result_elicitation to test_input_required_result_capabilities.
void AddRoundTripTools(Service& service);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_CONFORMANCE_ASKING_TOOLS_H_
