#include "auth_service/token/test_keys.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace auth_service {
namespace {

// What cannot fail but for a broken test.
void Must(bool condition) {
  if (!condition) std::abort();
}

const EVP_MD* HashOf(const std::string& algorithm) {
  const std::string bits = algorithm.substr(2);
  return bits == "256" ? EVP_sha256() : bits == "384" ? EVP_sha384() : EVP_sha512();
}

struct CurveOf {
  const char* openssl_name;
  const char* jwk_name;
  int bytes;
};

CurveOf CurveFor(const std::string& algorithm) {
  if (algorithm == "ES256") return {"P-256", "P-256", 32};
  if (algorithm == "ES384") return {"P-384", "P-384", 48};
  return {"P-521", "P-521", 66};
}

std::string NumberParameter(EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* number = nullptr;
  Must(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  std::string text(bytes > 0 ? bytes : BN_num_bytes(number), '\0');
  Must(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(text.size())) > 0);
  BN_free(number);
  return text;
}

}  // namespace

std::string Base64Url(absl::string_view bytes) {
  std::string text = absl::WebSafeBase64Escape(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

TestKey::TestKey(const std::string& algorithm, int rsa_bits) : algorithm_(algorithm) {
  EVP_PKEY* const key = algorithm[0] == 'E'
                            ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", CurveFor(algorithm).openssl_name)
                            : EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(rsa_bits));
  Must(key != nullptr);
  key_.reset(key, EVP_PKEY_free);
}

std::string TestKey::Jwk(absl::string_view kid, absl::string_view extra) const {
  const std::string more = absl::StrCat(kid.empty() ? "" : absl::StrCat(",\"kid\":\"", kid, "\""),
                                        extra.empty() ? "" : absl::StrCat(",", extra));
  if (algorithm_[0] == 'E') {
    const CurveOf curve = CurveFor(algorithm_);
    return absl::StrCat("{\"kty\":\"EC\",\"crv\":\"", curve.jwk_name, "\",\"x\":\"",
                        Base64Url(NumberParameter(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, curve.bytes)), "\",\"y\":\"",
                        Base64Url(NumberParameter(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, curve.bytes)), "\"", more, "}");
  }
  return absl::StrCat("{\"kty\":\"RSA\",\"n\":\"", Base64Url(NumberParameter(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0)),
                      "\",\"e\":\"", Base64Url(NumberParameter(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0)), "\"", more, "}");
}

std::string TestKey::PublicPem() const {
  BIO* const memory = BIO_new(BIO_s_mem());
  Must(PEM_write_bio_PUBKEY(memory, key_.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(memory);
  return pem;
}

std::string TestKey::Sign(absl::string_view header_json, absl::string_view payload) const {
  const std::string input = absl::StrCat(Base64Url(header_json), ".", Base64Url(payload));
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* key_context = nullptr;
  Must(EVP_DigestSignInit(context, &key_context, HashOf(algorithm_), nullptr, key_.get()) == 1);
  if (algorithm_[0] == 'P') {
    Must(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1);
    Must(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  size_t size = 0;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(input.data());
  Must(EVP_DigestSign(context, nullptr, &size, bytes, input.size()) == 1);
  std::string signature(size, '\0');
  Must(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, input.size()) == 1);
  signature.resize(size);
  EVP_MD_CTX_free(context);
  if (algorithm_[0] == 'E') {
    // From DER to the two numbers one after the other (RFC 7518, section 3.4).
    const auto* der = reinterpret_cast<const unsigned char*>(signature.data());
    ECDSA_SIG* const parsed = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(signature.size()));
    Must(parsed != nullptr);
    const int half = CurveFor(algorithm_).bytes;
    std::string raw(static_cast<size_t>(2 * half), '\0');
    auto* const out = reinterpret_cast<unsigned char*>(raw.data());
    Must(BN_bn2binpad(ECDSA_SIG_get0_r(parsed), out, half) == half);
    Must(BN_bn2binpad(ECDSA_SIG_get0_s(parsed), out + half, half) == half);
    ECDSA_SIG_free(parsed);
    signature = raw;
  }
  return absl::StrCat(input, ".", Base64Url(signature));
}

std::string SignHs256(absl::string_view header_json, absl::string_view payload, absl::string_view secret) {
  const std::string input = absl::StrCat(Base64Url(header_json), ".", Base64Url(payload));
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  Must(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
            reinterpret_cast<const unsigned char*>(input.data()), input.size(), mac, &size) != nullptr);
  return absl::StrCat(input, ".", Base64Url(absl::string_view(reinterpret_cast<const char*>(mac), size)));
}

}  // namespace auth_service
