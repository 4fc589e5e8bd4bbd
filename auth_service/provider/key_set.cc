#include "auth_service/provider/key_set.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "auth_service/json/strict_json.h"

namespace auth_service {
namespace {

constexpr size_t kMaxKeys = 64;
constexpr size_t kMinRsaBits = 2048;
constexpr size_t kMaxRsaBits = 8192;
// How many threads may wait for one refresh; more would leave none for other work when the issuer is slow.
constexpr int kMaxWaiting = 16;
// How long it is remembered that a token named an unknown key.
constexpr absl::Duration kAskedForTime = absl::Minutes(1);

struct Curve {
  const char* name;
  KeyType type;
  size_t signature_bytes;
};

constexpr Curve kCurves[] = {
    {"P-256", KeyType::kEcP256, 64},
    {"P-384", KeyType::kEcP384, 96},
    {"P-521", KeyType::kEcP521, 132},
};

constexpr SignatureAlgorithm kSignatureAlgorithms[] = {
    {"ES256", KeyType::kEcP256}, {"ES384", KeyType::kEcP384}, {"ES512", KeyType::kEcP521},
    {"RS256", KeyType::kRsa},    {"RS384", KeyType::kRsa},    {"RS512", KeyType::kRsa},
    {"PS256", KeyType::kRsa},    {"PS384", KeyType::kRsa},    {"PS512", KeyType::kRsa},
};

// Whether a key of this type can do what its `alg` says, if it says something.
bool FitsItsAlgorithm(const VerificationKey& key) {
  if (key.algorithm.empty()) return true;
  const SignatureAlgorithm* const algorithm = FindSignatureAlgorithm(key.algorithm);
  return algorithm != nullptr && algorithm->key_type == key.type;
}

// The public members of a JWK only: a private one that was published by mistake is of no use here.
std::shared_ptr<const cjose_jwk_t> ImportPublicKey(const nlohmann::json& jwk,
                                                   std::initializer_list<const char*> names) {
  nlohmann::json members = nlohmann::json::object();
  for (const char* name : names) members[name] = std::string(StringMember(jwk, name));
  const std::string text = members.dump();
  cjose_err error;
  cjose_jwk_t* const key = cjose_jwk_import(text.data(), text.size(), &error);
  if (key == nullptr) return nullptr;
  return {key, [](cjose_jwk_t* owned) { cjose_jwk_release(owned); }};
}

bool MayVerify(const nlohmann::json& jwk) {
  if (jwk.contains("use") && StringMember(jwk, "use") != "sig") return false;
  const auto operations = jwk.find("key_ops");
  if (operations == jwk.end()) return true;
  return operations->is_array() &&
         std::any_of(operations->begin(), operations->end(),
                     [](const nlohmann::json& operation) { return operation.is_string() && operation == "verify"; });
}

std::optional<VerificationKey> ParseKey(const nlohmann::json& jwk) {
  if (!jwk.is_object() || !MayVerify(jwk)) return std::nullopt;
  if (!IsStringOrAbsent(jwk, "kid") || !IsStringOrAbsent(jwk, "alg")) return std::nullopt;
  VerificationKey key;
  key.key_id = std::string(StringMember(jwk, "kid"));
  key.algorithm = std::string(StringMember(jwk, "alg"));
  const absl::string_view type = StringMember(jwk, "kty");
  if (type == "RSA") {
    key.key = ImportPublicKey(jwk, {"kty", "n", "e"});
    if (key.key == nullptr) return std::nullopt;
    cjose_err error;
    const size_t bits = cjose_jwk_get_keysize(key.key.get(), &error);
    if (bits < kMinRsaBits || bits > kMaxRsaBits) return std::nullopt;
    key.type = KeyType::kRsa;
    key.signature_bytes = (bits + 7) / 8;
    return key;
  }
  if (type != "EC") return std::nullopt;
  for (const Curve& curve : kCurves) {
    if (StringMember(jwk, "crv") != curve.name) continue;
    key.key = ImportPublicKey(jwk, {"kty", "crv", "x", "y"});
    if (key.key == nullptr) return std::nullopt;
    key.type = curve.type;
    key.signature_bytes = curve.signature_bytes;
    return key;
  }
  return std::nullopt;
}

}  // namespace

const SignatureAlgorithm* FindSignatureAlgorithm(absl::string_view name) {
  const auto found = std::find_if(std::begin(kSignatureAlgorithms), std::end(kSignatureAlgorithms),
                                  [&](const SignatureAlgorithm& algorithm) { return name == algorithm.name; });
  return found == std::end(kSignatureAlgorithms) ? nullptr : found;
}

absl::StatusOr<Keys> ParseKeys(absl::string_view jwks_json) {
  const std::optional<nlohmann::json> document = ParseJsonObject(jwks_json);
  if (!document.has_value() || !document->contains("keys") || !(*document)["keys"].is_array()) {
    return absl::FailedPreconditionError("the answer is not a JWK Set");
  }
  Keys keys;
  for (const nlohmann::json& jwk : (*document)["keys"]) {
    if (keys.size() == kMaxKeys) break;
    std::optional<VerificationKey> key = ParseKey(jwk);
    if (key.has_value() && FitsItsAlgorithm(*key)) keys.push_back(*std::move(key));
  }
  return keys;
}

absl::Status KeySet::Refresh() { return RefreshWithin(timeout_); }

std::shared_ptr<const Keys> KeySet::current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

absl::Status KeySet::RefreshForUnknownKey(absl::string_view key_id, absl::Duration timeout) {
  int64_t begun;
  {
    absl::MutexLock lock(&mutex_);
    begun = FirstAskedFor(key_id);
    if (refreshing_for_unknown_key_) {
      if (waiting_ >= kMaxWaiting) return absl::UnavailableError("too many checks wait for the issuer's keys");
      ++waiting_;
      const auto done = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !refreshing_for_unknown_key_; };
      const bool in_time = mutex_.AwaitWithTimeout(absl::Condition(&done), timeout);
      --waiting_;
      return in_time ? Answer(begun) : absl::UnavailableError("the issuer's keys took too long to come");
    }
    if (clock_.Now() < next_unknown_key_time_) return Answer(begun);
    refreshing_for_unknown_key_ = true;
  }
  const absl::Status status = RefreshWithin(std::min(timeout, timeout_));
  absl::MutexLock lock(&mutex_);
  refreshing_for_unknown_key_ = false;
  next_unknown_key_time_ = clock_.Now() + (status.ok() ? kUnknownKeyInterval : kFailedKeysInterval);
  return Answer(begun);
}

int64_t KeySet::FirstAskedFor(absl::string_view key_id) {
  const common::TokenDigest name = common::DigestToken(key_id, "");  // a key id may be long
  const std::optional<int64_t> known = asked_for_.Get(name);
  if (known.has_value()) return *known;
  asked_for_.Put(name, begun_, clock_.Now() + kAskedForTime);
  return begun_;
}

absl::Status KeySet::Answer(int64_t begun) const {
  if (!last_status_.ok()) return last_status_;
  if (current_number_ > begun) return absl::OkStatus();
  return absl::UnavailableError("the issuer's keys were fetched a moment ago, and are not fetched again yet");
}

absl::Status KeySet::RefreshWithin(absl::Duration timeout) {
  int64_t number;
  {
    absl::MutexLock lock(&mutex_);
    number = ++begun_;
  }
  absl::StatusOr<Keys> keys = Fetch(timeout);
  absl::MutexLock lock(&mutex_);
  if (number < current_number_) return keys.status();  // overtaken by one that began later
  last_status_ = keys.status();
  if (keys.ok()) {
    current_ = std::make_shared<const Keys>(*std::move(keys));
    current_number_ = number;
  }
  return last_status_;
}

absl::StatusOr<Keys> KeySet::Fetch(absl::Duration timeout) const {
  const std::shared_ptr<const ProviderMetadata> metadata = discovery_.current();
  if (metadata == nullptr) return absl::UnavailableError("the issuer's metadata has not been fetched yet");
  if (metadata->jwks_uri.empty()) return absl::UnavailableError("the issuer's metadata names no jwks_uri");
  HttpRequest request;
  request.endpoint = ProviderEndpoint::kJwks;
  request.url = metadata->jwks_uri;
  request.may_be_internal = metadata->is_internal;
  request.timeout = timeout;
  const absl::StatusOr<HttpResponse> response = client_.Send(request);
  if (!response.ok()) {
    return absl::UnavailableError(absl::StrCat(metadata->jwks_uri, ": ", response.status().message()));
  }
  if (response->status != 200) {
    return absl::UnavailableError(absl::StrCat(metadata->jwks_uri, ": HTTP status ", response->status));
  }
  absl::StatusOr<Keys> keys = ParseKeys(response->body);
  if (!keys.ok()) return absl::UnavailableError(absl::StrCat(metadata->jwks_uri, ": ", keys.status().message()));
  if (keys->empty()) {
    return absl::UnavailableError(absl::StrCat(metadata->jwks_uri, ": it publishes no key that can check signatures"));
  }
  return keys;
}

}  // namespace auth_service
