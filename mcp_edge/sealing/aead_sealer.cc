#include "mcp_edge/sealing/aead_sealer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "common/secure_random.h"
#include "openssl/evp.h"
#include "openssl/hmac.h"

namespace mcp_edge {
namespace {

constexpr char kFormat = 1;
constexpr size_t kTimeBytes = 8;
constexpr size_t kSaltBytes = 16;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
// The most that Seal() gives for what the edge ever seals, and far more.
constexpr size_t kMaxSealedBytes = 1 << 20;

using Bytes = const unsigned char*;

Bytes AsBytes(absl::string_view text) { return reinterpret_cast<Bytes>(text.data()); }
unsigned char* AsBytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// With valid arguments the library fails only when it is broken, and then nothing here would be safe.
void Must(bool done) {
  if (!done) std::abort();
}

std::string EncodeTime(absl::Time time) {
  const auto millis = static_cast<uint64_t>(std::max<int64_t>(absl::ToUnixMillis(time), 0));
  std::string bytes(kTimeBytes, '\0');
  for (size_t i = 0; i < kTimeBytes; ++i) bytes[i] = static_cast<char>(millis >> (8 * (kTimeBytes - 1 - i)));
  return bytes;
}

absl::Time DecodeTime(absl::string_view bytes) {
  uint64_t millis = 0;
  for (const char c : bytes) millis = (millis << 8) | static_cast<unsigned char>(c);
  return absl::FromUnixMillis(static_cast<int64_t>(std::min<uint64_t>(millis, INT64_MAX)));
}

// The key of one sealed thing.
std::string DeriveKey(const SealingKey& key, absl::string_view salt) {
  std::string derived(kSealingKeyBytes, '\0');
  unsigned int length = 0;
  Must(HMAC(EVP_sha256(), key.secret.data(), static_cast<int>(key.secret.size()), AsBytes(salt), salt.size(),
            AsBytes(derived), &length) != nullptr);
  Must(length == derived.size());
  return derived;
}

class Cipher {
 public:
  Cipher() { Must(context_ != nullptr); }
  ~Cipher() { EVP_CIPHER_CTX_free(context_); }
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;

  EVP_CIPHER_CTX* get() const { return context_; }

 private:
  EVP_CIPHER_CTX* const context_ = EVP_CIPHER_CTX_new();
};

}  // namespace

AeadSealer::AeadSealer(KeyRing keys, const common::Clock& clock)
    : clock_(clock), keys_(std::make_shared<const KeyRing>(std::move(keys))) {}

bool AeadSealer::SetKeys(KeyRing keys) {
  auto next = std::make_shared<const KeyRing>(std::move(keys));
  absl::MutexLock lock(&mutex_);
  if (*keys_ == *next) return false;
  keys_.swap(next);
  return true;
}

std::shared_ptr<const KeyRing> AeadSealer::keys() const {
  absl::MutexLock lock(&mutex_);
  return keys_;
}

std::string AeadSealer::Seal(absl::string_view content, absl::string_view binding, absl::Time expire_time) const {
  const std::shared_ptr<const KeyRing> ring = keys();
  const SealingKey& key = ring->front();
  std::string sealed;
  sealed.reserve(2 + key.id.size() + kTimeBytes + kSaltBytes + kNonceBytes + content.size() + kTagBytes);
  sealed += kFormat;
  sealed += static_cast<char>(key.id.size());
  sealed += key.id;
  sealed += EncodeTime(expire_time);
  const size_t salt = sealed.size();
  sealed += common::SecureRandomBytes(kSaltBytes + kNonceBytes);
  const size_t head = sealed.size();
  sealed.resize(head + content.size() + kTagBytes);

  const std::string derived = DeriveKey(key, absl::string_view(sealed).substr(salt, kSaltBytes));
  const Cipher cipher;
  int length = 0;
  Must(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, AsBytes(derived),
                          AsBytes(sealed) + salt + kSaltBytes) == 1);
  Must(EVP_EncryptUpdate(cipher.get(), nullptr, &length, AsBytes(sealed), static_cast<int>(head)) == 1);
  Must(EVP_EncryptUpdate(cipher.get(), nullptr, &length, AsBytes(binding), static_cast<int>(binding.size())) == 1);
  Must(EVP_EncryptUpdate(cipher.get(), AsBytes(sealed) + head, &length, AsBytes(content),
                         static_cast<int>(content.size())) == 1);
  Must(EVP_EncryptFinal_ex(cipher.get(), AsBytes(sealed) + head + length, &length) == 1);
  Must(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, AsBytes(sealed) + head + content.size()) ==
       1);
  return absl::WebSafeBase64Escape(sealed);
}

absl::StatusOr<std::string> AeadSealer::Open(absl::string_view sealed, absl::string_view binding) const {
  const absl::Status not_ours = absl::InvalidArgumentError("not sealed here, or changed, or for another use");
  std::string bytes;
  if (sealed.size() > kMaxSealedBytes || !absl::WebSafeBase64Unescape(sealed, &bytes)) return not_ours;
  // One text for each sealed thing: no padding, no bits left over.
  if (absl::WebSafeBase64Escape(bytes) != sealed) return not_ours;
  if (bytes.size() < 2 || bytes[0] != kFormat) return not_ours;
  const size_t id_length = static_cast<unsigned char>(bytes[1]);
  const size_t head = 2 + id_length + kTimeBytes + kSaltBytes + kNonceBytes;
  if (bytes.size() < head + kTagBytes) return not_ours;
  const absl::string_view view = bytes;
  const absl::string_view id = view.substr(2, id_length);
  const std::shared_ptr<const KeyRing> ring = keys();
  const auto key = std::find_if(ring->begin(), ring->end(), [&](const SealingKey& k) { return k.id == id; });
  if (key == ring->end()) return not_ours;

  const size_t salt = head - kNonceBytes - kSaltBytes;
  const std::string derived = DeriveKey(*key, view.substr(salt, kSaltBytes));
  std::string content(bytes.size() - head - kTagBytes, '\0');
  const Cipher cipher;
  int length = 0;
  Must(EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, AsBytes(derived),
                          AsBytes(bytes) + salt + kSaltBytes) == 1);
  Must(EVP_DecryptUpdate(cipher.get(), nullptr, &length, AsBytes(bytes), static_cast<int>(head)) == 1);
  Must(EVP_DecryptUpdate(cipher.get(), nullptr, &length, AsBytes(binding), static_cast<int>(binding.size())) == 1);
  Must(EVP_DecryptUpdate(cipher.get(), AsBytes(content), &length, AsBytes(bytes) + head,
                         static_cast<int>(content.size())) == 1);
  Must(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, AsBytes(bytes) + head + content.size()) == 1);
  if (EVP_DecryptFinal_ex(cipher.get(), AsBytes(content) + content.size(), &length) != 1) return not_ours;
  // Only now is the time known to be the one that was sealed.
  if (clock_.Now() >= DecodeTime(view.substr(2 + id_length, kTimeBytes))) {
    return absl::DeadlineExceededError("expired");
  }
  return content;
}

}  // namespace mcp_edge
