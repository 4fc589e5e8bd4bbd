// Keeps what is known of the provider fresh, and says whether it is enough to work with.

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_REFRESHER_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_REFRESHER_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/provider/key_set.h"

namespace auth_service {

// The issuer of deploy/config.yaml before anybody edited it. It is never asked anything.
inline constexpr char kPlaceholderIssuer[] = "https://edit-deploy-config-yaml.invalid/oidc";

// Fetches metadata and keys again and again: after each success in `interval`, after failures, and while something is
// missing, in 1 s, 2 s, 4 s … up to a minute or `interval`. Each wait is shortened by up to a fifth at random, so that
// replicas do not ask all at once.
class Refresher {
 public:
  struct Options {
    absl::Duration interval;
    // A number in [0, 1), at random.
    std::function<double()> random;
    // Called on the refresher's thread whenever readiness may have changed, with its new value. Must not block.
    std::function<void(const absl::Status&)> on_readiness;
  };

  // `discovery` and `keys` must outlive this.
  Refresher(Options options, Discovery& discovery, KeySet& keys);

  // Stops the thread, waiting for a request under way.
  ~Refresher();

  // Starts the thread. Call at most once.
  void Start();

  // Refreshes now and returns how long to wait until the next time. For the thread, and for tests without one.
  absl::Duration RefreshOnce();

  // OK once metadata with all that Discovery::needed() names, and keys, have been fetched; what went wrong later does
  // not change it, as the last good ones serve on. Where keys are not needed, metadata without `jwks_uri` will do.
  // Otherwise kUnavailable; the message tells an operator why, and what to do. Thread-safe, does not block.
  absl::Status readiness() const;

 private:
  absl::Status Refresh();
  absl::Status RefreshMetadata();
  absl::Status RefreshKeys();
  // Whether the issuer names no keys, and need not.
  bool LacksOnlyKeys() const;
  absl::Duration NextWait(bool succeeded);

  const Options options_;
  Discovery& discovery_;
  KeySet& keys_;
  int failures_ = 0;  // in a row; of the refreshing thread only

  mutable absl::Mutex mutex_;
  absl::Status readiness_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_REFRESHER_H_
