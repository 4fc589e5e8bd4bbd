#include "auth_service/doctor/key_checks.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "auth_service/json/strict_json.h"

namespace auth_service {
namespace {

using nlohmann::json;

// Half of what auth_service accepts.
constexpr size_t kLargeBytes = 128 * 1024;
// How many keys a token without `kid` is tried with.
constexpr size_t kMaxWithoutId = 4;

std::string Describe(const VerificationKey& key) {
  if (!key.algorithm.empty()) return key.algorithm;
  switch (key.type) {
    case KeyType::kRsa:
      return absl::StrCat("RSA of ", key.signature_bytes * 8, " bits without alg");
    case KeyType::kEcP256:
      return "P-256 without alg";
    case KeyType::kEcP384:
      return "P-384 without alg";
    case KeyType::kEcP521:
      return "P-521 without alg";
  }
  return "";
}

// What must never be published: private or symmetric keys (RFC 7518, section 6).
bool IsSecret(const json& jwk) {
  if (!jwk.is_object()) return false;
  const absl::string_view type = StringMember(jwk, "kty");
  return jwk.contains("d") || (type == "oct" && jwk.contains("k"));
}

}  // namespace

CheckedKeys CheckKeys(Probe& probe, const std::string& jwks_uri) {
  CheckedKeys checked;
  const std::string outage_advice = "auth_service cannot verify JWTs without keys; mend the provider's key endpoint.";
  const absl::StatusOr<HttpResponse> response = probe.Get(jwks_uri);
  if (!response.ok()) {
    checked.finding = Failure("keys", absl::StrCat(jwks_uri, ": ", response.status().message()), outage_advice);
    return checked;
  }
  absl::StatusOr<Keys> keys =
      response->status == 200
          ? ParseKeys(response->body)
          : absl::StatusOr<Keys>(absl::UnavailableError(absl::StrCat("HTTP status ", response->status)));
  if (!keys.ok()) {
    checked.finding = Failure("keys", absl::StrCat(jwks_uri, ": ", keys.status().message()), outage_advice);
    return checked;
  }
  checked.keys = *std::move(keys);
  const std::optional<json> document = ParseJsonObject(response->body);
  const json& all = (*document)["keys"];  // ParseKeys() has seen to it
  if (std::any_of(all.begin(), all.end(), IsSecret)) {
    checked.finding =
        Failure("keys", "the provider publishes a private or symmetric key",
                "Whoever reads it can forge tokens of any user: rotate the signing keys now, and mend the "
                "endpoint.");
    return checked;
  }
  if (checked.keys.empty()) {
    checked.finding = Failure(
        "keys", absl::StrCat("none of ", all.size(), " published keys can verify tokens here"),
        "Sign with EC on P-256, P-384 or P-521, or RSA of 2048 to 8192 bits. With Logto: Console > Signing keys "
        "> Rotate.");
    return checked;
  }
  std::vector<std::string> kinds;
  std::set<std::string> ids;
  size_t without_id = 0;
  bool repeated = false;
  for (const VerificationKey& key : checked.keys) {
    kinds.push_back(Describe(key));
    if (key.key_id.empty()) {
      ++without_id;
    } else {
      repeated = !ids.insert(key.key_id).second || repeated;
    }
  }
  std::string text = absl::StrCat(
      checked.keys.size(), checked.keys.size() == 1 ? " usable key: " : " usable keys: ", absl::StrJoin(kinds, ", "));
  if (all.size() > checked.keys.size())
    absl::StrAppend(&text, "; ", all.size() - checked.keys.size(), " of no use here");
  if (repeated) {
    checked.finding = Warning("keys", absl::StrCat(text, "; two have the same kid"),
                              "Give each key a kid of its own, or tokens are checked with the wrong one.");
  } else if (without_id > 0 && checked.keys.size() > kMaxWithoutId) {
    checked.finding = Warning("keys", absl::StrCat(text, "; ", without_id, " without kid"),
                              "Give each key a kid: a token without one is tried with four keys only.");
  } else if (response->body.size() > kLargeBytes) {
    checked.finding = Warning("keys", absl::StrCat(text, "; the JWK Set has ", response->body.size(), " bytes"),
                              "auth_service takes at most 262144; drop keys that nothing is signed with any more.");
  } else {
    checked.finding = Ok("keys", std::move(text));
  }
  return checked;
}

}  // namespace auth_service
