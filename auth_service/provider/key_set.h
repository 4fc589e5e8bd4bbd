// The issuer's public keys (RFC 7517).

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_KEY_SET_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_KEY_SET_H_

#include <cjose/cjose.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/provider/http_client.h"
#include "common/clock.h"
#include "common/expiring_cache.h"
#include "common/token_digest.h"

namespace auth_service {

enum class KeyType { kRsa, kEcP256, kEcP384, kEcP521 };

// A public key that may check signatures.
struct VerificationKey {
  std::string key_id;     // `kid`; empty if it has none
  std::string algorithm;  // `alg`; empty if the key may be used with every algorithm that fits its type
  KeyType type = KeyType::kRsa;
  size_t signature_bytes = 0;  // how long each signature is
  std::shared_ptr<const cjose_jwk_t> key;
};

// The algorithms that tokens may be signed with (RFC 7518, section 3.1). What is not among them is refused: `none`, the
// HMAC family, what cjose cannot do.
struct SignatureAlgorithm {
  const char* name;
  KeyType key_type;
};

// The algorithm of this name, or null if tokens must not be signed with it.
const SignatureAlgorithm* FindSignatureAlgorithm(absl::string_view name);

using Keys = std::vector<VerificationKey>;

// Reads a JWK Set. Keys that cannot check signatures (`use`, `key_ops`), are of other types or sizes (symmetric ones
// above all; RSA must have 2048 to 8192 bits), or are broken, or have a `kid` that is no text or an
// `alg` that no token may be signed with by such a key, are left out;
// so is all after the 64th.
//
// Errors: kFailedPrecondition, `jwks_json` is no JWK Set.
absl::StatusOr<Keys> ParseKeys(absl::string_view jwks_json);

// The keys to verify with. Thread-safe.
class KeySource {
 public:
  virtual ~KeySource() = default;

  // The keys known now; null if they have never been fetched. Does not block.
  virtual std::shared_ptr<const Keys> current() const = 0;

  // Asks the issuer for its keys because a token names an unknown one, `key_id`; blocks at most `timeout`. However
  // often this is called, the issuer is asked at most once per kUnknownKeyInterval, or per kFailedKeysInterval while
  // that fails. OK means that current() was fetched after a token had first named this key: if it is not there, the
  // issuer does not publish it.
  //
  // Errors: kUnavailable, the issuer could not be asked, or was asked a moment ago and may have got the key since.
  virtual absl::Status RefreshForUnknownKey(absl::string_view key_id, absl::Duration timeout) = 0;
};

// How often tokens with unknown keys can make this service ask for the issuer's keys.
inline constexpr absl::Duration kUnknownKeyInterval = absl::Seconds(10);
inline constexpr absl::Duration kFailedKeysInterval = absl::Seconds(1);

// Keeps the last good keys of the issuer that `discovery` knows.
class KeySet final : public KeySource {
 public:
  // `timeout` is for one request. The others must outlive this.
  KeySet(const Discovery& discovery, absl::Duration timeout, HttpClient& client, const common::Clock& clock)
      : discovery_(discovery), timeout_(timeout), client_(client), clock_(clock), asked_for_(kMaxAskedFor, clock) {}

  // Fetches the keys, once, whatever was asked before. On an error, what was there stays.
  //
  // Errors: kUnavailable, there is no metadata yet, or it names no `jwks_uri`, or the issuer does not answer with a JWK
  // Set, or with one in which no key is of use: whoever publishes none now may have issued tokens a moment ago, so
  // that nothing can be said of them.
  absl::Status Refresh();

  std::shared_ptr<const Keys> current() const override;
  absl::Status RefreshForUnknownKey(absl::string_view key_id, absl::Duration timeout) override;

 private:
  // How many unknown keys are remembered. Beyond that the ones asked for longest ago are forgotten, and who asks again
  // is told kUnavailable once more.
  static constexpr size_t kMaxAskedFor = 1024;

  absl::StatusOr<Keys> Fetch(absl::Duration timeout) const;
  absl::Status RefreshWithin(absl::Duration timeout);
  // How many fetches had begun when a token first named this key.
  int64_t FirstAskedFor(absl::string_view key_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What there is to say to one whose key was first named after `begun` fetches.
  absl::Status Answer(int64_t begun) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Discovery& discovery_;
  const absl::Duration timeout_;
  HttpClient& client_;
  const common::Clock& clock_;

  mutable absl::Mutex mutex_;
  std::shared_ptr<const Keys> current_ ABSL_GUARDED_BY(mutex_);
  int64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;           // fetches
  int64_t current_number_ ABSL_GUARDED_BY(mutex_) = 0;  // of the fetch that brought current_
  absl::Status last_status_ ABSL_GUARDED_BY(mutex_);    // of the latest refresh
  common::ExpiringCache<common::TokenDigest, int64_t> asked_for_;
  absl::Time next_unknown_key_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool refreshing_for_unknown_key_ ABSL_GUARDED_BY(mutex_) = false;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_KEY_SET_H_
