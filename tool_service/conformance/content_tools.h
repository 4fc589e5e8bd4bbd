// Tools that return each kind of content, log, report progress, fail, and close their stream.

#ifndef GATEHOUSE_TOOL_SERVICE_CONFORMANCE_CONTENT_TOOLS_H_
#define GATEHOUSE_TOOL_SERVICE_CONFORMANCE_CONTENT_TOOLS_H_

#include <string>

#include "tool_service/sdk/service.h"

namespace tool_service {

// A picture of one pixel (image/png), and a sound of one sample (audio/wav).
std::string OnePixel();
std::string OneSample();

// A tool that takes any arguments.
Tool ToolNamed(const std::string& name, const std::string& description);

// test_simple_text to test_reconnection.
void AddContentTools(Service& service);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_CONFORMANCE_CONTENT_TOOLS_H_
