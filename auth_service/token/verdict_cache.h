// Remembers verdicts, and lets concurrent checks of one token share the work.

#ifndef GATEHOUSE_AUTH_SERVICE_TOKEN_VERDICT_CACHE_H_
#define GATEHOUSE_AUTH_SERVICE_TOKEN_VERDICT_CACHE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth_service/metrics.h"
#include "auth_service/token/refusal_budget.h"
#include "auth_service/token/verifier.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/expiring_cache.h"
#include "common/token_digest.h"

namespace auth_service {

// A cache of verdicts before a Verifier. Knows tokens by their digest only, except while a check is under way. A
// principal is kept for `ttl` and never past the expiry of its token, a refusal for `negative_ttl`; refusals have a
// room of their own, so that garbage cannot crowd out good tokens. That there was no verdict is never kept.
//
// A token that was accepted is recognised for a while after its time is over, for two things. It may be checked again
// however many made-up opaque tokens have used up the RefusalBudget. And with `stale_if_unavailable`, while the
// provider cannot be asked, its principal may be used that much longer: never past the expiry of the token, and never
// once the token has been refused, or its user, for whatever resource. Such a check gives the provider half of the
// callers' time.
//
// Thread-safe.
class VerdictCache {
 public:
  struct Options {
    size_t capacity = 0;  // principals; a tenth of it refusals
    absl::Duration ttl;
    absl::Duration negative_ttl;
    absl::Duration stale_if_unavailable;
  };
  // Which threads do what.
  struct Executors {
    common::Executor& local;   // what only computes
    common::Executor& jwt;     // checks of JWTs that wait for the provider
    common::Executor& opaque;  // checks of opaque tokens that do
  };
  // The verdict with its `reuse_until_time`, or why there is none.
  using Result = absl::StatusOr<std::shared_ptr<const Verdict>>;
  using Callback = std::function<void(const Result&)>;

  // All must outlive this. Before the end of this, the executors must have run what they were given.
  VerdictCache(Options options, Verifier& verifier, Executors executors, RefusalBudget& refusal_budget,
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
    bool is_jwt = false;
    bool on_budget = false;       // a refusal will have been paid for
    absl::Time ask_time;          // when the verdict was last asked for
    std::vector<Waiter> waiters;  // guarded by flights_mutex_
  };
  using FlightPtr = std::shared_ptr<Flight>;
  // A principal that was found out some time ago.
  struct Accepted {
    std::shared_ptr<const Verdict> verdict;
    absl::Time checked_until;  // the time of the verdict when it was found out
    absl::Time reuse_until;    // the same; or a moment later, again and again, while it is stale
    absl::Time stale_until;
  };

  // What is known of a token for every resource, and when it was asked for.
  struct Standing {
    bool good;
    absl::Time ask_time;
  };

  void RunLocally(const FlightPtr& flight);
  void SubmitToProvider(const FlightPtr& flight);
  void RunWithProvider(const FlightPtr& flight);
  void Land(const FlightPtr& flight, absl::StatusOr<Verdict> verdict);
  // Lands it if nobody who waits for it has time left. Whether it did.
  bool LandIfLate(const FlightPtr& flight);
  // With a verdict past its time, if there is one to be had; else with `reason`.
  void LandWithoutProvider(const FlightPtr& flight, const absl::Status& reason);
  void LandOverloaded(const FlightPtr& flight);
  std::optional<Accepted> FindStale(const Flight& flight);
  // When the last waiter's time ends.
  absl::Time LastDeadline(const Flight& flight);
  std::shared_ptr<const Verdict> Remember(const Flight& flight, Verdict verdict);
  // Keeps in mind what `verdict`, just found out, says of the token for every resource.
  void RememberStanding(const Flight& flight, const Verdict& verdict);
  // Whether the same token is being checked for another resource.
  bool IsAskedElsewhere(const Flight& flight) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(flights_mutex_);

  const Options options_;
  Verifier& verifier_;
  const Executors executors_;
  RefusalBudget& refusal_budget_;
  Metrics& metrics_;
  const common::Clock& clock_;
  common::ExpiringCache<common::TokenDigest, Accepted> accepted_;
  common::ExpiringCache<common::TokenDigest, std::shared_ptr<const Verdict>> refusals_;
  // Of tokens that were accepted for some resource, by the token alone: whether they are good still. Made-up tokens
  // never get here. Empty without `stale_if_unavailable`.
  common::ExpiringCache<common::TokenDigest, Standing> standing_;
  absl::Mutex flights_mutex_;
  absl::flat_hash_map<common::TokenDigest, FlightPtr> flights_ ABSL_GUARDED_BY(flights_mutex_);
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_TOKEN_VERDICT_CACHE_H_
