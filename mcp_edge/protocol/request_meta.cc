#include "mcp_edge/protocol/request_meta.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/header_value.h"
#include "mcp_edge/protocol/log_level.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

constexpr size_t kMaxDescriptionLength = 256;
constexpr size_t kMaxProgressTokenLength = 256;

const json* FindMeta(const Message& message, absl::string_view key) {
  const json* meta = FindMember(message.params, "_meta");
  return meta == nullptr ? nullptr : FindMember(*meta, key);
}

RpcError Mismatch(absl::string_view what) {
  return {WireErrorKind::kHeaderMismatch, absl::StrCat("Header mismatch: ", what), ""};
}

std::string BoundedString(const json* value) {
  if (value == nullptr || !value->is_string()) return "";
  return common::CutUtf8(value->get_ref<const std::string&>(), kMaxDescriptionLength);
}

// Whether `offered` has all the members that `required` has, at every depth.
bool Contains(const json& offered, const json& required) {
  if (!required.is_object()) return true;
  for (const auto& [key, value] : required.items()) {
    const json* found = FindMember(offered, key);
    if (found == nullptr || found->is_null() || *found == false) return false;
    if (!Contains(*found, value)) return false;
  }
  return true;
}

// Whether the member `key` says that something can be done: anything but false and null does.
bool Declares(const json& object, absl::string_view key) {
  const json* found = FindMember(object, key);
  return found != nullptr && !found->is_null() && *found != false;
}

ClientCapabilities Capabilities(const json& declared) {
  ClientCapabilities capabilities;
  if (Declares(declared, "elicitation")) {
    const json& elicitation = *FindMember(declared, "elicitation");
    capabilities.elicitation_url = Declares(elicitation, "url");
    capabilities.elicitation_form = Declares(elicitation, "form") || !capabilities.elicitation_url;
  }
  if (Declares(declared, "sampling")) {
    capabilities.sampling = true;
    capabilities.sampling_tools = Declares(*FindMember(declared, "sampling"), "tools");
  }
  capabilities.roots = Declares(declared, "roots");
  if (const json* extensions = FindMember(declared, "extensions"); extensions != nullptr) {
    capabilities.tasks = Declares(*extensions, "io.modelcontextprotocol/tasks");
    capabilities.skills = Declares(*extensions, "io.modelcontextprotocol/skills");
  }
  return capabilities;
}

void Describe(const json* implementation, const json* capabilities, absl::string_view capabilities_text,
              ClientDescription& description) {
  if (implementation != nullptr) {
    description.name = BoundedString(FindMember(*implementation, "name"));
    description.version = BoundedString(FindMember(*implementation, "version"));
  }
  if (capabilities != nullptr && capabilities->is_object()) {
    description.capabilities_json = std::string(capabilities_text);
    description.capabilities = Capabilities(*capabilities);
  }
}

}  // namespace

EraDecision DecideEra(const MirrorHeaders& headers, const Message& message) {
  if (headers.protocol_version.conflicting) {
    return {Era::kModern, Mismatch("MCP-Protocol-Version is sent twice with different values")};
  }
  const json* meta = FindMeta(message, kMetaProtocolVersion);
  const std::optional<absl::string_view> header = headers.protocol_version.value;
  const std::optional<ProtocolVersion> version = header.has_value() ? VersionFromName(*header) : std::nullopt;
  const bool header_is_legacy = version.has_value() && !FeaturesOf(*version).modern;
  if (meta == nullptr) {
    if (!header.has_value() || header_is_legacy) return {Era::kLegacy, std::nullopt};
    // The version of a handshake is agreed upon in its body, so an unknown one in the header is tolerated.
    const bool initializes = message.kind == Message::Kind::kRequest && message.method == "initialize";
    if (!version.has_value() && initializes) return {Era::kLegacy, std::nullopt};
    if (!version.has_value()) return {Era::kModern, UnsupportedVersionError(*header)};
    return {Era::kModern, std::nullopt};
  }
  // A client of an old version may name that version in both places; the key then means nothing.
  if (header_is_legacy && meta->is_string() && meta->get_ref<const std::string&>() == *header) {
    return {Era::kLegacy, std::nullopt};
  }
  return {Era::kModern, std::nullopt};
}

std::optional<RpcError> CheckModernEnvelope(const MirrorHeaders& headers, const Message& message) {
  const std::optional<absl::string_view> header = headers.protocol_version.value;
  if (!header.has_value()) return Mismatch("MCP-Protocol-Version is missing");
  if (message.kind == Message::Kind::kRequest) {
    const json* version = FindMeta(message, kMetaProtocolVersion);
    if (version == nullptr || !version->is_string()) {
      return RpcError{WireErrorKind::kMissingMeta, absl::StrCat("params._meta must have ", kMetaProtocolVersion), ""};
    }
    const json* capabilities = FindMeta(message, kMetaClientCapabilities);
    if (capabilities == nullptr || !capabilities->is_object()) {
      return RpcError{WireErrorKind::kMissingMeta, absl::StrCat("params._meta must have ", kMetaClientCapabilities),
                      ""};
    }
    if (version->get_ref<const std::string&>() != *header) {
      return Mismatch("MCP-Protocol-Version differs from params._meta");
    }
  }
  const std::optional<ProtocolVersion> known = VersionFromName(*header);
  if (!known.has_value() || !FeaturesOf(*known).modern) return UnsupportedVersionError(*header);
  if (message.kind != Message::Kind::kRequest) return std::nullopt;
  if (headers.method.conflicting) return Mismatch("Mcp-Method is sent twice with different values");
  if (!headers.method.value.has_value()) return Mismatch("Mcp-Method is missing");
  if (*headers.method.value != message.method) return Mismatch("Mcp-Method differs from method");
  return std::nullopt;
}

std::optional<RpcError> CheckMirroredName(const MirrorHeaders& headers, const Message& message) {
  const char* source = nullptr;
  if (message.method == "tools/call" || message.method == "prompts/get") {
    source = "name";
  } else if (message.method == "resources/read") {
    source = "uri";
  } else if (message.method == "tasks/get" || message.method == "tasks/update" || message.method == "tasks/cancel") {
    source = "taskId";
  } else {
    return std::nullopt;
  }
  if (headers.name.conflicting) return Mismatch("Mcp-Name is sent twice with different values");
  if (!headers.name.value.has_value()) return Mismatch("Mcp-Name is missing");
  const absl::StatusOr<std::string> name = DecodeHeaderValue(*headers.name.value);
  if (!name.ok()) return Mismatch(absl::StrCat("Mcp-Name ", name.status().message()));
  const json* value = FindMember(message.params, source);
  if (value == nullptr || !value->is_string() || value->get_ref<const std::string&>() != *name) {
    return Mismatch(absl::StrCat("Mcp-Name does not match params.", source));
  }
  return std::nullopt;
}

ClientDescription DescriptionFromMeta(const Message& message) {
  ClientDescription description;
  Describe(FindMeta(message, kMetaClientInfo), FindMeta(message, kMetaClientCapabilities),
           RawMember(RawMember(message.params_text, "_meta"), kMetaClientCapabilities), description);
  return description;
}

ClientDescription DescriptionFromInitialize(const Message& message) {
  ClientDescription description;
  Describe(FindMember(message.params, "clientInfo"), FindMember(message.params, "capabilities"),
           RawMember(message.params_text, "capabilities"), description);
  return description;
}

std::string ProgressToken(const Message& message) {
  const json* token = FindMeta(message, "progressToken");
  if (token == nullptr || !(token->is_string() || token->is_number_integer())) return "";
  if (token->is_string() && token->get_ref<const std::string&>().size() > kMaxProgressTokenLength) return "";
  return token->dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

absl::StatusOr<gatehouse::tool::v1::LogLevel> RequestedLogLevel(const Message& message) {
  const json* name = FindMeta(message, kMetaLogLevel);
  if (name == nullptr) return gatehouse::tool::v1::LOG_LEVEL_UNSPECIFIED;
  const auto level = name->is_string() ? LogLevelFromName(name->get_ref<const std::string&>()) : std::nullopt;
  if (!level.has_value()) return absl::InvalidArgumentError(absl::StrCat(kMetaLogLevel, " is not a log level"));
  return *level;
}

bool HasCapabilities(const ClientDescription& client, const json& required) {
  if (!required.is_object() || required.empty()) return true;
  const absl::StatusOr<json> offered = ReadJson(client.capabilities_json);
  return offered.ok() && Contains(*offered, required);
}

}  // namespace mcp_edge
