// All that an author of tools needs: `#include "tool_service/sdk/tool_service.h"`. See README.md beside this file.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_TOOL_SERVICE_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_TOOL_SERVICE_H_

#include "tool_service/sdk/content.h"          // IWYU pragma: export
#include "tool_service/sdk/json.h"             // IWYU pragma: export
#include "tool_service/sdk/request_context.h"  // IWYU pragma: export
#include "tool_service/sdk/server.h"           // IWYU pragma: export
#include "tool_service/sdk/service.h"          // IWYU pragma: export
#include "tool_service/sdk/skill.h"            // IWYU pragma: export
#include "tool_service/sdk/tool_context.h"     // IWYU pragma: export

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_TOOL_SERVICE_H_
