#include "mcp_edge/protocol/rendering.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "common/proto_time.h"
#include "mcp_edge/jsonrpc/compact_json.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/content_rendering.h"
#include "mcp_edge/protocol/log_level.h"
#include "mcp_edge/protocol/object_writer.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

constexpr absl::string_view kServerName = "gatehouse";
constexpr absl::string_view kServerTitle = "Gatehouse";
constexpr absl::string_view kServerVersion = "0.1.0";
constexpr absl::string_view kServerDescription = "The tools of many services behind one sign-in.";
constexpr absl::string_view kServerInfoKey = "io.modelcontextprotocol/serverInfo";

// A client that keeps an answer for longer than a year means to keep it for good.
constexpr absl::Duration kMaxTtl = absl::Hours(24 * 365);

void AppendServerInfo(const VersionFeatures& features, bool with_description, std::string& out) {
  ObjectWriter object(out);
  object.String("name", kServerName);
  if (features.titles_links_and_meta) object.String("title", kServerTitle);
  object.String("version", kServerVersion);
  if (features.icons && with_description) object.String("description", kServerDescription);
  object.Close();
}

std::string MakeDecoration(absl::string_view result_type) {
  std::string text = absl::StrCat("\"resultType\":\"", result_type, "\",\"_meta\":{\"", kServerInfoKey, "\":");
  AppendServerInfo(FeaturesOf(ProtocolVersion::k2026_07_28), /*with_description=*/false, text);
  text += '}';
  return text;
}

// The members that 2026-07-28 wants in every result.
absl::string_view Decoration() {
  static const std::string* const decoration = new std::string(MakeDecoration("complete"));
  return *decoration;
}

// Ends a result: the decoration of 2026-07-28, and the tool service's own `_meta` where the version has it.
absl::Status CloseResult(absl::string_view meta_json, const VersionFeatures& features, ObjectWriter& object,
                         std::string& out) {
  if (!features.result_decoration) {
    if (features.titles_links_and_meta) {
      if (const absl::Status status = AddJsonObject("_meta", meta_json, object); !status.ok()) return status;
    }
    object.Close();
    return absl::OkStatus();
  }
  // The writer has written a member, so there is one to be separated from.
  absl::StrAppend(&out, ",", Decoration());
  if (!meta_json.empty()) {
    const absl::StatusOr<std::string> meta = CompactJson(meta_json);
    if (!meta.ok() || meta->front() != '{') {
      return absl::InternalError("the tool service sent _meta that is not a JSON object");
    }
    // A service that names itself as the server is not believed: its whole `_meta` goes.
    if (meta->size() > 2 && RawMember(*meta, kServerInfoKey).empty()) {
      out.pop_back();  // the brace of `_meta`
      absl::StrAppend(&out, ",", absl::string_view(*meta).substr(1));
    }
  }
  object.Close();
  return absl::OkStatus();
}

std::string CacheMembers(const CacheTerms& cache) {
  const absl::Duration ttl = std::clamp(cache.ttl, absl::ZeroDuration(), kMaxTtl);
  return absl::StrCat("\"ttlMs\":", absl::ToInt64Milliseconds(ttl), ",\"cacheScope\":\"",
                      cache.is_public ? "public" : "private", "\"");
}

}  // namespace

CacheTerms CacheTermsOf(const tool::CacheHint& hint, const CacheTerms& otherwise) {
  CacheTerms terms = otherwise;
  if (hint.has_ttl()) terms.ttl = common::FromProto(hint.ttl());
  if (hint.scope() != tool::CACHE_SCOPE_UNSPECIFIED) terms.is_public = hint.scope() == tool::CACHE_SCOPE_PUBLIC;
  return terms;
}

absl::StatusOr<std::string> RenderCallToolResult(const tool::CallToolResult& result, ProtocolVersion version) {
  const VersionFeatures& features = FeaturesOf(version);
  const bool structured = !result.structured_content_json().empty() && features.structured_objects;
  size_t size = 256 + result.meta_json().size() + (structured ? result.structured_content_json().size() : 0);
  for (const tool::ContentBlock& block : result.content()) size += RenderedSize(block);
  std::string out;
  out.reserve(size);
  ObjectWriter object(out);
  std::string& content = object.Key("content");
  content += '[';
  for (int i = 0; i < result.content_size(); ++i) {
    if (i > 0) content += ',';
    const absl::Status status = AppendContentBlock(result.content(i), features, content);
    if (!status.ok()) return status;
  }
  content += ']';
  if (structured) {
    const absl::string_view text = absl::StripLeadingAsciiWhitespace(result.structured_content_json());
    std::string unseen;
    const bool visible = features.structured_values || absl::StartsWith(text, "{");
    if (!AppendCompactJson(text, visible ? object.Key("structuredContent") : unseen).ok()) {
      return absl::InternalError("the tool service sent structured content that is not JSON");
    }
  }
  object.Bool("isError", result.is_error());
  if (const absl::Status status = CloseResult(result.meta_json(), features, object, out); !status.ok()) return status;
  return out;
}

std::string RenderToolError(absl::string_view text, ProtocolVersion version) {
  std::string members = "\"content\":[{\"type\":\"text\",\"text\":";
  common::AppendJsonString(text, members);
  members += "}],\"isError\":true";
  return RenderResult(members, version);
}

absl::StatusOr<std::string> RenderReadResourceResult(const tool::ReadResourceResult& result, const CacheTerms& cache,
                                                     ProtocolVersion version) {
  if (result.contents_size() == 0) return absl::InternalError("the tool service sent a resource without contents");
  const VersionFeatures& features = FeaturesOf(version);
  size_t size = 256 + result.meta_json().size();
  for (const tool::ResourceContents& contents : result.contents()) {
    size += 128 + contents.text().size() + contents.blob().size() / 3 * 4;
  }
  std::string out;
  out.reserve(size);
  ObjectWriter object(out);
  std::string& list = object.Key("contents");
  list += '[';
  for (int i = 0; i < result.contents_size(); ++i) {
    if (i > 0) list += ',';
    const absl::Status status = AppendResourceContents(result.contents(i), features, list);
    if (!status.ok()) return status;
  }
  list += ']';
  if (features.result_decoration) absl::StrAppend(&out, ",", CacheMembers(cache));
  if (const absl::Status status = CloseResult(result.meta_json(), features, object, out); !status.ok()) return status;
  return out;
}

absl::StatusOr<std::string> RenderGetPromptResult(const tool::GetPromptResult& result, ProtocolVersion version) {
  const VersionFeatures& features = FeaturesOf(version);
  size_t size = 256 + result.description().size() + result.meta_json().size();
  for (const tool::PromptMessage& message : result.messages()) size += 32 + RenderedSize(message.content());
  std::string out;
  out.reserve(size);
  ObjectWriter object(out);
  object.OptionalString("description", result.description());
  std::string& messages = object.Key("messages");
  messages += '[';
  for (int i = 0; i < result.messages_size(); ++i) {
    if (i > 0) messages += ',';
    ObjectWriter message(messages);
    message.Raw("role", result.messages(i).role() == tool::ROLE_ASSISTANT ? "\"assistant\"" : "\"user\"");
    const absl::Status status = AppendContentBlock(result.messages(i).content(), features, message.Key("content"));
    if (!status.ok()) return status;
    message.Close();
  }
  messages += ']';
  if (const absl::Status status = CloseResult(result.meta_json(), features, object, out); !status.ok()) return status;
  return out;
}

std::string RenderCompleteResult(const tool::CompleteResponse& response, ProtocolVersion version) {
  std::string members = "\"completion\":";
  ObjectWriter completion(members);
  std::string& values = completion.Key("values");
  values += '[';
  const int count = std::min(response.values_size(), kMaxCompletionValues);
  for (int i = 0; i < count; ++i) {
    if (i > 0) values += ',';
    common::AppendJsonString(response.values(i), values);
  }
  values += ']';
  if (response.has_total()) completion.Raw("total", absl::StrCat(std::max(response.total(), count)));
  completion.Bool("hasMore", response.has_more() || response.values_size() > count);
  completion.Close();
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

absl::StatusOr<std::string> RenderLogMessage(const tool::LogMessage& message) {
  const absl::string_view level = LogLevelName(message.level());
  if (level.empty()) return absl::InternalError("the tool service sent a log message without a level");
  std::string out;
  ObjectWriter object(out);
  object.String("level", level);
  object.OptionalString("logger", message.logger());
  if (!AppendCompactJson(message.data_json(), object.Key("data")).ok()) {
    return absl::InternalError("the tool service sent a log message whose data is not JSON");
  }
  object.Close();
  return out;
}

std::string RenderResourceUpdated(absl::string_view uri) {
  std::string out;
  ObjectWriter object(out);
  object.String("uri", uri);
  object.Close();
  return out;
}

std::string RenderServerCapabilities(const ServerCapabilities& capabilities, ProtocolVersion version) {
  const VersionFeatures& features = FeaturesOf(version);
  const absl::string_view listed = capabilities.list_changed ? "{\"listChanged\":true}" : "{}";
  std::string out;
  ObjectWriter object(out);
  if (capabilities.tools) object.Raw("tools", listed);
  if (capabilities.resources) {
    ObjectWriter resources(object.Key("resources"));
    if (capabilities.subscribe) resources.Bool("subscribe", true);
    if (capabilities.list_changed) resources.Bool("listChanged", true);
    resources.Close();
  }
  if (capabilities.prompts) object.Raw("prompts", listed);
  if (capabilities.logging) object.Raw("logging", "{}");
  if (capabilities.completions && features.completions) object.Raw("completions", "{}");
  if (features.extensions && (capabilities.tasks || capabilities.skills)) {
    ObjectWriter extensions(object.Key("extensions"));
    if (capabilities.tasks) extensions.Raw("io.modelcontextprotocol/tasks", "{}");
    if (capabilities.skills) extensions.Raw("io.modelcontextprotocol/skills", "{\"directoryRead\":true}");
    extensions.Close();
  }
  object.Close();
  return out;
}

std::string RenderDiscoverResult(absl::string_view instructions, const CacheTerms& cache,
                                 const ServerCapabilities& capabilities) {
  const ProtocolVersion version = ProtocolVersion::k2026_07_28;
  std::string members = absl::StrCat("\"supportedVersions\":", kSupportedVersionsJson,
                                     ",\"capabilities\":", RenderServerCapabilities(capabilities, version));
  if (!instructions.empty()) {
    members += ",\"instructions\":";
    common::AppendJsonString(instructions, members);
  }
  absl::StrAppend(&members, ",", CacheMembers(cache), ",\"resultType\":\"complete\",\"_meta\":{\"", kServerInfoKey,
                  "\":");
  AppendServerInfo(FeaturesOf(version), /*with_description=*/true, members);
  return absl::StrCat("{", members, "}}");
}

std::string RenderInitializeResult(ProtocolVersion version, absl::string_view instructions,
                                   const ServerCapabilities& capabilities) {
  const VersionFeatures& features = FeaturesOf(version);
  std::string members = "\"protocolVersion\":";
  common::AppendJsonString(features.name, members);
  absl::StrAppend(&members, ",\"capabilities\":", RenderServerCapabilities(capabilities, version), ",\"serverInfo\":");
  AppendServerInfo(features, /*with_description=*/true, members);
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
  return absl::StrCat("{", members_json, members_json.empty() ? "" : ",", CacheMembers(cache), ",", Decoration(), "}");
}

std::string RenderResultOfType(absl::string_view result_type, absl::string_view members_json) {
  return absl::StrCat("{", members_json, members_json.empty() ? "" : ",", MakeDecoration(result_type), "}");
}

std::string CacheableResultEnd(const CacheTerms& cache, ProtocolVersion version) {
  if (!FeaturesOf(version).result_decoration) return "}";
  return absl::StrCat(",", CacheMembers(cache), ",", Decoration(), "}");
}

}  // namespace mcp_edge
