// Whatever is sent as an assertion, as a claims set or as a header, only the edge's signature makes it an assertion,
// and only one that is good for this service, now, becomes a principal. "@kid@" in the input stands for the id of the
// key.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "nlohmann/json.hpp"
#include "tool_service/sdk/principal_verifier.h"

namespace tool_service {
namespace {

using gatehouse::tool::v1::Principal;
using Json = nlohmann::json;

constexpr char kGoodClaims[] =
    R"({"iss":"e","aud":"mail","sub":"alice","idp":"i","iat":1800000000,"exp":1800000120,"claims":{"name":"Alice"}})";

void Require(bool condition) {
  if (!condition) std::abort();
}

// The edge, and a tool service that has its keys.
struct World {
  World() {
    keys.Start();
    Require(keys.AwaitFetch(absl::Now() + absl::Minutes(1)).ok());
  }

  std::shared_ptr<const Principal> Accepted(absl::string_view assertion) {
    const auto verdict = verifier.VerifyNow(assertion);
    const auto* const principal =
        verdict.has_value() ? std::get_if<std::shared_ptr<const Principal>>(&*verdict) : nullptr;
    return principal == nullptr ? nullptr : *principal;
  }

  const common::Es256PrivateKey key = common::Es256PrivateKey::Generate();
  const std::string key_id = key.public_key().key_id();
  const std::string header = absl::StrCat(R"({"alg":"ES256","typ":"gatehouse-principal+jwt","kid":")", key_id, "\"}");
  common::FakeClock clock;  // at 1800000000
  PrincipalKeys keys{"fuzz",
                     [this]() -> absl::StatusOr<KeySet> {
                       return KeySet{{key_id, key.public_key()}};
                     },
                     absl::Hours(10000)};
  PrincipalVerifier verifier{{{"mail"}, "e"}, keys, clock};
};

void RunOne(World& world, const std::string& input) {
  // Nobody knows the key.
  Require(world.Accepted(input) == nullptr);

  if (const auto principal = world.Accepted(common::SignJws(world.header, input, world.key)); principal != nullptr) {
    const Json claims = Json::parse(input, nullptr, /*allow_exceptions=*/false);
    Require(claims.is_object() && claims["aud"] == "mail" && claims["iss"] == "e");
    Require(claims["sub"] == principal->subject() && !principal->subject().empty());
    Require(claims["exp"].get<double>() > 1'799'999'989 && claims["iat"].get<double>() < 1'800'000'011);
    for (const std::string& scope : principal->scopes()) {
      Require(!scope.empty() && scope.find(' ') == std::string::npos);
    }
    if (!principal->claims_json().empty()) {
      Require(Json::parse(principal->claims_json(), nullptr, false) == claims["claims"]);
    }
    Require(principal->assertion().empty());
  }

  if (world.Accepted(common::SignJws(input, kGoodClaims, world.key)) != nullptr) {
    const Json header = Json::parse(input, nullptr, false);
    Require(header.is_object() && header["alg"] == "ES256" && header["typ"] == "gatehouse-principal+jwt");
    Require(header["kid"] == world.key_id && !header.contains("crit"));
  }
}

}  // namespace
}  // namespace tool_service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const world = new tool_service::World;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  tool_service::RunOne(*world, absl::StrReplaceAll(input, {{"@kid@", world->key_id}}));
  return 0;
}
