#include "auth_service/token/verdict_cache.h"

#include <algorithm>
#include <utility>

#include "auth_service/token/token_form.h"
#include "common/log.h"
#include "common/proto_time.h"

namespace auth_service {
namespace {

// How long a token that was accepted is recognised after the time of its verdict.
constexpr absl::Duration kRecognitionTime = absl::Minutes(10);
// How long a verdict past its time is given before the provider is tried again.
constexpr absl::Duration kStaleReuseTime = absl::Seconds(1);

// A token without its resource.
common::TokenDigest DigestAlone(absl::string_view token) { return common::DigestToken(token, ""); }

// Whether `verdict` refuses a token, or its user, whatever the resource.
bool EndsToken(const Verdict& verdict) {
  switch (verdict.response.refusal().reason()) {
    case gatehouse::auth::v1::REFUSAL_REASON_INACTIVE:
    case gatehouse::auth::v1::REFUSAL_REASON_USER_SUSPENDED:
    case gatehouse::auth::v1::REFUSAL_REASON_USER_UNKNOWN:
      return true;
    default:
      return false;
  }
}

}  // namespace

VerdictCache::VerdictCache(Options options, Verifier& verifier, Executors executors, RefusalBudget& refusal_budget,
                           Metrics& metrics, const common::Clock& clock)
    : options_(options),
      verifier_(verifier),
      executors_(executors),
      refusal_budget_(refusal_budget),
      metrics_(metrics),
      clock_(clock),
      accepted_(options.capacity, clock),
      refusals_((options.capacity + 9) / 10, clock),
      standing_(options.stale_if_unavailable > absl::ZeroDuration() ? options.capacity : 0, clock) {}

std::shared_ptr<const Verdict> VerdictCache::Find(const common::TokenDigest& digest) {
  std::shared_ptr<const Verdict> verdict;
  if (std::optional<Accepted> accepted = accepted_.Get(digest); accepted.has_value()) {
    if (clock_.Now() < accepted->reuse_until) verdict = std::move(accepted->verdict);
  }
  if (verdict == nullptr) {
    std::optional<std::shared_ptr<const Verdict>> refusal = refusals_.Get(digest);
    if (refusal.has_value()) verdict = *std::move(refusal);
  }
  if (verdict != nullptr) metrics_.cache_hits.Increment();
  return verdict;
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
    flight->is_jwt = FormOf(token) == TokenForm::kJwt;
    flight->waiters.push_back({deadline, std::move(done)});
    under_way = flight;
  }
  // Only a JWT takes computing before it is known whether the provider must be asked.
  if (!flight->is_jwt) return RunLocally(flight);
  if (!executors_.local.Submit([this, flight] { RunLocally(flight); })) LandOverloaded(flight);
}

void VerdictCache::RunLocally(const FlightPtr& flight) {
  if (LandIfLate(flight)) return;
  flight->ask_time = clock_.Now();
  std::optional<Verdict> verdict = verifier_.VerifyLocally(flight->token, flight->resource);
  if (verdict.has_value()) return Land(flight, *std::move(verdict));
  SubmitToProvider(flight);
}

void VerdictCache::SubmitToProvider(const FlightPtr& flight) {
  // What a JWT may cost is bounded where keys are fetched, and a made-up one gets no further than that.
  if (!flight->is_jwt && !accepted_.Get(flight->digest).has_value()) {
    if (!refusal_budget_.Reserve()) {
      metrics_.over_refusal_budget.Increment();
      return Land(flight, absl::UnavailableError("too many unknown tokens were refused; try again"));
    }
    flight->on_budget = true;
  }
  common::Executor& executor = flight->is_jwt ? executors_.jwt : executors_.opaque;
  if (!executor.Submit([this, flight] { RunWithProvider(flight); })) LandOverloaded(flight);
}

void VerdictCache::RunWithProvider(const FlightPtr& flight) {
  while (true) {
    if (LandIfLate(flight)) return;
    const absl::Time deadline = LastDeadline(*flight);
    const bool can_be_stale = FindStale(*flight).has_value();
    const absl::Time now = clock_.Now();
    flight->ask_time = now;
    absl::StatusOr<Verdict> verdict = verifier_.VerifyWithProvider(
        flight->token, flight->resource, can_be_stale ? now + (deadline - now) / 2 : deadline);
    if (verdict.ok()) return Land(flight, std::move(verdict));
    // If the check ended because its callers' time did, it goes on for those who joined later with more of it.
    if (can_be_stale || clock_.Now() < deadline) return LandWithoutProvider(flight, verdict.status());
  }
}

void VerdictCache::Land(const FlightPtr& flight, absl::StatusOr<Verdict> verdict) {
  if (flight->on_budget && !(verdict.ok() && verdict->response.has_refusal())) refusal_budget_.GiveBack();
  const Result result = verdict.ok() ? Result(Remember(*flight, *std::move(verdict))) : Result(verdict.status());
  std::vector<Waiter> waiters;
  {
    absl::MutexLock lock(&flights_mutex_);
    flights_.erase(flight->digest);
    waiters = std::move(flight->waiters);
  }
  for (const Waiter& waiter : waiters) waiter.done(result);
}

bool VerdictCache::LandIfLate(const FlightPtr& flight) {
  std::vector<Waiter> waiters;
  {
    // In one step: whoever joins before it has more time, and whoever comes after it is not told that there was none.
    absl::MutexLock lock(&flights_mutex_);
    const absl::Time now = clock_.Now();
    for (const Waiter& waiter : flight->waiters) {
      if (waiter.deadline > now) return false;
    }
    flights_.erase(flight->digest);
    waiters = std::move(flight->waiters);
  }
  if (flight->on_budget) refusal_budget_.GiveBack();
  const Result late = absl::DeadlineExceededError("the caller's time is over");
  for (const Waiter& waiter : waiters) waiter.done(late);
  return true;
}

void VerdictCache::LandWithoutProvider(const FlightPtr& flight, const absl::Status& reason) {
  const std::optional<Accepted> stale = FindStale(*flight);
  if (!stale.has_value()) return Land(flight, reason);
  common::Log(
      common::Severity::kWarning, "token_accepted_stale",
      {{"message", reason.message()}, {"stale_seconds", absl::ToInt64Seconds(clock_.Now() - stale->checked_until)}});
  Verdict verdict = *stale->verdict;
  verdict.stale = true;
  Land(flight, std::move(verdict));
}

void VerdictCache::LandOverloaded(const FlightPtr& flight) {
  metrics_.overloaded.Increment();
  LandWithoutProvider(flight, absl::UnavailableError("too many token checks are under way"));
}

std::optional<VerdictCache::Accepted> VerdictCache::FindStale(const Flight& flight) {
  const std::optional<Standing> standing = standing_.Get(DigestAlone(flight.token));
  if (!standing.has_value() || !standing->good) return std::nullopt;
  std::optional<Accepted> accepted = accepted_.Get(flight.digest);
  if (accepted.has_value() && clock_.Now() >= accepted->stale_until) accepted.reset();
  return accepted;
}

absl::Time VerdictCache::LastDeadline(const Flight& flight) {
  absl::MutexLock lock(&flights_mutex_);
  absl::Time last = absl::InfinitePast();
  for (const Waiter& waiter : flight.waiters) last = std::max(last, waiter.deadline);
  return last;
}

std::shared_ptr<const Verdict> VerdictCache::Remember(const Flight& flight, Verdict verdict) {
  const common::TokenDigest& digest = flight.digest;
  const absl::Time now = clock_.Now();
  if (!verdict.stale) RememberStanding(flight, verdict);
  if (!verdict.accepted()) {
    accepted_.Put(digest, {}, absl::InfinitePast());  // a token that was refused once is good no more
    const absl::Time reuse_until = now + options_.negative_ttl;
    SetTimestamp(reuse_until, *verdict.response.mutable_reuse_until_time());
    auto refusal = std::make_shared<const Verdict>(std::move(verdict));
    refusals_.Put(digest, refusal, reuse_until);
    return refusal;
  }
  // A token that is accepted in its clock skew is past its expiry: its verdict is good for this moment only.
  const auto& principal = verdict.response.principal();
  const absl::Time last =
      principal.has_expire_time() ? std::max(now, common::FromProto(principal.expire_time())) : absl::InfiniteFuture();
  Accepted accepted;
  if (verdict.stale) {
    const std::optional<Accepted> before = FindStale(flight);
    accepted.checked_until = before.has_value() ? before->checked_until : now;
    accepted.stale_until = before.has_value() ? before->stale_until : now;
    accepted.reuse_until = std::min(now + kStaleReuseTime, accepted.stale_until);
  } else {
    accepted.checked_until = accepted.reuse_until = std::min(now + options_.ttl, last);
    accepted.stale_until = std::min(accepted.reuse_until + options_.stale_if_unavailable, last);
  }
  SetTimestamp(accepted.reuse_until, *verdict.response.mutable_reuse_until_time());
  accepted.verdict = std::make_shared<const Verdict>(std::move(verdict));
  const absl::Time keep_until = std::max(accepted.reuse_until + kRecognitionTime, accepted.stale_until);
  std::shared_ptr<const Verdict> remembered = accepted.verdict;
  accepted_.Put(digest, std::move(accepted), keep_until);
  return remembered;
}

void VerdictCache::RememberStanding(const Flight& flight, const Verdict& verdict) {
  if (options_.stale_if_unavailable <= absl::ZeroDuration()) return;
  if (!verdict.accepted() && !EndsToken(verdict)) return;
  const common::TokenDigest token = DigestAlone(flight.token);
  absl::MutexLock lock(&flights_mutex_);
  const std::optional<Standing> before = standing_.Get(token);
  if (verdict.accepted()) {
    // The answer of a provider that was asked before it refused the token is older than the refusal.
    if (before.has_value() && !before->good && flight.ask_time <= before->ask_time) return;
  } else if (!before.has_value() && !IsAskedElsewhere(flight)) {
    return;
  }
  // As long as any principal of this token can be stale.
  standing_.Put(token, {verdict.accepted(), flight.ask_time},
                clock_.Now() + options_.ttl + options_.stale_if_unavailable);
}

bool VerdictCache::IsAskedElsewhere(const Flight& flight) const {
  return std::any_of(flights_.begin(), flights_.end(), [&flight](const auto& other) {
    return other.second.get() != &flight && other.second->token == flight.token;
  });
}

}  // namespace auth_service
