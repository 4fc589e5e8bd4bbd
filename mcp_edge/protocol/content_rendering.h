// Turns content (blocks of tool results and prompts, contents of resources) and what describes entities (annotations,
// icons, `_meta`) into what the clients of a version may see. For the other rendering libraries.

#ifndef GATEHOUSE_MCP_EDGE_PROTOCOL_CONTENT_RENDERING_H_
#define GATEHOUSE_MCP_EDGE_PROTOCOL_CONTENT_RENDERING_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/protocol/object_writer.h"
#include "mcp_edge/protocol/version.h"

namespace mcp_edge {

// Appends the content block. What the version has no block for becomes text.
//
// Errors: kInternal, the tool service broke the contract: a block without content, `_meta` that is no JSON object.
absl::Status AppendContentBlock(const gatehouse::tool::v1::ContentBlock& block, const VersionFeatures& features,
                                std::string& out);

// Appends an element of the `contents` of a resource. Errors: as above, for `_meta`.
absl::Status AppendResourceContents(const gatehouse::tool::v1::ResourceContents& contents,
                                    const VersionFeatures& features, std::string& out);

void AppendAnnotations(const gatehouse::tool::v1::Annotations& annotations, const VersionFeatures& features,
                       std::string& out);

void AppendIcons(const google::protobuf::RepeatedPtrField<gatehouse::tool::v1::Icon>& icons, std::string& out);

// Adds the member `key` with the JSON object `text` that a tool service sent; nothing when it is empty.
//
// Errors: kInternal, it is not a JSON object.
absl::Status AddJsonObject(absl::string_view key, absl::string_view text, ObjectWriter& object);

// How many bytes the block takes at the least, so that the text for all of them can be reserved at once.
size_t RenderedSize(const gatehouse::tool::v1::ContentBlock& block);

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_PROTOCOL_CONTENT_RENDERING_H_
