// The elements of `tools/list`, `resources/list`, `resources/templates/list` and `prompts/list`, with the members that
// each version has. What is rendered must have been validated (catalog/validation.h).

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_LIST_RENDERING_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_LIST_RENDERING_H_

#include <string>

#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/protocol/version.h"

namespace mcp_edge {

// `public_name`: as clients know the tool, or the prompt. Schemas pass through byte for byte.
std::string RenderTool(absl::string_view public_name, const gatehouse::tool::v1::Tool& tool, ProtocolVersion version);

std::string RenderResource(const gatehouse::tool::v1::Resource& resource, ProtocolVersion version);

std::string RenderResourceTemplate(const gatehouse::tool::v1::ResourceTemplate& resource_template,
                                   ProtocolVersion version);

std::string RenderPrompt(absl::string_view public_name, const gatehouse::tool::v1::Prompt& prompt,
                         ProtocolVersion version);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_LIST_RENDERING_H_
