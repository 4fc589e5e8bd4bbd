#include "mcp_edge/protocol/content_rendering.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/json_text.h"
#include "mcp_edge/jsonrpc/compact_json.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

// The last second of the year 9999: what lies beyond has no ISO 8601 form of four digits for the year.
constexpr int64_t kLastUnixSecond = 253'402'300'799;

absl::string_view RoleName(int role) { return role == tool::ROLE_ASSISTANT ? "assistant" : "user"; }

// What stands for a block that the version does not have.
std::string TextInstead(const tool::ContentBlock& block) {
  if (block.has_audio()) {
    return absl::StrCat("[audio, ", block.audio().mime_type(), ", ", block.audio().data().size(), " bytes]");
  }
  const tool::ResourceLink& link = block.resource_link();
  return absl::StrCat(link.title().empty() ? link.name() : link.title(), ": ", link.uri());
}

// Adds a member with `bytes` in base64, without a copy.
void AddBase64(absl::string_view key, absl::string_view bytes, ObjectWriter& object) {
  std::string encoded;
  absl::Base64Escape(bytes, &encoded);
  std::string& out = object.Key(key);
  absl::StrAppend(&out, "\"", encoded, "\"");
}

}  // namespace

absl::Status AddJsonObject(absl::string_view key, absl::string_view text, ObjectWriter& object) {
  if (text.empty()) return absl::OkStatus();
  std::string& out = object.Key(key);
  const size_t begin = out.size();
  if (!AppendCompactJson(text, out).ok() || out[begin] != '{') {
    return absl::InternalError(absl::StrCat("the tool service sent ", key, " that is not a JSON object"));
  }
  return absl::OkStatus();
}

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
  if (annotations.has_priority() && !std::isnan(annotations.priority())) {
    object.Number("priority", std::clamp(annotations.priority(), 0.0, 1.0));
  }
  if (annotations.has_last_modified_time() && features.titles_links_and_meta) {
    const int64_t seconds = annotations.last_modified_time().seconds();
    if (seconds >= 0 && seconds <= kLastUnixSecond) {
      object.String("lastModified",
                    absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(seconds), absl::UTCTimeZone()));
    }
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

absl::Status AppendResourceContents(const tool::ResourceContents& contents, const VersionFeatures& features,
                                    std::string& out) {
  ObjectWriter object(out);
  object.String("uri", contents.uri());
  object.OptionalString("mimeType", contents.mime_type());
  if (contents.has_blob()) {
    AddBase64("blob", contents.blob(), object);
  } else {
    object.String("text", contents.text());
  }
  if (features.titles_links_and_meta) {
    if (const absl::Status status = AddJsonObject("_meta", contents.meta_json(), object); !status.ok()) return status;
  }
  object.Close();
  return absl::OkStatus();
}

absl::Status AppendContentBlock(const tool::ContentBlock& block, const VersionFeatures& features, std::string& out) {
  ObjectWriter object(out);
  if ((block.has_audio() && !features.audio) || (block.has_resource_link() && !features.titles_links_and_meta)) {
    object.String("type", "text");
    object.String("text", TextInstead(block));
  } else {
    switch (block.block_case()) {
      case tool::ContentBlock::kText:
        object.Raw("type", "\"text\"");
        object.String("text", block.text().text());
        break;
      case tool::ContentBlock::kImage:
        object.Raw("type", "\"image\"");
        AddBase64("data", block.image().data(), object);
        object.String("mimeType", block.image().mime_type());
        break;
      case tool::ContentBlock::kAudio:
        object.Raw("type", "\"audio\"");
        AddBase64("data", block.audio().data(), object);
        object.String("mimeType", block.audio().mime_type());
        break;
      case tool::ContentBlock::kResourceLink: {
        const tool::ResourceLink& link = block.resource_link();
        object.Raw("type", "\"resource_link\"");
        object.String("uri", link.uri());
        object.String("name", link.name());
        object.OptionalString("title", link.title());
        object.OptionalString("description", link.description());
        object.OptionalString("mimeType", link.mime_type());
        if (link.has_size()) object.Raw("size", absl::StrCat(link.size()));
        break;
      }
      case tool::ContentBlock::kResource: {
        object.Raw("type", "\"resource\"");
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
    if (const absl::Status status = AddJsonObject("_meta", block.meta_json(), object); !status.ok()) return status;
  }
  object.Close();
  return absl::OkStatus();
}

size_t RenderedSize(const tool::ContentBlock& block) {
  const auto base64 = [](size_t bytes) { return (bytes + 2) / 3 * 4; };
  constexpr size_t kFrame = 64;  // names and punctuation
  switch (block.block_case()) {
    case tool::ContentBlock::kText:
      return kFrame + block.text().text().size() + block.text().text().size() / 16;  // some escapes
    case tool::ContentBlock::kImage:
      return kFrame + base64(block.image().data().size());
    case tool::ContentBlock::kAudio:
      return kFrame + base64(block.audio().data().size());
    case tool::ContentBlock::kResource:
      return kFrame + block.resource().contents().text().size() + base64(block.resource().contents().blob().size());
    default:
      return 2 * kFrame;
  }
}

}  // namespace mcp_edge
