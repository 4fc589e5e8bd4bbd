// What a client says of itself when it registers (RFC 7591, section 2), judged before anybody else sees it.

#ifndef GATEHOUSE_AUTH_SERVICE_REGISTRATION_CLIENT_METADATA_H_
#define GATEHOUSE_AUTH_SERVICE_REGISTRATION_CLIENT_METADATA_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gatehouse/auth/v1/auth.pb.h"

namespace auth_service {

inline constexpr size_t kMaxRedirectUris = 10;
inline constexpr size_t kMaxClientNameBytes = 256;

enum class TokenEndpointAuthMethod { kNone, kClientSecretBasic, kClientSecretPost };

// Where a client runs, which decides what it can keep to itself and where it is sent back to.
enum class ClientKind {
  kNative,        // on its user's machine: public, and free to take any port on loopback (RFC 8252)
  kBrowser,       // in a page: public
  kConfidential,  // on a server of its own: has a secret
};

// A client as it is going to be registered. Where what it asked for could not be, a suitable value stands in its place,
// which the answer tells (RFC 7591, section 3.2.1).
struct ClientMetadata {
  ClientKind kind = ClientKind::kNative;
  TokenEndpointAuthMethod auth_method = TokenEndpointAuthMethod::kNone;
  std::vector<std::string> redirect_uris;   // 1 to kMaxRedirectUris
  std::vector<std::string> redirect_hosts;  // of these, each once
  bool refresh_token = false;               // beside authorization_code, which is always there
  std::string client_name;                  // never empty
  std::vector<std::string> scopes;          // asked for; see `scopes_asked`
  bool scopes_asked = false;                // false: it left the choice to us
  // https URIs, or empty.
  std::string client_uri;
  std::string logo_uri;
  std::string tos_uri;
  std::string policy_uri;
};

// Reads and judges client metadata; nothing: they are good. `allowed_hosts`: those that redirect URIs may have, in
// lower case; empty: any. `client`: of metadata that are refused it has what was read first, for the log. Members that
// are not known are ignored, as section 2 wants it.
std::optional<gatehouse::auth::v1::RegistrationRefusal> ReadClientMetadata(
    absl::string_view metadata_json, const std::vector<std::string>& allowed_hosts, ClientMetadata& client);

// As the specification names it.
const char* AuthMethodName(TokenEndpointAuthMethod method);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_REGISTRATION_CLIENT_METADATA_H_
