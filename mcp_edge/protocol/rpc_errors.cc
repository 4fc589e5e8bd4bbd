#include "mcp_edge/protocol/rpc_errors.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/json_text.h"

namespace mcp_edge {

RpcError InvalidParamsError(absl::string_view problem) {
  return {WireErrorKind::kInvalidParams, std::string(problem), ""};
}

RpcError ResourceNotFoundError(absl::string_view uri, ProtocolVersion version) {
  std::string data = "{\"uri\":";
  common::AppendJsonString(uri, data);
  data += "}";
  return {FeaturesOf(version).modern ? WireErrorKind::kResourceNotFound : WireErrorKind::kResourceNotFoundLegacy,
          "Resource not found", std::move(data)};
}

RpcError MissingCapabilityError(absl::string_view required_json) {
  return {WireErrorKind::kMissingClientCapability, "Missing required client capability",
          absl::StrCat("{\"requiredCapabilities\":", required_json, "}")};
}

RpcError UnsupportedVersionError(absl::string_view requested) {
  std::string data = absl::StrCat("{\"supported\":", kSupportedVersionsJson, ",\"requested\":");
  common::AppendJsonString(requested, data);
  data += "}";
  return {WireErrorKind::kUnsupportedVersion, "Unsupported protocol version", std::move(data)};
}

RpcError UrlElicitationRequiredError(const std::vector<std::string>& elicitations_json) {
  return {WireErrorKind::kUrlElicitationRequired, "The user must open a page before this can go on",
          absl::StrCat("{\"elicitations\":[", absl::StrJoin(elicitations_json, ","), "]}")};
}

}  // namespace mcp_edge
