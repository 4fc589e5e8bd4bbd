#include "mcp_edge/transport/mcp_auth_errors.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/json_text.h"

namespace mcp_edge {
namespace {

struct Row {
  McpAuthError error;
  int status;
  absl::string_view code;
  absl::string_view description;
};

// In the order of McpAuthError.
constexpr Row kRows[] = {
    {McpAuthError::kMissingAuthHeader, 401, "missing_auth_header",
     "Missing `Authorization` header. Please provide a valid bearer token."},
    {McpAuthError::kInvalidAuthHeaderFormat, 401, "invalid_auth_header_format",
     "Invalid `Authorization` header format. Expected \"Bearer <token>\"."},
    {McpAuthError::kMissingBearerToken, 401, "missing_bearer_token",
     "Missing bearer token in `Authorization` header. Please provide a valid token."},
    {McpAuthError::kNotAToken, 401, "invalid_token", "The provided token is not valid or has expired."},
    {McpAuthError::kInvalidToken, 401, "invalid_token", "The provided token is invalid or malformed."},
    {McpAuthError::kVerificationFailed, 401, "token_verification_failed", "Token verification failed due to an error."},
    {McpAuthError::kInvalidIssuer, 401, "invalid_issuer", "The token issuer does not match the expected issuer."},
    {McpAuthError::kInvalidAudience, 401, "invalid_audience",
     "The token audience does not match the expected audience."},
    {McpAuthError::kMissingScopes, 403, "missing_required_scopes",
     "The token does not contain the necessary scopes for this request."},
    {McpAuthError::kServerError, 500, "server_error", "An error occurred with the authorization server."},
};

// Where a refusal becomes another error than kInvalidToken.
constexpr std::pair<absl::string_view, McpAuthError> kRefusals[] = {
    {"MALFORMED", McpAuthError::kNotAToken},
    {"OPAQUE_NOT_ALLOWED", McpAuthError::kNotAToken},
    {"WRONG_ISSUER", McpAuthError::kInvalidIssuer},
    {"WRONG_AUDIENCE", McpAuthError::kInvalidAudience},
    {"INACTIVE", McpAuthError::kVerificationFailed},
    {"INSUFFICIENT_SCOPE_AT_PROVIDER", McpAuthError::kVerificationFailed},
    {"USER_SUSPENDED", McpAuthError::kVerificationFailed},
    {"USER_UNKNOWN", McpAuthError::kVerificationFailed},
};

}  // namespace

McpAuthError McpAuthErrorOfHeader(absl::string_view authorization) {
  if (authorization.empty()) return McpAuthError::kMissingAuthHeader;
  const std::vector<absl::string_view> parts = absl::StrSplit(authorization, ' ');
  if (!absl::EqualsIgnoreCase(parts[0], "bearer") || parts.size() > 2) return McpAuthError::kInvalidAuthHeaderFormat;
  if (parts.size() < 2 || parts[1].empty()) return McpAuthError::kMissingBearerToken;
  return McpAuthError::kNotAToken;
}

McpAuthError McpAuthErrorOfRefusal(absl::string_view reason) {
  for (const auto& [name, error] : kRefusals) {
    if (name == reason) return error;
  }
  return McpAuthError::kInvalidToken;
}

McpAuthAnswer WriteMcpAuthAnswer(McpAuthError error, absl::string_view resource_metadata,
                                 const std::vector<std::string>& missing_scopes) {
  const Row& row = kRows[static_cast<size_t>(error)];
  McpAuthAnswer answer;
  answer.status = row.status;
  answer.body = absl::StrCat("{\"error\":\"", row.code, "\",\"error_description\":");
  common::AppendJsonString(row.description, answer.body);
  if (error == McpAuthError::kMissingScopes) {
    char before = '[';
    answer.body += ",\"missing_scopes\":";
    for (const std::string& scope : missing_scopes) {
      answer.body += before;
      common::AppendJsonString(scope, answer.body);
      before = ',';
    }
    answer.body += missing_scopes.empty() ? "[]" : "]";
  }
  answer.body += '}';
  if (row.status == 500) return answer;
  answer.challenge = absl::StrCat("Bearer error=\"", row.code, "\", error_description=\"", row.description, "\"");
  if (row.status == 401 && !resource_metadata.empty()) {
    absl::StrAppend(&answer.challenge, ", resource_metadata=\"", resource_metadata, "\"");
  }
  return answer;
}

}  // namespace mcp_edge
