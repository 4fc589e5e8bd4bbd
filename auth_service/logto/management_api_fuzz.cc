// Whatever the Management API and its token endpoint answer: what is taken from it may go where it goes.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "auth_service/json/strict_json.h"
#include "auth_service/logto/logto_user.h"
#include "auth_service/logto/machine_token.h"
#include "auth_service/logto/management_api.h"
#include "auth_service/token/token_form.h"

namespace auth_service {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void RunOne(absl::string_view input) {
  if (const auto user = ParseLogtoUser(input, "u"); user.ok()) {
    std::set<std::string> names;
    for (const LogtoUser::Claim& claim : user->claims) {
      Require(IsDirectoryClaim(claim.name) && names.insert(claim.name).second);
      Require(ParseJsonObject("{\"v\":" + claim.json + "}").has_value());  // as it will stand among other claims
    }
  }
  if (const auto issued = ParseIssuedToken(input); issued.ok()) {
    Require(FormOf(issued->access_token) != TokenForm::kMalformed);  // goes into a header
    Require(issued->lifetime >= absl::Seconds(1) && issued->lifetime <= absl::Hours(24));
  }
  if (const auto id = ParseApplicationId(input); id.ok()) Require(IsLogtoId(*id));  // goes into a path
  if (const auto secrets = ParseApplicationSecrets(input, absl::FromUnixSeconds(1'800'000'000)); secrets.ok()) {
    for (const LogtoSecret& secret : *secrets) Require(!secret.value.empty() && secret.value.size() <= 1024);
  }
  // Goes into a log.
  Require(LogtoErrorCode(input).find_first_of("\r\n\"\\ ") == std::string::npos);
}

}  // namespace
}  // namespace auth_service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auth_service::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
