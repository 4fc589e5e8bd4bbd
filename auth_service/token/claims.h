// Reads the claims that JWTs (RFC 7519), introspection (RFC 7662) and userinfo answers have in common.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_CLAIMS_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_CLAIMS_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gatehouse/auth/v1/auth.pb.h"
#include "nlohmann/json_fwd.hpp"

namespace auth_service {

// What a principal's claims may have, in bytes of JSON (the contract's limit).
inline constexpr size_t kMaxClaimsBytes = 64 * 1024;

// A NumericDate (RFC 7519, section 2), which may have a fraction. Nothing if it is not a number within the years to
// 9999, or is not there.
std::optional<absl::Time> TimeMember(const nlohmann::json& claims, const char* name);

// Whether `audience`, a string or an array of strings, has `resource`, byte for byte (RFC 7519, section 4.1.3).
bool AudienceContains(const nlohmann::json& audience, absl::string_view resource);

// Appends the scopes of a string with blanks (U+0020) between them (RFC 9068, section 2.2.3), or of an array of
// strings, one scope each; false if it is neither, or one of them is no scope-token (RFC 6749, section 3.3): whoever
// splits them at other white space would find more of them than were judged.
bool AppendScopes(const nlohmann::json& scope, gatehouse::auth::v1::Principal& principal);

// Says of all members of `claims` that they come from `source`.
void AddClaimOrigin(const nlohmann::json& claims, gatehouse::auth::v1::ClaimSource source,
                    gatehouse::auth::v1::Principal& principal);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_CLAIMS_H_
