#include "mcp_edge/transport/mcp_auth_errors.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gatehouse/auth/v1/auth.pb.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

constexpr char kMetadata[] = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";

// A file of three lines: status, WWW-Authenticate (empty: none), body.
std::string Golden(const std::string& name) {
  const std::string path = absl::StrCat("mcp_edge/transport/testdata/mcp_auth/", name, ".txt");
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

std::string Written(McpAuthError error, const std::vector<std::string>& missing_scopes = {}) {
  const McpAuthAnswer answer = WriteMcpAuthAnswer(error, kMetadata, missing_scopes);
  return absl::StrCat(answer.status, "\n", answer.challenge, "\n", answer.body, "\n");
}

TEST(McpAuthErrorsTest, EachIsByteForByteThatOfTheLibrary) {
  EXPECT_EQ(Written(McpAuthError::kMissingAuthHeader), Golden("missing_auth_header"));
  EXPECT_EQ(Written(McpAuthError::kInvalidAuthHeaderFormat), Golden("invalid_auth_header_format"));
  EXPECT_EQ(Written(McpAuthError::kMissingBearerToken), Golden("missing_bearer_token"));
  EXPECT_EQ(Written(McpAuthError::kNotAToken), Golden("not_a_token"));
  EXPECT_EQ(Written(McpAuthError::kInvalidToken), Golden("invalid_token"));
  EXPECT_EQ(Written(McpAuthError::kVerificationFailed), Golden("token_verification_failed"));
  EXPECT_EQ(Written(McpAuthError::kInvalidIssuer), Golden("invalid_issuer"));
  EXPECT_EQ(Written(McpAuthError::kInvalidAudience), Golden("invalid_audience"));
  EXPECT_EQ(Written(McpAuthError::kMissingScopes, {"todo:write", "todo:delete"}), Golden("missing_required_scopes"));
  EXPECT_EQ(Written(McpAuthError::kServerError), Golden("server_error"));
}

TEST(McpAuthErrorsTest, WithoutAResourceThereIsNoMetadata) {
  EXPECT_EQ(
      WriteMcpAuthAnswer(McpAuthError::kInvalidIssuer, "", {}).challenge,
      "Bearer error=\"invalid_issuer\", error_description=\"The token issuer does not match the expected issuer.\"");
}

TEST(McpAuthErrorsTest, HeadersAreReadAsTheLibraryReadsThem) {
  EXPECT_EQ(McpAuthErrorOfHeader(""), McpAuthError::kMissingAuthHeader);
  for (const char* format : {"Basic dTpw", "Basic", "Bearer a b", "Bearer  a", "token"}) {
    EXPECT_EQ(McpAuthErrorOfHeader(format), McpAuthError::kInvalidAuthHeaderFormat) << format;
  }
  EXPECT_EQ(McpAuthErrorOfHeader("Bearer"), McpAuthError::kMissingBearerToken);
  EXPECT_EQ(McpAuthErrorOfHeader("bearer "), McpAuthError::kMissingBearerToken);
  EXPECT_EQ(McpAuthErrorOfHeader("bearer \x01"), McpAuthError::kNotAToken);
}

TEST(McpAuthErrorsTest, EveryRefusalHasOne) {
  using gatehouse::auth::v1::RefusalReason;
  const auto of = [](RefusalReason reason) {
    return McpAuthErrorOfRefusal(absl::StripPrefix(gatehouse::auth::v1::RefusalReason_Name(reason), "REFUSAL_REASON_"));
  };
  using namespace gatehouse::auth::v1;  // for the names of the reasons
  EXPECT_EQ(of(REFUSAL_REASON_MALFORMED), McpAuthError::kNotAToken);
  EXPECT_EQ(of(REFUSAL_REASON_OPAQUE_NOT_ALLOWED), McpAuthError::kNotAToken);
  EXPECT_EQ(of(REFUSAL_REASON_WRONG_ISSUER), McpAuthError::kInvalidIssuer);
  EXPECT_EQ(of(REFUSAL_REASON_WRONG_AUDIENCE), McpAuthError::kInvalidAudience);
  for (const RefusalReason reason : {REFUSAL_REASON_INACTIVE, REFUSAL_REASON_INSUFFICIENT_SCOPE_AT_PROVIDER,
                                     REFUSAL_REASON_USER_SUSPENDED, REFUSAL_REASON_USER_UNKNOWN}) {
    EXPECT_EQ(of(reason), McpAuthError::kVerificationFailed) << reason;
  }
  for (const RefusalReason reason :
       {REFUSAL_REASON_BAD_SIGNATURE, REFUSAL_REASON_ALGORITHM_NOT_ALLOWED, REFUSAL_REASON_UNKNOWN_KEY,
        REFUSAL_REASON_EXPIRED, REFUSAL_REASON_NOT_YET_VALID, REFUSAL_REASON_WRONG_TYPE, REFUSAL_REASON_MISSING_CLAIM,
        REFUSAL_REASON_CLIENT_NOT_ALLOWED, REFUSAL_REASON_UNSPECIFIED}) {
    EXPECT_EQ(of(reason), McpAuthError::kInvalidToken) << reason;
  }
  EXPECT_EQ(McpAuthErrorOfRefusal("OF_A_LATER_VERSION"), McpAuthError::kInvalidToken);
}

}  // namespace
}  // namespace mcp_edge
