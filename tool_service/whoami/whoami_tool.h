// The tool that tells a caller what their identity provider says of them. Knows no transport.

#ifndef GATEHOUSE_TOOL_SERVICE_WHOAMI_WHOAMI_TOOL_H_
#define GATEHOUSE_TOOL_SERVICE_WHOAMI_WHOAMI_TOOL_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tool_service/sdk/tool_context.h"

namespace tool_service {

// The member of the result's `_meta` that says what the claims themselves do not:
// {"audienceKnown":true,"claimSources":{"sub":"token","email":"directory"}}. Sources: token, userinfo, introspection,
// directory. An audience that is not known means that the token may have been issued for any application of its issuer.
inline constexpr char kIdentityMetaKey[] = "dev.gatehouse/identity";

// The tool as the catalogue has it: no arguments, read-only, idempotent, of a closed world.
Tool WhoamiTool();

// Returns the claims of the caller's token, byte for byte as the verifier obtained them, as text and as structured
// content; kIdentityMetaKey tells of their sources. Never waits.
//
// Errors: kUnauthenticated, the call has no principal; kInvalidArgument, it has arguments.
absl::StatusOr<Outcome> Whoami(ToolContext& context, absl::string_view arguments_json);

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_WHOAMI_WHOAMI_TOOL_H_
