// The document by which clients learn who may sign their users in.

#ifndef GATEHOUSE_AUTH_SERVICE_SERVER_PROTECTED_RESOURCE_METADATA_H_
#define GATEHOUSE_AUTH_SERVICE_SERVER_PROTECTED_RESOURCE_METADATA_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace auth_service {

// The OAuth 2.0 Protected Resource Metadata (RFC 9728, section 2) of `resource`: one JSON object. `issuers` in the
// order in which clients should try them. Without scopes there is no `scopes_supported`.
std::string ProtectedResourceMetadata(absl::string_view resource, const std::vector<std::string>& issuers,
                                      const std::vector<std::string>& scopes_supported);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_SERVER_PROTECTED_RESOURCE_METADATA_H_
