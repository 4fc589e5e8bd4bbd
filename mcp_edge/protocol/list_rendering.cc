#include "mcp_edge/protocol/list_rendering.h"

#include "absl/strings/str_cat.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/content_rendering.h"
#include "mcp_edge/protocol/object_writer.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

// What all entities begin with.
template <typename Entity>
void AddHead(const Entity& entity, absl::string_view name, const VersionFeatures& features, ObjectWriter& object) {
  object.String("name", name);
  if (features.titles_links_and_meta) object.OptionalString("title", entity.title());
  object.OptionalString("description", entity.description());
}

// What all end with.
template <typename Entity>
void AddTail(const Entity& entity, const VersionFeatures& features, ObjectWriter& object) {
  if (features.icons && entity.icons_size() > 0) AppendIcons(entity.icons(), object.Key("icons"));
  if (features.titles_links_and_meta && !entity.meta_json().empty()) object.Raw("_meta", entity.meta_json());
}

}  // namespace

std::string RenderTool(absl::string_view public_name, const tool::Tool& tool, ProtocolVersion version) {
  const VersionFeatures& features = FeaturesOf(version);
  std::string out;
  ObjectWriter object(out);
  AddHead(tool, public_name, features, object);
  object.Raw("inputSchema", tool.input_schema_json());
  const absl::string_view output_schema = tool.output_schema_json();
  if (!output_schema.empty() && features.structured_objects) {
    if (features.structured_values || RawMember(output_schema, "type") == "\"object\"") {
      object.Raw("outputSchema", output_schema);
    }
  }
  if (features.tool_annotations && (tool.has_annotations() || !tool.title().empty())) {
    const tool::ToolAnnotations& hints = tool.annotations();
    ObjectWriter annotations(object.Key("annotations"));
    annotations.OptionalString("title", tool.title());
    if (hints.has_read_only()) annotations.Bool("readOnlyHint", hints.read_only());
    if (hints.has_destructive()) annotations.Bool("destructiveHint", hints.destructive());
    if (hints.has_idempotent()) annotations.Bool("idempotentHint", hints.idempotent());
    if (hints.has_open_world()) annotations.Bool("openWorldHint", hints.open_world());
    annotations.Close();
  }
  AddTail(tool, features, object);
  object.Close();
  return out;
}

std::string RenderResource(const tool::Resource& resource, ProtocolVersion version) {
  const VersionFeatures& features = FeaturesOf(version);
  std::string out;
  ObjectWriter object(out);
  object.String("uri", resource.uri());
  AddHead(resource, resource.name(), features, object);
  object.OptionalString("mimeType", resource.mime_type());
  if (resource.has_size()) object.Raw("size", absl::StrCat(resource.size()));
  if (resource.has_annotations()) AppendAnnotations(resource.annotations(), features, object.Key("annotations"));
  AddTail(resource, features, object);
  object.Close();
  return out;
}

std::string RenderResourceTemplate(const tool::ResourceTemplate& resource_template, ProtocolVersion version) {
  const VersionFeatures& features = FeaturesOf(version);
  std::string out;
  ObjectWriter object(out);
  object.String("uriTemplate", resource_template.uri_template());
  AddHead(resource_template, resource_template.name(), features, object);
  object.OptionalString("mimeType", resource_template.mime_type());
  if (resource_template.has_annotations()) {
    AppendAnnotations(resource_template.annotations(), features, object.Key("annotations"));
  }
  AddTail(resource_template, features, object);
  object.Close();
  return out;
}

std::string RenderPrompt(absl::string_view public_name, const tool::Prompt& prompt, ProtocolVersion version) {
  const VersionFeatures& features = FeaturesOf(version);
  std::string out;
  ObjectWriter object(out);
  AddHead(prompt, public_name, features, object);
  if (prompt.arguments_size() > 0) {
    std::string& arguments = object.Key("arguments");
    arguments += '[';
    for (int i = 0; i < prompt.arguments_size(); ++i) {
      if (i > 0) arguments += ',';
      const tool::PromptArgument& argument = prompt.arguments(i);
      ObjectWriter writer(arguments);
      AddHead(argument, argument.name(), features, writer);
      writer.Bool("required", argument.required());
      writer.Close();
    }
    arguments += ']';
  }
  AddTail(prompt, features, object);
  object.Close();
  return out;
}

}  // namespace mcp_edge
