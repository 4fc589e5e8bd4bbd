#include "tool_service/conformance/fixture.h"

#include "tool_service/conformance/asking_tools.h"
#include "tool_service/conformance/content_tools.h"
#include "tool_service/conformance/prompts.h"
#include "tool_service/conformance/protocol_tools.h"
#include "tool_service/conformance/resources.h"
#include "tool_service/conformance/task_tools.h"

namespace tool_service {

void AddFixture(Service& service) {
  // The suite calls the first tool with {}, and takes the first one with a header for its header tests.
  AddContentTools(service);
  AddAskingTools(service);
  AddProtocolTools(service);
  AddRoundTripTools(service);
  AddTaskTools(service);
  AddResources(service);
  AddPrompts(service);
}

}  // namespace tool_service
