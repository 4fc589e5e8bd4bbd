// Remembers verdicts, and lets concurrent checks of one token share the work.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_VERDICT_CACHE_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_VERDICT_CACHE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth_service/metrics.h"
#include "auth_service/token/verifier.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/expiring_cache.h"
#include "common/token_digest.h"

namespace auth_service {

// A cache of verdicts before a Verifier. Knows tokens by their digest only, except while a check is under way. A
// principal is kept for `ttl` and never past the expiry of its token, a refusal for `negative_ttl`; refusals have a
// room of their own, so that garbage cannot crowd out good tokens. That there was no verdict is never kept.
// Thread-safe.
class VerdictCache {
 public:
  struct Options {
    size_t capacity = 0;  // principals; a tenth of it refusals
    absl::Duration ttl;
    absl::Duration negative_ttl;
  };
  // The verdict with its `reuse_until_time`, or why there is none.
  using Result = absl::StatusOr<std::shared_ptr<const Verdict>>;
  using Callback = std::function<void(const Result&)>;

  // `local` runs what only computes, `provider` what waits for the provider; both must outlive this, as must the
  // others. Before the end of this, both must have run what they were given.
  VerdictCache(Options options, Verifier& verifier, common::Executor& local, common::Executor& provider,
               Metrics& metrics, const common::Clock& clock);

  // The verdict if it is remembered; else null. `digest` is DigestToken(token, resource). Does not block.
  std::shared_ptr<const Verdict> Find(const common::TokenDigest& digest);

  // Finds the verdict out and calls `done`, here or on another thread. Checks of one digest at the same time make one
  // check, which goes on as long as one of its callers has time left. Does not block.
  //
  // Errors: kUnavailable, the provider cannot be asked, or too many checks are under way;
  //         kDeadlineExceeded, `deadline` passed first (within `done`, which may come later than that).
  void Verify(const common::TokenDigest& digest, absl::string_view token, absl::string_view resource,
              absl::Time deadline, Callback done);

 private:
  struct Waiter {
    absl::Time deadline;
    Callback done;
  };
  // One check under way.
  struct Flight {
    common::TokenDigest digest;
    std::string token;
    std::string resource;
    std::vector<Waiter> waiters;  // guarded by flights_mutex_
  };
  using FlightPtr = std::shared_ptr<Flight>;

  void RunLocally(const FlightPtr& flight);
  void RunWithProvider(const FlightPtr& flight);
  void Land(const FlightPtr& flight, absl::StatusOr<Verdict> verdict);
  void LandOverloaded(const FlightPtr& flight);
  // When the last waiter's time ends.
  absl::Time LastDeadline(const Flight& flight);
  std::shared_ptr<const Verdict> Remember(const common::TokenDigest& digest, Verdict verdict);

  const Options options_;
  Verifier& verifier_;
  common::Executor& local_;
  common::Executor& provider_;
  Metrics& metrics_;
  const common::Clock& clock_;
  common::ExpiringCache<common::TokenDigest, std::shared_ptr<const Verdict>> principals_;
  common::ExpiringCache<common::TokenDigest, std::shared_ptr<const Verdict>> refusals_;
  absl::Mutex flights_mutex_;
  absl::flat_hash_map<common::TokenDigest, FlightPtr> flights_ ABSL_GUARDED_BY(flights_mutex_);
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_VERDICT_CACHE_H_
