#include "tool_service/sdk/content.h"

#include <utility>

namespace tool_service {
namespace {

PromptMessage Message(Role role, ContentBlock block) {
  PromptMessage message;
  message.set_role(role);
  *message.mutable_content() = std::move(block);
  return message;
}

}  // namespace

ContentBlock Text(absl::string_view text) {
  ContentBlock block;
  block.mutable_text()->set_text(text.data(), text.size());
  return block;
}

ContentBlock Image(absl::string_view bytes, absl::string_view mime_type) {
  ContentBlock block;
  block.mutable_image()->set_data(bytes.data(), bytes.size());
  block.mutable_image()->set_mime_type(mime_type.data(), mime_type.size());
  return block;
}

ContentBlock Audio(absl::string_view bytes, absl::string_view mime_type) {
  ContentBlock block;
  block.mutable_audio()->set_data(bytes.data(), bytes.size());
  block.mutable_audio()->set_mime_type(mime_type.data(), mime_type.size());
  return block;
}

ContentBlock Link(absl::string_view uri, absl::string_view name, absl::string_view mime_type) {
  ContentBlock block;
  block.mutable_resource_link()->set_uri(uri.data(), uri.size());
  block.mutable_resource_link()->set_name(name.data(), name.size());
  block.mutable_resource_link()->set_mime_type(mime_type.data(), mime_type.size());
  return block;
}

ContentBlock Embedded(ResourceContents contents) {
  ContentBlock block;
  *block.mutable_resource()->mutable_contents() = std::move(contents);
  return block;
}

ResourceContents TextContents(absl::string_view uri, absl::string_view text, absl::string_view mime_type) {
  ResourceContents contents;
  contents.set_uri(uri.data(), uri.size());
  contents.set_mime_type(mime_type.data(), mime_type.size());
  contents.set_text(text.data(), text.size());
  return contents;
}

ResourceContents BinaryContents(absl::string_view uri, absl::string_view bytes, absl::string_view mime_type) {
  ResourceContents contents;
  contents.set_uri(uri.data(), uri.size());
  contents.set_mime_type(mime_type.data(), mime_type.size());
  contents.set_blob(bytes.data(), bytes.size());
  return contents;
}

Annotations ToAnnotations(const Annotation& annotation) {
  Annotations annotations;
  for (const Role role : annotation.audience) annotations.add_audience(role);
  if (annotation.priority.has_value()) annotations.set_priority(*annotation.priority);
  if (annotation.last_modified_time.has_value()) {
    const timespec time = absl::ToTimespec(*annotation.last_modified_time);
    annotations.mutable_last_modified_time()->set_seconds(time.tv_sec);
    annotations.mutable_last_modified_time()->set_nanos(static_cast<int32_t>(time.tv_nsec));
  }
  return annotations;
}

ContentBlock Annotated(ContentBlock block, const Annotation& annotation) {
  *block.mutable_annotations() = ToAnnotations(annotation);
  return block;
}

CallToolResult ContentResult(std::initializer_list<ContentBlock> blocks) {
  CallToolResult result;
  for (const ContentBlock& block : blocks) *result.add_content() = block;
  return result;
}

CallToolResult TextResult(absl::string_view text) {
  CallToolResult result;
  result.add_content()->mutable_text()->set_text(text.data(), text.size());
  return result;
}

CallToolResult ErrorResult(absl::string_view text) {
  CallToolResult result = TextResult(text);
  result.set_is_error(true);
  return result;
}

CallToolResult JsonResult(absl::string_view json) {
  CallToolResult result = TextResult(json);
  result.set_structured_content_json(json.data(), json.size());
  return result;
}

ReadResourceResult ResourceResult(std::initializer_list<ResourceContents> contents) {
  ReadResourceResult result;
  for (const ResourceContents& each : contents) *result.add_contents() = each;
  return result;
}

PromptMessage UserSays(ContentBlock block) { return Message(Role::ROLE_USER, std::move(block)); }
PromptMessage UserSays(absl::string_view text) { return UserSays(Text(text)); }
PromptMessage AssistantSays(ContentBlock block) { return Message(Role::ROLE_ASSISTANT, std::move(block)); }
PromptMessage AssistantSays(absl::string_view text) { return AssistantSays(Text(text)); }

GetPromptResult PromptResult(std::initializer_list<PromptMessage> messages) {
  GetPromptResult result;
  for (const PromptMessage& message : messages) *result.add_messages() = message;
  return result;
}

}  // namespace tool_service
