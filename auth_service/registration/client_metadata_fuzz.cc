// Whatever a stranger wants to register: what is taken of it can be nobody's trap.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "auth_service/registration/client_metadata.h"
#include "auth_service/registration/web_uri.h"

namespace auth_service {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void RequireHttps(const std::string& text) {
  if (!text.empty()) Require(absl::StartsWith(text, "https://") && text.find_first_of("#*\\\" ") == std::string::npos);
}

void RunOne(absl::string_view input) {
  (void)ParseWebUri(input);
  ClientMetadata client;
  if (const auto refusal = ReadClientMetadata(input, {}, client); refusal.has_value()) {
    Require(refusal->reason() != gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_UNSPECIFIED);
    for (const char c : refusal->description()) Require(c >= ' ' && c <= '~' && c != '"' && c != '\\');
    return;
  }
  Require(!client.redirect_uris.empty() && client.redirect_uris.size() <= kMaxRedirectUris);
  for (const std::string& text : client.redirect_uris) {
    const absl::StatusOr<WebUri> uri = ParseWebUri(text);
    Require(uri.ok() && (uri->https || uri->IsLoopback()));
    Require(!uri->StaysOnTheMachine() || client.kind == ClientKind::kNative);
    Require(text.find_first_of("#*\\\" ") == std::string::npos);
  }
  Require((client.kind == ClientKind::kConfidential) == (client.auth_method != TokenEndpointAuthMethod::kNone));
  Require(!client.client_name.empty() && client.client_name.size() <= kMaxClientNameBytes);
  Require(client.scopes_asked == !client.scopes.empty());
  for (const std::string* uri : {&client.client_uri, &client.logo_uri, &client.tos_uri, &client.policy_uri}) {
    RequireHttps(*uri);
  }
}

}  // namespace
}  // namespace auth_service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auth_service::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
