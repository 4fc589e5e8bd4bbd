// What one of our services signs and another verifies: compact JWS (RFC 7515) with ES256, ECDSA with P-256 and SHA-256
// (RFC 7518, section 3.4).
//
// There is this one algorithm and no other, so none is ever chosen by what stands in a header. The cryptography is
// OpenSSL's. Knows no claims.

#ifndef GATEHOUSE_COMMON_ES256_JWS_H_
#define GATEHOUSE_COMMON_ES256_JWS_H_

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace common {

// The text without padding, and the bytes of such a text: nothing if it is not exactly as it would be written.
std::string Base64UrlEncode(absl::string_view bytes);
std::optional<std::string> Base64UrlDecode(absl::string_view text);

// Immutable and thread-safe; copies share the key.
class Es256PublicKey {
 public:
  // From the members `x` and `y` of a JWK (RFC 7518, section 6.2.1). Nothing if they are not 32 bytes in base64url
  // each, or no point of the curve.
  static std::optional<Es256PublicKey> FromCoordinates(absl::string_view x, absl::string_view y);

  // Whether `signature`, 64 bytes, is this key's for `message`.
  bool Verify(absl::string_view message, absl::string_view signature) const;

  // The thumbprint (RFC 7638, SHA-256, base64url): names the key as its `kid`.
  const std::string& key_id() const { return key_id_; }

  // The key as a JWK (RFC 7517), with `kid`, `use` and `alg`.
  std::string Jwk() const;

 private:
  friend class Es256PrivateKey;
  Es256PublicKey(std::shared_ptr<EVP_PKEY> key, absl::string_view x, absl::string_view y);

  std::shared_ptr<EVP_PKEY> key_;
  std::string x_;  // base64url
  std::string y_;
  std::string key_id_;
};

// Immutable and thread-safe; copies share the key.
class Es256PrivateKey {
 public:
  // A new random one.
  static Es256PrivateKey Generate();

  // The private keys of a PEM text, at most 16, in their order; what else stands there (EC PARAMETERS) counts for
  // nothing.
  //
  // Errors: kInvalidArgument, there is none, one of them is not of the curve P-256 or is encrypted, or there are too
  // many. The message holds nothing of the text.
  static absl::StatusOr<std::vector<Es256PrivateKey>> FromPem(absl::string_view pem);

  // The signature of `message`: 64 bytes, two numbers one after the other.
  std::string Sign(absl::string_view message) const;

  const Es256PublicKey& public_key() const { return public_key_; }

 private:
  explicit Es256PrivateKey(std::shared_ptr<EVP_PKEY> key);

  std::shared_ptr<EVP_PKEY> key_;
  Es256PublicKey public_key_;
};

// The compact serialization (RFC 7515, section 7.1) of `payload` under `header_json`, signed.
std::string SignJws(absl::string_view header_json, absl::string_view payload, const Es256PrivateKey& key);

// A JWS taken apart. Nothing of it is verified.
struct Jws {
  std::string header_json;
  std::string payload;
  std::string signature;
  // What the signature must be for; a part of the text it was made of.
  absl::string_view signed_text;
};

// Nothing if `text` is not three parts of base64url with dots between. `text` must outlive the result.
std::optional<Jws> SplitJws(absl::string_view text);

}  // namespace common

#endif  // GATEHOUSE_COMMON_ES256_JWS_H_
