#include "common/es256_jws.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace common {
namespace {

constexpr char kCurve[] = "prime256v1";  // OpenSSL's name of P-256
constexpr size_t kCoordinateBytes = 32;
constexpr size_t kMaxKeys = 16;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* owned) const {
    Free(owned);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;

using OwnedPkeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using OwnedDigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using OwnedSignature = Owned<ECDSA_SIG, ECDSA_SIG_free>;
using OwnedNumber = Owned<BIGNUM, BN_free>;

// What only fails when memory is exhausted or the library is broken.
void Must(bool condition) {
  if (!condition) std::abort();
}

const unsigned char* Bytes(absl::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string Coordinate(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  Must(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  const OwnedNumber owned(number);
  std::string bytes(kCoordinateBytes, '\0');
  Must(BN_bn2binpad(number, Bytes(bytes), kCoordinateBytes) == kCoordinateBytes);
  return Base64UrlEncode(bytes);
}

bool IsP256(const EVP_PKEY* key) {
  char group[64] = "";
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) == 1 &&
         absl::string_view(group) == kCurve;
}

// How many private keys of any kind begin in a PEM text.
size_t CountPrivateKeys(absl::string_view pem) {
  size_t count = 0;
  for (const absl::string_view line : absl::StrSplit(pem, '\n')) {
    if (absl::StartsWith(line, "-----BEGIN ") && absl::StrContains(line, "PRIVATE KEY-----")) ++count;
  }
  return count;
}

// Instead of a question at the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

}  // namespace

std::string Base64UrlEncode(absl::string_view bytes) { return absl::WebSafeBase64Escape(bytes); }

std::optional<std::string> Base64UrlDecode(absl::string_view text) {
  std::string bytes;
  // The library lets padding, blanks and left-over bits pass.
  if (!absl::WebSafeBase64Unescape(text, &bytes) || Base64UrlEncode(bytes) != text) return std::nullopt;
  return bytes;
}

Es256PublicKey::Es256PublicKey(std::shared_ptr<EVP_PKEY> key, absl::string_view x, absl::string_view y)
    : key_(std::move(key)), x_(x), y_(y) {
  const std::string members = absl::StrCat(R"({"crv":"P-256","kty":"EC","x":")", x_, R"(","y":")", y_, R"("})");
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(Bytes(absl::string_view(members)), members.size(), Bytes(digest));
  key_id_ = Base64UrlEncode(digest);
}

std::optional<Es256PublicKey> Es256PublicKey::FromCoordinates(absl::string_view x, absl::string_view y) {
  const std::optional<std::string> x_bytes = Base64UrlDecode(x);
  const std::optional<std::string> y_bytes = Base64UrlDecode(y);
  if (!x_bytes.has_value() || x_bytes->size() != kCoordinateBytes || !y_bytes.has_value() ||
      y_bytes->size() != kCoordinateBytes) {
    return std::nullopt;
  }
  const std::string point = absl::StrCat("\x04", *x_bytes, *y_bytes);  // uncompressed (SEC 1, section 2.3.3)
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  Must(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, kCurve, 0) == 1);
  Must(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1);
  const Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const OwnedPkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  Must(EVP_PKEY_fromdata_init(context.get()) == 1);
  const bool made = EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1;
  std::shared_ptr<EVP_PKEY> owned(key, EVP_PKEY_free);
  if (!made) {
    ERR_clear_error();
    return std::nullopt;
  }
  return Es256PublicKey(std::move(owned), x, y);
}

bool Es256PublicKey::Verify(absl::string_view message, absl::string_view signature) const {
  if (signature.size() != 2 * kCoordinateBytes) return false;
  const OwnedSignature numbers(ECDSA_SIG_new());
  Must(ECDSA_SIG_set0(numbers.get(), BN_bin2bn(Bytes(signature), kCoordinateBytes, nullptr),
                      BN_bin2bn(Bytes(signature) + kCoordinateBytes, kCoordinateBytes, nullptr)) == 1);
  unsigned char* der = nullptr;
  const int der_bytes = i2d_ECDSA_SIG(numbers.get(), &der);
  Must(der_bytes > 0);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owned(
      der, [](unsigned char* bytes) { OPENSSL_free(bytes); });
  const OwnedDigestContext context(EVP_MD_CTX_new());
  Must(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  const bool good =
      EVP_DigestVerify(context.get(), der, static_cast<size_t>(der_bytes), Bytes(message), message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

std::string Es256PublicKey::Jwk() const {
  return absl::StrCat(R"({"kty":"EC","crv":"P-256","x":")", x_, R"(","y":")", y_, R"(","kid":")", key_id_,
                      R"(","use":"sig","alg":"ES256"})");
}

Es256PrivateKey::Es256PrivateKey(std::shared_ptr<EVP_PKEY> key)
    : key_(std::move(key)),
      public_key_(key_, Coordinate(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X),
                  Coordinate(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y)) {}

Es256PrivateKey Es256PrivateKey::Generate() {
  EVP_PKEY* const key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", kCurve);
  Must(key != nullptr);
  return Es256PrivateKey(std::shared_ptr<EVP_PKEY>(key, EVP_PKEY_free));
}

absl::StatusOr<std::vector<Es256PrivateKey>> Es256PrivateKey::FromPem(absl::string_view pem) {
  const Owned<BIO, BIO_free_all> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Must(text != nullptr);
  std::vector<Es256PrivateKey> keys;
  while (true) {
    EVP_PKEY* const read = PEM_read_bio_PrivateKey(text.get(), nullptr, NoPassword, nullptr);
    if (read == nullptr) break;
    std::shared_ptr<EVP_PKEY> key(read, EVP_PKEY_free);
    if (!IsP256(key.get())) {
      return absl::InvalidArgumentError(
          absl::StrCat("private key ", keys.size() + 1, " is not one of the curve P-256"));
    }
    if (keys.size() == kMaxKeys) {
      return absl::InvalidArgumentError(absl::StrCat("there must be at most ", kMaxKeys, " private keys"));
    }
    keys.push_back(Es256PrivateKey(std::move(key)));
  }
  ERR_clear_error();
  if (keys.size() < CountPrivateKeys(pem)) {
    return absl::InvalidArgumentError(
        absl::StrCat("private key ", keys.size() + 1, " cannot be read: it is damaged, or encrypted"));
  }
  if (keys.empty()) {
    return absl::InvalidArgumentError(
        "there must be at least one private key in PEM, as `openssl ecparam -name prime256v1 -genkey -noout` makes "
        "them");
  }
  return keys;
}

std::string Es256PrivateKey::Sign(absl::string_view message) const {
  const OwnedDigestContext context(EVP_MD_CTX_new());
  Must(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  unsigned char der[80];  // a P-256 signature has at most 72 bytes
  size_t der_bytes = sizeof(der);
  Must(EVP_DigestSign(context.get(), der, &der_bytes, Bytes(message), message.size()) == 1);
  const unsigned char* next = der;
  const OwnedSignature numbers(d2i_ECDSA_SIG(nullptr, &next, static_cast<long>(der_bytes)));
  Must(numbers != nullptr);
  std::string signature(2 * kCoordinateBytes, '\0');
  Must(BN_bn2binpad(ECDSA_SIG_get0_r(numbers.get()), Bytes(signature), kCoordinateBytes) == kCoordinateBytes);
  Must(BN_bn2binpad(ECDSA_SIG_get0_s(numbers.get()), Bytes(signature) + kCoordinateBytes, kCoordinateBytes) ==
       kCoordinateBytes);
  return signature;
}

std::string SignJws(absl::string_view header_json, absl::string_view payload, const Es256PrivateKey& key) {
  std::string text = absl::StrCat(Base64UrlEncode(header_json), ".", Base64UrlEncode(payload));
  const std::string signature = Base64UrlEncode(key.Sign(text));
  absl::StrAppend(&text, ".", signature);
  return text;
}

std::optional<Jws> SplitJws(absl::string_view text) {
  const size_t first = text.find('.');
  const size_t last = text.rfind('.');
  if (first == absl::string_view::npos || first == last) return std::nullopt;
  std::optional<std::string> header = Base64UrlDecode(text.substr(0, first));
  std::optional<std::string> payload = Base64UrlDecode(text.substr(first + 1, last - first - 1));
  std::optional<std::string> signature = Base64UrlDecode(text.substr(last + 1));
  if (!header.has_value() || !payload.has_value() || !signature.has_value()) return std::nullopt;
  return Jws{*std::move(header), *std::move(payload), *std::move(signature), text.substr(0, last)};
}

}  // namespace common
