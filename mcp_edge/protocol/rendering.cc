#include "mcp_edge/protocol/rendering.h"

#include <cmath>
#include <cstdio>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/json_text.h"
#include "mcp_edge/jsonrpc/json_reader.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

constexpr absl::string_view kServerName = "gatehouse";
constexpr absl::string_view kServerTitle = "Gatehouse";
constexpr absl::string_view kServerVersion = "0.1.0";
constexpr absl::string_view kServerInfoKey = "io.modelcontextprotocol/serverInfo";

// Writes the members of one JSON object, with a comma before each but the first.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }

  void String(absl::string_view key, absl::string_view value) {
    Key(key);
    common::AppendJsonString(value, out_);
  }
  void OptionalString(absl::string_view key, absl::string_view value) {
    if (!value.empty()) String(key, value);
  }
  void Raw(absl::string_view key, absl::string_view json) {
    Key(key);
    absl::StrAppend(&out_, json);
  }
  void Bool(absl::string_view key, bool value) { Raw(key, value ? "true" : "false"); }
  void Number(absl::string_view key, double value) {
    // Whole numbers are written as such; JSON has no infinities.
    if (!std::isfinite(value)) {
      Raw(key, "0");
    } else if (value == std::floor(value) && std::fabs(value) < 1e15) {
      Raw(key, absl::StrCat(static_cast<int64_t>(value)));
    } else {
      char text[32];
      snprintf(text, sizeof(text), "%.17g", value);
      Raw(key, text);
    }
  }
  // For a value that the caller appends itself.
  std::string& Key(absl::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    common::AppendJsonString(key, out_);
    out_ += ':';
    return out_;
  }
  void Close() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

absl::string_view RoleName(tool::Role role) { return role == tool::ROLE_ASSISTANT ? "assistant" : "user"; }

void AppendAnnotations(const tool::Annotations& annotations, const VersionFeatures& features, std::string& out) {
  ObjectWriter object(out);
  if (annotations.audience_size() > 0) {
    std::string& audience = object.Key("audience");
    audience += '[';
    for (int i = 0; i < annotations.audience_size(); ++i) {
      absl::StrAppend(&audience, i > 0 ? "," : "", "\"", RoleName(annotations.audience(i)), "\"");
    }
    audience += ']';
  }
  if (annotations.has_priority()) object.Number("priority", annotations.priority());
  if (annotations.has_last_modified_time() && features.titles_links_and_meta) {
    const absl::Time time = absl::FromUnixSeconds(annotations.last_modified_time().seconds());
    object.String("lastModified", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()));
  }
  object.Close();
}

void AppendIcons(const google::protobuf::RepeatedPtrField<tool::Icon>& icons, std::string& out) {
  out += '[';
  for (int i = 0; i < icons.size(); ++i) {
    if (i > 0) out += ',';
    ObjectWriter object(out);
    object.String("src", icons[i].src());
    object.OptionalString("mimeType", icons[i].mime_type());
    if (icons[i].sizes_size() > 0) {
      std::string& sizes = object.Key("sizes");
      sizes += '[';
      for (int j = 0; j < icons[i].sizes_size(); ++j) {
        if (j > 0) sizes += ',';
        common::AppendJsonString(icons[i].sizes(j), sizes);
      }
      sizes += ']';
    }
    object.OptionalString("theme", icons[i].theme());
    object.Close();
  }
  out += ']';
}

// Adds the member `key` with the JSON object `text` of a tool service, if there is one and it is one.
absl::Status AddObject(absl::string_view key, absl::string_view text, ObjectWriter& object) {
  if (text.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> compact = CompactJson(text);
  if (!compact.ok() || compact->front() != '{') {
    return absl::InternalError(absl::StrCat("the tool service sent ", key, " that is not a JSON object"));
  }
  object.Raw(key, *compact);
  return absl::OkStatus();
}

absl::Status AppendResourceContents(const tool::ResourceContents& contents, const VersionFeatures& features,
                                    std::string& out) {
  ObjectWriter object(out);
  object.String("uri", contents.uri());
  object.OptionalString("mimeType", contents.mime_type());
  if (contents.has_blob()) {
    object.String("blob", absl::Base64Escape(contents.blob()));
  } else {
    object.String("text", contents.text());
  }
  if (features.titles_links_and_meta) {
    if (const absl::Status status = AddObject("_meta", contents.meta_json(), object); !status.ok()) return status;
  }
  object.Close();
  return absl::OkStatus();
}

// What stands for a block that the version does not have.
std::string TextInstead(const tool::ContentBlock& block) {
  if (block.has_audio()) {
    return absl::StrCat("[audio, ", block.audio().mime_type(), ", ", block.audio().data().size(), " bytes]");
  }
  const tool::ResourceLink& link = block.resource_link();
  return absl::StrCat(link.title().empty() ? link.name() : link.title(), ": ", link.uri());
}

absl::Status AppendContentBlock(const tool::ContentBlock& block, const VersionFeatures& features, std::string& out) {
  ObjectWriter object(out);
  if ((block.has_audio() && !features.audio) || (block.has_resource_link() && !features.titles_links_and_meta)) {
    object.String("type", "text");
    object.String("text", TextInstead(block));
  } else {
    switch (block.block_case()) {
      case tool::ContentBlock::kText:
        object.String("type", "text");
        object.String("text", block.text().text());
        break;
      case tool::ContentBlock::kImage:
        object.String("type", "image");
        object.String("data", absl::Base64Escape(block.image().data()));
        object.String("mimeType", block.image().mime_type());
        break;
      case tool::ContentBlock::kAudio:
        object.String("type", "audio");
        object.String("data", absl::Base64Escape(block.audio().data()));
        object.String("mimeType", block.audio().mime_type());
        break;
      case tool::ContentBlock::kResourceLink: {
        const tool::ResourceLink& link = block.resource_link();
        object.String("type", "resource_link");
        object.String("uri", link.uri());
        object.String("name", link.name());
        object.OptionalString("title", link.title());
        object.OptionalString("description", link.description());
        object.OptionalString("mimeType", link.mime_type());
        if (link.has_size()) object.Raw("size", absl::StrCat(link.size()));
        break;
      }
      case tool::ContentBlock::kResource: {
        object.String("type", "resource");
        const absl::Status status =
            AppendResourceContents(block.resource().contents(), features, object.Key("resource"));
        if (!status.ok()) return status;
        break;
      }
      case tool::ContentBlock::BLOCK_NOT_SET:
        return absl::InternalError("the tool service sent a content block without content");
    }
  }
  if (block.has_annotations()) AppendAnnotations(block.annotations(), features, object.Key("annotations"));
  if (features.titles_links_and_meta) {
    if (const absl::Status status = AddObject("_meta", block.meta_json(), object); !status.ok()) return status;
  }
  object.Close();
  return absl::OkStatus();
}

void AppendServerInfo(const VersionFeatures& features, std::string& out) {
  ObjectWriter object(out);
  object.String("name", kServerName);
  if (features.titles_links_and_meta) object.String("title", kServerTitle);
  object.String("version", kServerVersion);
  object.Close();
}

// The members that 2026-07-28 wants in every result.
absl::string_view Decoration() {
  static const std::string* const decoration = [] {
    auto* text = new std::string;
    absl::StrAppend(text, "\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":");
    AppendServerInfo(FeaturesOf(ProtocolVersion::k2026_07_28), *text);
    *text += '}';
    return text;
  }();
  return *decoration;
}

// The same with the `_meta` of a tool's own result, a JSON object, merged in.
std::string DecorationWithMeta(absl::string_view meta_json) {
  std::string decoration(Decoration());
  const absl::string_view members = meta_json.substr(1, meta_json.size() - 2);
  if (members.empty()) return decoration;
  decoration.pop_back();
  absl::StrAppend(&decoration, ",", members, "}");
  return decoration;
}

}  // namespace

std::string RenderTool(absl::string_view public_name, const tool::Tool& tool, ProtocolVersion version) {
  const VersionFeatures& features = FeaturesOf(version);
  std::string out;
  ObjectWriter object(out);
  object.String("name", public_name);
  if (features.titles_links_and_meta) object.OptionalString("title", tool.title());
  object.OptionalString("description", tool.description());
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
  if (features.icons && tool.icons_size() > 0) AppendIcons(tool.icons(), object.Key("icons"));
  if (features.titles_links_and_meta && !tool.meta_json().empty()) object.Raw("_meta", tool.meta_json());
  object.Close();
  return out;
}

absl::StatusOr<std::string> RenderCallToolResult(const tool::CallToolResult& result, ProtocolVersion version) {
  const VersionFeatures& features = FeaturesOf(version);
  std::string out;
  ObjectWriter object(out);
  std::string& content = object.Key("content");
  content += '[';
  for (int i = 0; i < result.content_size(); ++i) {
    if (i > 0) content += ',';
    const absl::Status status = AppendContentBlock(result.content(i), features, content);
    if (!status.ok()) return status;
  }
  content += ']';
  if (!result.structured_content_json().empty() && features.structured_objects) {
    absl::StatusOr<std::string> structured = CompactJson(result.structured_content_json());
    if (!structured.ok()) return absl::InternalError("the tool service sent structured content that is not JSON");
    if (features.structured_values || structured->front() == '{') object.Raw("structuredContent", *structured);
  }
  object.Bool("isError", result.is_error());
  if (features.result_decoration) {
    std::string decoration(Decoration());
    if (!result.meta_json().empty()) {
      const absl::StatusOr<std::string> meta = CompactJson(result.meta_json());
      if (!meta.ok() || meta->front() != '{') {
        return absl::InternalError("the tool service sent _meta that is not a JSON object");
      }
      if (RawMember(*meta, kServerInfoKey).empty()) decoration = DecorationWithMeta(*meta);
    }
    absl::StrAppend(&out, ",", decoration);
  } else if (features.titles_links_and_meta) {
    if (const absl::Status status = AddObject("_meta", result.meta_json(), object); !status.ok()) return status;
  }
  object.Close();
  return out;
}

std::string RenderToolError(absl::string_view text, ProtocolVersion version) {
  std::string members = "\"content\":[{\"type\":\"text\",\"text\":";
  common::AppendJsonString(text, members);
  members += "}],\"isError\":true";
  return RenderResult(members, version);
}

std::string RenderProgress(const tool::Progress& progress, absl::string_view token_json, ProtocolVersion version) {
  std::string out;
  ObjectWriter object(out);
  object.Raw("progressToken", token_json);
  object.Number("progress", progress.progress());
  if (progress.has_total()) object.Number("total", progress.total());
  if (FeaturesOf(version).progress_message) object.OptionalString("message", progress.message());
  object.Close();
  return out;
}

std::string RenderDiscoverResult(absl::string_view instructions, const CacheTerms& cache) {
  std::string members =
      absl::StrCat("\"supportedVersions\":", kSupportedVersionsJson, ",\"capabilities\":{\"tools\":{}}");
  if (!instructions.empty()) {
    members += ",\"instructions\":";
    common::AppendJsonString(instructions, members);
  }
  return RenderCacheableResult(members, cache, ProtocolVersion::k2026_07_28);
}

std::string RenderInitializeResult(ProtocolVersion version, absl::string_view instructions) {
  const VersionFeatures& features = FeaturesOf(version);
  std::string members = "\"protocolVersion\":";
  common::AppendJsonString(features.name, members);
  members += ",\"capabilities\":{\"tools\":{\"listChanged\":true}},\"serverInfo\":";
  AppendServerInfo(features, members);
  if (!instructions.empty()) {
    members += ",\"instructions\":";
    common::AppendJsonString(instructions, members);
  }
  return RenderResult(members, version);
}

std::string RenderResult(absl::string_view members_json, ProtocolVersion version) {
  if (!FeaturesOf(version).result_decoration) return absl::StrCat("{", members_json, "}");
  return absl::StrCat("{", members_json, members_json.empty() ? "" : ",", Decoration(), "}");
}

std::string RenderCacheableResult(absl::string_view members_json, const CacheTerms& cache, ProtocolVersion version) {
  if (!FeaturesOf(version).result_decoration) return RenderResult(members_json, version);
  return RenderResult(
      absl::StrCat(members_json, members_json.empty() ? "" : ",", "\"ttlMs\":", absl::ToInt64Milliseconds(cache.ttl),
                   ",\"cacheScope\":\"", cache.is_public ? "public" : "private", "\""),
      version);
}

}  // namespace mcp_edge
