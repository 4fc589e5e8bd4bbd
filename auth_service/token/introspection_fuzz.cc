// Whatever bytes the introspection endpoint answers (RFC 7662): a verdict is given or none can be, and nobody is let in
// whom the answer does not clearly let in.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/token/claims.h"
#include "auth_service/token/introspection_verifier.h"

namespace auth_service {
namespace {

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kResource[] = "https://mcp.example.com/mcp";

void Require(bool condition) {
  if (!condition) std::abort();
}

void RunOne(absl::string_view input) {
  for (const int status : {200, 400, 401, 500}) {
    const absl::StatusOr<Verdict> verdict = JudgeIntrospection({status, std::string(input)}, kIssuer, kResource,
                                                               absl::FromUnixSeconds(1'800'000'000), absl::Seconds(30));
    if (!verdict.ok()) {
      Require(verdict.status().code() == absl::StatusCode::kUnavailable ||
              verdict.status().code() == absl::StatusCode::kUnauthenticated);
      continue;
    }
    Require(verdict->accepted() != verdict->response.has_refusal());
    if (!verdict->accepted()) continue;
    Require(status == 200);
    const auto& principal = verdict->response.principal();
    const std::optional<nlohmann::json> claims = ParseJsonObject(principal.claims_json());
    Require(claims.has_value() && (*claims)["active"] == true);
    Require(absl::EqualsIgnoreCase(StringMember(*claims, "token_type"), "Bearer"));
    Require(!principal.subject().empty() && principal.subject() == StringMember(*claims, "sub"));
    Require(principal.issuer() == kIssuer);
    Require(!principal.audience_known() || AudienceContains((*claims)["aud"], kResource));
    Require(verdict->response.SerializeAsString().size() > 0);
  }
}

}  // namespace
}  // namespace auth_service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auth_service::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
