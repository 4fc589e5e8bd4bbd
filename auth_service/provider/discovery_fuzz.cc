// Whatever bytes a provider answers as its metadata (RFC 8414): reading them ends, and what is taken is of the issuer
// that was asked for and sends this service nowhere but to https.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/provider/url.h"

namespace auth_service {
namespace {

constexpr char kIssuer[] = "https://id.example.com/oidc";

void Require(bool condition) {
  if (!condition) std::abort();
}

void RunOne(absl::string_view input) {
  const absl::StatusOr<ProviderMetadata> metadata = ParseMetadata(std::string(input), kIssuer);
  if (!metadata.ok()) {
    Require(metadata.status().code() == absl::StatusCode::kFailedPrecondition);
    return;
  }
  Require(metadata->document_json == input);
  const std::optional<nlohmann::json> document = ParseJsonObject(input);
  Require(document.has_value() && StringMember(*document, "issuer") == kIssuer);
  for (const std::string& url : {metadata->jwks_uri, metadata->userinfo_endpoint, metadata->introspection_endpoint}) {
    Require(url.empty() || absl::StartsWithIgnoreCase(url, "https://"));
    Require(url.empty() || ParseUrl(url.substr(0, url.find('?')))->host == "id.example.com");
    Require(url.find_first_of("\r\n \t#@") == std::string::npos);
  }
}

}  // namespace
}  // namespace auth_service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auth_service::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
