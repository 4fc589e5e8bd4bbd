// Whatever bytes the userinfo endpoint answers (OpenID Connect Core 1.0, section 5.3.2): a verdict is given or none can
// be, and its claims can be passed on, alone and after those of a token.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/token/opaque_verifier.h"

namespace auth_service {
namespace {

constexpr char kOwnClaims[] = R"({"sub":"alice","scope":"read","aud":"https://mcp.example.com/mcp","n":1.50})";
constexpr absl::string_view kOwnMembers(kOwnClaims, sizeof(kOwnClaims) - 2);  // without the brace at the end

void Require(bool condition) {
  if (!condition) std::abort();
}

void RunOne(absl::string_view input) {
  for (const int status : {200, 400, 401, 403, 500}) {
    const absl::StatusOr<Verdict> verdict = JudgeUserinfo({status, std::string(input)}, "https://id.example.com/oidc");
    if (!verdict.ok()) {
      Require(verdict.status().code() == absl::StatusCode::kUnavailable);
      continue;
    }
    Require(verdict->accepted() != verdict->response.has_refusal());
    if (!verdict->accepted()) continue;
    Require(status == 200);
    const auto& principal = verdict->response.principal();
    const std::optional<nlohmann::json> claims = ParseJsonObject(principal.claims_json());
    Require(claims.has_value() && !principal.subject().empty());
    Require(principal.subject() == StringMember(*claims, "sub"));
    Require(!principal.scopes_known() && !principal.audience_known() && principal.client_id().empty());

    std::vector<std::string> added;
    const std::string merged = MergeJsonObjects(kOwnClaims, principal.claims_json(), added);
    const std::optional<nlohmann::json> both = ParseJsonObject(merged);
    Require(both.has_value() && both->size() == 4 + added.size());
    Require(absl::StartsWith(merged, kOwnMembers));
    for (const std::string& name : added) Require((*both)[name] == (*claims)[name]);
  }
}

}  // namespace
}  // namespace auth_service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auth_service::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
