// What a handler returns, built from its parts.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_CONTENT_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_CONTENT_H_

#include <initializer_list>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "tool_service/sdk/tool_context.h"

namespace tool_service {

using gatehouse::tool::v1::Annotations;
using gatehouse::tool::v1::ContentBlock;
using gatehouse::tool::v1::GetPromptResult;
using gatehouse::tool::v1::PromptMessage;
using gatehouse::tool::v1::ReadResourceResult;
using gatehouse::tool::v1::ResourceContents;
using gatehouse::tool::v1::Role;

// Content blocks. Bytes are given as they are: the edge encodes them.
ContentBlock Text(absl::string_view text);
ContentBlock Image(absl::string_view bytes, absl::string_view mime_type);
ContentBlock Audio(absl::string_view bytes, absl::string_view mime_type);
// Names a resource that the client may read, and holds nothing of it.
ContentBlock Link(absl::string_view uri, absl::string_view name, absl::string_view mime_type = "");
// Holds the contents of a resource.
ContentBlock Embedded(ResourceContents contents);

// The contents of a resource, for Embedded() and for readers.
ResourceContents TextContents(absl::string_view uri, absl::string_view text, absl::string_view mime_type);
ResourceContents BinaryContents(absl::string_view uri, absl::string_view bytes, absl::string_view mime_type);

// For whom something is, how much it matters (from 0 to 1), and when it was last changed.
struct Annotation {
  std::initializer_list<Role> audience = {};
  std::optional<double> priority = std::nullopt;
  std::optional<absl::Time> last_modified_time = std::nullopt;
};
Annotations ToAnnotations(const Annotation& annotation);

// The block with annotations: Annotated(Text("…"), {.priority = 0.2}).
ContentBlock Annotated(ContentBlock block, const Annotation& annotation);

// Results of tools: of the blocks given; of one text block.
CallToolResult ContentResult(std::initializer_list<ContentBlock> blocks);
CallToolResult TextResult(absl::string_view text);

// A failure that the model can read about and act upon: a text block, and `is_error`.
CallToolResult ErrorResult(absl::string_view text);

// A result whose structured content is `json`, with the same text as a block, for clients that read only blocks. `json`
// must be a JSON value that fits the tool's output schema.
CallToolResult JsonResult(absl::string_view json);

// What a reader of resources returns.
ReadResourceResult ResourceResult(std::initializer_list<ResourceContents> contents);

// What a prompt becomes: PromptResult({UserSays("Summarise this."), UserSays(Embedded(…))}).
PromptMessage UserSays(ContentBlock block);
PromptMessage UserSays(absl::string_view text);
PromptMessage AssistantSays(ContentBlock block);
PromptMessage AssistantSays(absl::string_view text);
GetPromptResult PromptResult(std::initializer_list<PromptMessage> messages);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_CONTENT_H_
