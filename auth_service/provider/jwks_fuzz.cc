// Whatever bytes a provider answers as its JWK Set (RFC 7517): reading them ends, and every key that is taken can check
// signatures and is of a kind and size that is allowed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "auth_service/provider/key_set.h"

namespace auth_service {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void RunOne(absl::string_view input) {
  const absl::StatusOr<Keys> keys = ParseKeys(input);
  if (!keys.ok()) {
    Require(keys.status().code() == absl::StatusCode::kFailedPrecondition);
    return;
  }
  Require(keys->size() <= 64);
  for (const VerificationKey& key : *keys) {
    Require(key.key != nullptr);
    cjose_err error;
    const cjose_jwk_kty_t type = cjose_jwk_get_kty(key.key.get(), &error);
    switch (key.type) {
      case KeyType::kRsa:
        Require(type == CJOSE_JWK_KTY_RSA && key.signature_bytes >= 256 && key.signature_bytes <= 1024);
        break;
      case KeyType::kEcP256:
        Require(type == CJOSE_JWK_KTY_EC && key.signature_bytes == 64);
        break;
      case KeyType::kEcP384:
        Require(type == CJOSE_JWK_KTY_EC && key.signature_bytes == 96);
        break;
      case KeyType::kEcP521:
        Require(type == CJOSE_JWK_KTY_EC && key.signature_bytes == 132);
        break;
    }
  }
}

}  // namespace
}  // namespace auth_service

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auth_service::RunOne(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
