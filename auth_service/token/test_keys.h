// Keys and signed tokens for tests, made with OpenSSL alone: nothing of what is under test has a hand in them.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_TEST_KEYS_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_TEST_KEYS_H_

#include <openssl/evp.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace auth_service {

std::string Base64Url(absl::string_view bytes);

// A private key for one JWS algorithm (RFC 7518, section 3.1) other than the HMAC family.
class TestKey {
 public:
  // `algorithm`: "ES256", "RS384", "PS512", … `rsa_bits` is for the latter two.
  explicit TestKey(const std::string& algorithm, int rsa_bits = 2048);

  const std::string& algorithm() const { return algorithm_; }

  // The public key as a JWK. `extra`: more members, such as "\"use\":\"sig\"".
  std::string Jwk(absl::string_view kid, absl::string_view extra = "") const;
  std::string PublicPem() const;

  // A compact-serialized JWS of these two texts, whatever they are.
  std::string Sign(absl::string_view header_json, absl::string_view payload) const;

 private:
  std::string algorithm_;
  std::shared_ptr<EVP_PKEY> key_;
};

// A compact-serialized JWS with HMAC-SHA-256.
std::string SignHs256(absl::string_view header_json, absl::string_view payload, absl::string_view secret);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_TEST_KEYS_H_
