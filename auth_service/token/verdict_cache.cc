#include "auth_service/token/verdict_cache.h"

#include <algorithm>
#include <utility>

#include "auth_service/token/token_form.h"
#include "common/proto_time.h"

namespace auth_service {

VerdictCache::VerdictCache(Options options, Verifier& verifier, common::Executor& local, common::Executor& provider,
                           Metrics& metrics, const common::Clock& clock)
    : options_(options),
      verifier_(verifier),
      local_(local),
      provider_(provider),
      metrics_(metrics),
      clock_(clock),
      principals_(options.capacity, clock),
      refusals_((options.capacity + 9) / 10, clock) {}

std::shared_ptr<const Verdict> VerdictCache::Find(const common::TokenDigest& digest) {
  std::optional<std::shared_ptr<const Verdict>> found = principals_.Get(digest);
  if (!found.has_value()) found = refusals_.Get(digest);
  if (!found.has_value()) return nullptr;
  metrics_.cache_hits.Increment();
  return *std::move(found);
}

void VerdictCache::Verify(const common::TokenDigest& digest, absl::string_view token, absl::string_view resource,
                          absl::Time deadline, Callback done) {
  FlightPtr flight;
  {
    absl::ReleasableMutexLock lock(&flights_mutex_);
    FlightPtr& under_way = flights_[digest];
    if (under_way != nullptr) {
      metrics_.cache_joined.Increment();
      under_way->waiters.push_back({deadline, std::move(done)});
      return;
    }
    // A flight that landed since the caller looked has left its verdict before it went.
    if (const std::shared_ptr<const Verdict> found = Find(digest); found != nullptr) {
      flights_.erase(digest);
      lock.Release();
      done(found);
      return;
    }
    metrics_.cache_misses.Increment();
    flight = std::make_shared<Flight>();
    flight->digest = digest;
    flight->token = std::string(token);
    flight->resource = std::string(resource);
    flight->waiters.push_back({deadline, std::move(done)});
    under_way = flight;
  }
  // Only a JWT takes computing before it is known whether the provider must be asked.
  if (FormOf(token) != TokenForm::kJwt) return RunLocally(flight);
  if (!local_.Submit([this, flight] { RunLocally(flight); })) LandOverloaded(flight);
}

void VerdictCache::RunLocally(const FlightPtr& flight) {
  if (LastDeadline(*flight) <= clock_.Now()) {
    return Land(flight, absl::DeadlineExceededError("the caller's time is over"));
  }
  std::optional<Verdict> verdict = verifier_.VerifyLocally(flight->token, flight->resource);
  if (verdict.has_value()) return Land(flight, *std::move(verdict));
  if (!provider_.Submit([this, flight] { RunWithProvider(flight); })) LandOverloaded(flight);
}

void VerdictCache::RunWithProvider(const FlightPtr& flight) {
  while (true) {
    const absl::Time deadline = LastDeadline(*flight);
    if (deadline <= clock_.Now()) return Land(flight, absl::DeadlineExceededError("the caller's time is over"));
    absl::StatusOr<Verdict> verdict = verifier_.VerifyWithProvider(flight->token, flight->resource, deadline);
    // If the check ended because its callers' time did, it goes on for those who joined later with more of it.
    if (verdict.ok() || clock_.Now() < deadline) return Land(flight, std::move(verdict));
  }
}

void VerdictCache::Land(const FlightPtr& flight, absl::StatusOr<Verdict> verdict) {
  const Result result = verdict.ok() ? Result(Remember(flight->digest, *std::move(verdict))) : Result(verdict.status());
  std::vector<Waiter> waiters;
  {
    absl::MutexLock lock(&flights_mutex_);
    flights_.erase(flight->digest);
    waiters = std::move(flight->waiters);
  }
  for (const Waiter& waiter : waiters) waiter.done(result);
}

void VerdictCache::LandOverloaded(const FlightPtr& flight) {
  metrics_.overloaded.Increment();
  Land(flight, absl::UnavailableError("too many token checks are under way"));
}

absl::Time VerdictCache::LastDeadline(const Flight& flight) {
  absl::MutexLock lock(&flights_mutex_);
  absl::Time last = absl::InfinitePast();
  for (const Waiter& waiter : flight.waiters) last = std::max(last, waiter.deadline);
  return last;
}

std::shared_ptr<const Verdict> VerdictCache::Remember(const common::TokenDigest& digest, Verdict verdict) {
  const absl::Time now = clock_.Now();
  absl::Time reuse_until = now + (verdict.accepted() ? options_.ttl : options_.negative_ttl);
  if (verdict.accepted() && verdict.response.principal().has_expire_time()) {
    // A token that is accepted in its clock skew is past its expiry: its verdict is good for this moment only.
    reuse_until = std::max(now, std::min(reuse_until, common::FromProto(verdict.response.principal().expire_time())));
  }
  SetTimestamp(reuse_until, *verdict.response.mutable_reuse_until_time());
  auto& room = verdict.accepted() ? principals_ : refusals_;
  auto remembered = std::make_shared<const Verdict>(std::move(verdict));
  room.Put(digest, remembered, reuse_until);
  return remembered;
}

}  // namespace auth_service
