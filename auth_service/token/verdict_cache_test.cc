#include "auth_service/token/verdict_cache.h"

#include <deque>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "common/proto_time.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

constexpr char kResource[] = "https://mcp.example.com/mcp";
constexpr char kJwt[] = "e30.e30.";

// Keeps tasks until the test runs them.
class ManualExecutor final : public common::Executor {
 public:
  bool Submit(std::function<void()> task) override {
    if (tasks_.size() >= room) return false;
    tasks_.push_back(std::move(task));
    return true;
  }

  void RunAll() {
    while (!tasks_.empty()) {
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

  size_t size() const { return tasks_.size(); }

  size_t room = 100;

 private:
  std::deque<std::function<void()>> tasks_;
};

// Says what it is told to.
class ScriptedVerifier final : public Verifier {
 public:
  std::optional<Verdict> VerifyLocally(absl::string_view, absl::string_view) override {
    ++local_calls;
    return local;
  }

  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view, absl::string_view, absl::Time deadline) override {
    ++provider_calls;
    deadlines.push_back(deadline);
    if (during_provider_call) during_provider_call();
    return provider;
  }

  int local_calls = 0;
  int provider_calls = 0;
  std::optional<Verdict> local;
  absl::StatusOr<Verdict> provider = absl::UnavailableError("no script");
  std::vector<absl::Time> deadlines;
  std::function<void()> during_provider_call;
};

Verdict Principal(const std::string& subject, absl::Time expire_time = absl::InfiniteFuture()) {
  Verdict verdict;
  verdict.response.mutable_principal()->set_subject(subject);
  if (expire_time != absl::InfiniteFuture()) {
    SetTimestamp(expire_time, *verdict.response.mutable_principal()->mutable_expire_time());
  }
  return verdict;
}

class VerdictCacheTest : public ::testing::Test {
 protected:
  VerdictCacheTest() : metrics_(registry_) { Make({100, absl::Seconds(60), absl::Seconds(5), absl::ZeroDuration()}); }

  void Make(VerdictCache::Options options) {
    cache_ = std::make_unique<VerdictCache>(
        options, verifier_, VerdictCache::Executors{local_, jwt_provider_, provider_}, budget_, metrics_, clock_);
  }

  static common::TokenDigest Digest(absl::string_view token) { return common::DigestToken(token, kResource); }

  // Starts a check whose result lands in the deque at the index returned.
  size_t Ask(absl::string_view token, absl::Duration time_left = absl::Seconds(10),
             absl::string_view resource = kResource) {
    const size_t index = results_.size();
    results_.emplace_back();
    cache_->Verify(common::DigestToken(token, resource), token, resource, clock_.Now() + time_left,
                   [this, index](const VerdictCache::Result& result) {
                     EXPECT_FALSE(results_[index].has_value()) << "answered twice";
                     results_[index] = result;
                   });
    return index;
  }

  void RunAll() {
    while (local_.size() + jwt_provider_.size() + provider_.size() > 0) {
      local_.RunAll();
      jwt_provider_.RunAll();
      provider_.RunAll();
    }
  }

  std::string SubjectOf(size_t index) {
    return results_[index].has_value() && results_[index]->ok() ? (**results_[index])->response.principal().subject()
                                                                : "none";
  }

  absl::StatusCode CodeOf(size_t index) {
    return results_[index].has_value() ? results_[index]->status().code() : absl::StatusCode::kUnknown;
  }

  common::FakeClock clock_;
  prometheus::Registry registry_;
  Metrics metrics_;
  ScriptedVerifier verifier_;
  ManualExecutor local_;
  ManualExecutor jwt_provider_;
  ManualExecutor provider_;
  RefusalBudget budget_{10'000, clock_};
  std::unique_ptr<VerdictCache> cache_;
  std::deque<std::optional<VerdictCache::Result>> results_;
};

TEST_F(VerdictCacheTest, APrincipalIsRememberedForTheTtl) {
  verifier_.provider = Principal("alice");
  EXPECT_EQ(cache_->Find(Digest("t")), nullptr);
  const size_t first = Ask("t");
  RunAll();
  EXPECT_EQ(SubjectOf(first), "alice");
  EXPECT_EQ(common::FromProto((**results_[first])->response.reuse_until_time()), clock_.Now() + absl::Seconds(60));
  clock_.Advance(absl::Seconds(59));
  ASSERT_NE(cache_->Find(Digest("t")), nullptr);
  EXPECT_EQ(cache_->Find(Digest("t"))->response.principal().subject(), "alice");
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(cache_->Find(Digest("t")), nullptr);
  EXPECT_EQ(verifier_.provider_calls, 1);
}

TEST_F(VerdictCacheTest, NoVerdictIsRememberedPastTheTokensExpiry) {
  verifier_.local = Principal("alice", clock_.Now() + absl::Seconds(20));
  const size_t asked = Ask(kJwt);
  RunAll();
  EXPECT_EQ(common::FromProto((**results_[asked])->response.reuse_until_time()), clock_.Now() + absl::Seconds(20));
  clock_.Advance(absl::Seconds(19));
  EXPECT_NE(cache_->Find(Digest(kJwt)), nullptr);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(cache_->Find(Digest(kJwt)), nullptr);
}

TEST_F(VerdictCacheTest, ATokenAcceptedWithinTheSkewIsNotRemembered) {
  verifier_.local = Principal("alice", clock_.Now() - absl::Seconds(20));
  const size_t asked = Ask(kJwt);
  RunAll();
  EXPECT_EQ(SubjectOf(asked), "alice");
  EXPECT_EQ(common::FromProto((**results_[asked])->response.reuse_until_time()), clock_.Now());
  EXPECT_EQ(cache_->Find(Digest(kJwt)), nullptr);
}

TEST_F(VerdictCacheTest, ARefusalIsRememberedForAShortTime) {
  verifier_.provider = Refuse(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE, "401");
  const size_t asked = Ask("t");
  RunAll();
  EXPECT_EQ(common::FromProto((**results_[asked])->response.reuse_until_time()), clock_.Now() + absl::Seconds(5));
  clock_.Advance(absl::Seconds(4));
  EXPECT_NE(cache_->Find(Digest("t")), nullptr);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(cache_->Find(Digest("t")), nullptr);
}

TEST_F(VerdictCacheTest, GarbageDoesNotCrowdOutGoodTokens) {
  verifier_.provider = Principal("alice");
  Ask("good");
  RunAll();
  verifier_.provider = Refuse(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE, "401");
  for (int i = 0; i < 5000; ++i) {
    Ask("bad" + std::to_string(i));
    RunAll();
  }
  EXPECT_NE(cache_->Find(Digest("good")), nullptr);
}

TEST_F(VerdictCacheTest, AnOutageIsNeverRemembered) {
  verifier_.provider = absl::UnavailableError("down");
  const size_t during = Ask("t");
  RunAll();
  EXPECT_EQ(CodeOf(during), absl::StatusCode::kUnavailable);
  verifier_.provider = Principal("alice");
  const size_t after = Ask("t");
  RunAll();
  EXPECT_EQ(SubjectOf(after), "alice");
  EXPECT_EQ(verifier_.provider_calls, 2);
}

TEST_F(VerdictCacheTest, RememberedVerdictsOutliveAnOutageUntilTheyEnd) {
  verifier_.provider = Principal("alice");
  Ask("t");
  RunAll();
  verifier_.provider = absl::UnavailableError("down");
  clock_.Advance(absl::Seconds(30));
  EXPECT_NE(cache_->Find(Digest("t")), nullptr);
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(cache_->Find(Digest("t")), nullptr);
  const size_t asked = Ask("t");
  RunAll();
  EXPECT_EQ(CodeOf(asked), absl::StatusCode::kUnavailable);
}

TEST_F(VerdictCacheTest, ChecksOfOneTokenShareOneProviderCall) {
  verifier_.provider = Principal("alice");
  for (int i = 0; i < 50; ++i) Ask("t");
  Ask("other");
  EXPECT_EQ(provider_.size(), 2u);
  RunAll();
  EXPECT_EQ(verifier_.provider_calls, 2);
  for (size_t i = 0; i < results_.size(); ++i) EXPECT_EQ(SubjectOf(i), "alice") << i;
  EXPECT_EQ(metrics_.cache_joined.Value(), 49);
  EXPECT_EQ(metrics_.cache_misses.Value(), 2);
}

TEST_F(VerdictCacheTest, ResourcesDoNotShareVerdicts) {
  verifier_.provider = Principal("alice");
  Ask("t");
  RunAll();
  EXPECT_EQ(cache_->Find(common::DigestToken("t", "https://mcp.example.com/sse")), nullptr);
}

TEST_F(VerdictCacheTest, AVerdictThatLandedMeanwhileIsUsed) {
  verifier_.provider = Principal("alice");
  Ask("t");
  RunAll();
  const size_t late = Ask("t");  // by one who looked before it landed
  EXPECT_EQ(SubjectOf(late), "alice");
  EXPECT_EQ(verifier_.provider_calls, 1);
}

TEST_F(VerdictCacheTest, TheCheckTakesAsLongAsItsMostPatientCaller) {
  verifier_.provider = Principal("alice");
  Ask("t", absl::Seconds(1));
  Ask("t", absl::Seconds(8));
  Ask("t", absl::Seconds(3));
  const absl::Time now = clock_.Now();
  RunAll();
  EXPECT_EQ(verifier_.deadlines, std::vector<absl::Time>{now + absl::Seconds(8)});
}

TEST_F(VerdictCacheTest, ACheckCutShortGoesOnForThoseWhoJoinedLater) {
  verifier_.provider = absl::UnavailableError("too slow");
  size_t patient = 0;
  verifier_.during_provider_call = [&] {
    if (verifier_.provider_calls > 1) return;
    patient = Ask("t", absl::Seconds(20));
    clock_.Advance(absl::Seconds(1));
    verifier_.during_provider_call = [&] { verifier_.provider = Principal("alice"); };
  };
  Ask("t", absl::Seconds(1));
  RunAll();
  EXPECT_EQ(verifier_.provider_calls, 2);
  EXPECT_EQ(SubjectOf(patient), "alice");
}

TEST_F(VerdictCacheTest, NothingIsAskedForCallersWhoseTimeIsOver) {
  const size_t opaque = Ask("t", absl::Seconds(1));
  const size_t jwt = Ask(kJwt, absl::Seconds(1));
  clock_.Advance(absl::Seconds(1));
  RunAll();
  EXPECT_EQ(CodeOf(opaque), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(CodeOf(jwt), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(verifier_.provider_calls, 0);
  EXPECT_EQ(verifier_.local_calls, 1);  // the opaque token's, at once
}

TEST_F(VerdictCacheTest, AFullExecutorMeansUnavailableAndIsNotRemembered) {
  verifier_.provider = Principal("alice");
  provider_.room = 0;
  const size_t opaque = Ask("t");
  EXPECT_EQ(CodeOf(opaque), absl::StatusCode::kUnavailable);
  local_.room = 0;
  const size_t jwt = Ask(kJwt);
  EXPECT_EQ(CodeOf(jwt), absl::StatusCode::kUnavailable);
  EXPECT_EQ(metrics_.overloaded.Value(), 2);
  provider_.room = local_.room = 100;
  const size_t again = Ask("t");
  RunAll();
  EXPECT_EQ(SubjectOf(again), "alice");
}

TEST_F(VerdictCacheTest, AProviderThatHangsDoesNotHoldUpLocalVerdicts) {
  Ask("opaque");  // waits for the provider
  EXPECT_EQ(provider_.size(), 1u);
  verifier_.local = Principal("alice");
  const size_t jwt = Ask(kJwt);
  local_.RunAll();
  EXPECT_EQ(SubjectOf(jwt), "alice");
  EXPECT_EQ(provider_.size(), 1u);
}

TEST_F(VerdictCacheTest, WhatIsToldLocallyAsksNobody) {
  verifier_.local = Refuse(gatehouse::auth::v1::REFUSAL_REASON_OPAQUE_NOT_ALLOWED, "no");
  const size_t asked = Ask("t");
  EXPECT_TRUE(results_[asked].has_value());
  EXPECT_EQ(local_.size() + provider_.size(), 0u);
}

TEST_F(VerdictCacheTest, WithATtlOfZeroNothingIsRememberedButWorkIsStillShared) {
  Make({100, absl::ZeroDuration(), absl::ZeroDuration(), absl::ZeroDuration()});
  verifier_.provider = Principal("alice");
  const size_t first = Ask("t");
  const size_t second = Ask("t");
  RunAll();
  EXPECT_EQ(verifier_.provider_calls, 1);
  EXPECT_EQ(SubjectOf(first), "alice");
  EXPECT_EQ(SubjectOf(second), "alice");
  EXPECT_EQ(common::FromProto((**results_[first])->response.reuse_until_time()), clock_.Now());
  EXPECT_EQ(cache_->Find(Digest("t")), nullptr);
  Ask("t");
  RunAll();
  EXPECT_EQ(verifier_.provider_calls, 2);
}

TEST_F(VerdictCacheTest, AFloodOfOpaqueTokensDoesNotHoldUpJwtsThatNeedTheProvider) {
  verifier_.provider = Principal("alice");
  provider_.room = 1;
  Ask("opaque");
  const size_t flood = Ask("another");
  EXPECT_EQ(CodeOf(flood), absl::StatusCode::kUnavailable);
  const size_t jwt = Ask(kJwt);
  local_.RunAll();
  jwt_provider_.RunAll();
  EXPECT_EQ(SubjectOf(jwt), "alice");
}

// A cache whose budget is five refusals, and one more each second.
class RefusalBudgetCacheTest : public VerdictCacheTest {
 protected:
  RefusalBudgetCacheTest() {
    cache_ = std::make_unique<VerdictCache>(
        VerdictCache::Options{100, absl::Seconds(60), absl::Seconds(5), absl::ZeroDuration()}, verifier_,
        VerdictCache::Executors{local_, jwt_provider_, provider_}, small_budget_, metrics_, clock_);
  }

  // Asks with made-up tokens until one is not let through; how many were.
  int Flood() {
    verifier_.provider = Refuse(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE, "401");
    for (int i = 0;; ++i) {
      const size_t asked = Ask("made-up" + std::to_string(made_up_++));
      RunAll();
      if (CodeOf(asked) == absl::StatusCode::kUnavailable) return i;
    }
  }

  RefusalBudget small_budget_{1, clock_};
  int made_up_ = 0;
};

TEST_F(RefusalBudgetCacheTest, MadeUpTokensReachTheProviderNoFasterThanTheBudgetSays) {
  EXPECT_EQ(Flood(), 5);
  EXPECT_EQ(verifier_.provider_calls, 5);
  EXPECT_EQ(metrics_.over_refusal_budget.Value(), 1);
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Flood(), 2);
  EXPECT_EQ(verifier_.provider_calls, 7);
}

TEST_F(RefusalBudgetCacheTest, NewGoodTokensCostNothing) {
  verifier_.provider = Principal("alice");
  for (int i = 0; i < 100; ++i) {
    const size_t asked = Ask("good" + std::to_string(i));
    RunAll();
    EXPECT_EQ(SubjectOf(asked), "alice");
  }
  verifier_.provider = absl::UnavailableError("down");  // and outages are nobody's fault
  for (int i = 0; i < 100; ++i) {
    Ask("unlucky" + std::to_string(i));
    RunAll();
  }
  EXPECT_EQ(Flood(), 5);
}

TEST_F(RefusalBudgetCacheTest, ATokenThatWasGoodIsCheckedAgainWhateverTheFloodHasUsedUp) {
  verifier_.provider = Principal("alice");
  Ask("good");
  RunAll();
  Flood();
  EXPECT_NE(cache_->Find(Digest("good")), nullptr);
  clock_.Advance(absl::Seconds(60));  // its verdict's time is over
  Flood();
  verifier_.provider = Principal("alice");
  const size_t known = Ask("good");
  const size_t unknown = Ask("good, but new");
  RunAll();
  EXPECT_EQ(SubjectOf(known), "alice");
  EXPECT_EQ(CodeOf(unknown), absl::StatusCode::kUnavailable);  // which is 503 and Retry-After, never 401
  // Once it has been refused it is a token like any other.
  clock_.Advance(absl::Seconds(60));
  Flood();
  verifier_.provider = Refuse(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE, "revoked");
  Ask("good");
  RunAll();
  clock_.Advance(absl::Seconds(5));
  Flood();
  const size_t revoked = Ask("good");
  RunAll();
  EXPECT_EQ(CodeOf(revoked), absl::StatusCode::kUnavailable);
}

TEST_F(RefusalBudgetCacheTest, JwtsAreNotOnTheBudget) {
  Flood();
  verifier_.provider = Refuse(gatehouse::auth::v1::REFUSAL_REASON_UNKNOWN_KEY, "no such key");
  for (int i = 0; i < 10; ++i) {
    const size_t asked = Ask("e30.e30." + std::to_string(i));
    RunAll();
    EXPECT_EQ(CodeOf(asked), absl::StatusCode::kOk);
  }
}

// The outage table of README.md, with stale_if_unavailable of two minutes.
class StaleVerdictTest : public VerdictCacheTest {
 protected:
  StaleVerdictTest() { Make({100, absl::Seconds(60), absl::Seconds(5), absl::Minutes(2)}); }

  // Accepts "t" as alice's, then lets the provider be away.
  void AcceptThenGoAway(absl::Time expire_time = absl::InfiniteFuture()) {
    verifier_.provider = Principal("alice", expire_time);
    Ask("t");
    RunAll();
    verifier_.provider = absl::UnavailableError("down");
  }

  size_t AskAndRun(absl::string_view token = "t", absl::string_view resource = kResource) {
    const size_t asked = Ask(token, absl::Seconds(10), resource);
    RunAll();
    return asked;
  }
};

TEST_F(StaleVerdictTest, WhileTheProviderIsAwayAPrincipalIsUsedForSoMuchLonger) {
  AcceptThenGoAway();
  clock_.Advance(absl::Seconds(60));
  const size_t first = AskAndRun();
  EXPECT_EQ(SubjectOf(first), "alice");
  EXPECT_TRUE((**results_[first])->stale);
  // For a moment only, so that the provider is soon tried again.
  EXPECT_EQ(common::FromProto((**results_[first])->response.reuse_until_time()), clock_.Now() + absl::Seconds(1));
  EXPECT_NE(cache_->Find(Digest("t")), nullptr);
  clock_.Advance(absl::Seconds(119));
  const size_t last = AskAndRun();
  EXPECT_EQ(SubjectOf(last), "alice");
  EXPECT_EQ(verifier_.provider_calls, 3);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(cache_->Find(Digest("t")), nullptr);
  EXPECT_EQ(CodeOf(AskAndRun()), absl::StatusCode::kUnavailable);
}

TEST_F(StaleVerdictTest, UsingItAgainAndAgainDoesNotMakeItLonger) {
  AcceptThenGoAway();
  clock_.Advance(absl::Seconds(60));
  for (int i = 0; i < 120; ++i) {
    EXPECT_EQ(SubjectOf(AskAndRun()), "alice") << i;
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(CodeOf(AskAndRun()), absl::StatusCode::kUnavailable);
}

TEST_F(StaleVerdictTest, NeverPastTheExpiryOfTheToken) {
  AcceptThenGoAway(clock_.Now() + absl::Seconds(70));
  clock_.Advance(absl::Seconds(69));
  const size_t before = AskAndRun();
  EXPECT_EQ(SubjectOf(before), "alice");
  EXPECT_EQ(common::FromProto((**results_[before])->response.reuse_until_time()), clock_.Now() + absl::Seconds(1));
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(cache_->Find(Digest("t")), nullptr);
  EXPECT_EQ(CodeOf(AskAndRun()), absl::StatusCode::kUnavailable);
}

TEST_F(StaleVerdictTest, NeverOnceTheTokenHasBeenRefused) {
  AcceptThenGoAway();
  clock_.Advance(absl::Seconds(60));
  verifier_.provider = Refuse(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE, "revoked");
  EXPECT_TRUE((**results_[AskAndRun()])->response.has_refusal());
  verifier_.provider = absl::UnavailableError("down");
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(CodeOf(AskAndRun()), absl::StatusCode::kUnavailable);
}

TEST_F(StaleVerdictTest, NeverOnceTheTokenOrItsUserHasBeenRefusedForAnotherResource) {
  constexpr char kOther[] = "https://mcp.example.com/sse";
  for (const auto reason :
       {gatehouse::auth::v1::REFUSAL_REASON_INACTIVE, gatehouse::auth::v1::REFUSAL_REASON_USER_SUSPENDED,
        gatehouse::auth::v1::REFUSAL_REASON_USER_UNKNOWN}) {
    clock_.Advance(absl::Seconds(1));  // what was given stale is over
    AcceptThenGoAway();
    clock_.Advance(absl::Seconds(60));
    EXPECT_EQ(SubjectOf(AskAndRun()), "alice");
    verifier_.provider = Refuse(reason, "gone");
    EXPECT_TRUE((**results_[AskAndRun("t", kOther)])->response.has_refusal());
    verifier_.provider = absl::UnavailableError("down");
    clock_.Advance(absl::Seconds(5));
    EXPECT_EQ(CodeOf(AskAndRun()), absl::StatusCode::kUnavailable) << reason;
    // An acceptance since then counts.
    verifier_.provider = Principal("alice");
    AskAndRun("t", kOther);
    verifier_.provider = absl::UnavailableError("down");
    EXPECT_EQ(SubjectOf(AskAndRun()), "alice") << reason;
  }
}

TEST_F(StaleVerdictTest, AnAnswerThatWasAskedForBeforeARefusalDoesNotUndoIt) {
  constexpr char kOther[] = "https://mcp.example.com/sse";
  verifier_.during_provider_call = [&] {  // the provider has said yes, and is then asked for another resource
    verifier_.during_provider_call = nullptr;
    clock_.Advance(absl::Seconds(1));
    verifier_.provider = Refuse(gatehouse::auth::v1::REFUSAL_REASON_INACTIVE, "revoked");
    EXPECT_TRUE((**results_[AskAndRun("t", kOther)])->response.has_refusal());
    verifier_.provider = Principal("alice");
  };
  EXPECT_EQ(SubjectOf(AskAndRun()), "alice");
  verifier_.provider = absl::UnavailableError("down");
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(CodeOf(AskAndRun()), absl::StatusCode::kUnavailable);
}

TEST_F(StaleVerdictTest, ARefusalThatIsOfTheResourceEndsNothingElse) {
  AcceptThenGoAway();
  clock_.Advance(absl::Seconds(60));
  verifier_.provider = Refuse(gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE, "aud");
  EXPECT_TRUE((**results_[AskAndRun("t", "https://mcp.example.com/sse")])->response.has_refusal());
  verifier_.provider = absl::UnavailableError("down");
  EXPECT_EQ(SubjectOf(AskAndRun()), "alice");
}

TEST_F(StaleVerdictTest, AProviderThatIsBackIsBelievedAtOnce) {
  AcceptThenGoAway();
  clock_.Advance(absl::Seconds(60));
  AskAndRun();
  clock_.Advance(absl::Seconds(1));
  verifier_.provider = Principal("alice");
  const size_t back = AskAndRun();
  EXPECT_FALSE((**results_[back])->stale);
  EXPECT_EQ(common::FromProto((**results_[back])->response.reuse_until_time()), clock_.Now() + absl::Seconds(60));
}

TEST_F(StaleVerdictTest, ASlowProviderHasHalfOfTheCallersTime) {
  AcceptThenGoAway();
  clock_.Advance(absl::Seconds(60));
  const absl::Time now = clock_.Now();
  verifier_.during_provider_call = [&] { clock_.Advance(absl::Seconds(5)); };
  const size_t asked = Ask("t", absl::Seconds(10));
  RunAll();
  EXPECT_EQ(verifier_.deadlines.back(), now + absl::Seconds(5));
  EXPECT_EQ(SubjectOf(asked), "alice");
}

TEST_F(StaleVerdictTest, WithoutRoomForTheCheckItIsUsedToo) {
  AcceptThenGoAway();
  clock_.Advance(absl::Seconds(60));
  provider_.room = 0;
  EXPECT_EQ(SubjectOf(AskAndRun()), "alice");
}

TEST_F(StaleVerdictTest, ATokenThatIsNewGainsNothing) {
  AcceptThenGoAway();
  EXPECT_EQ(CodeOf(AskAndRun("new")), absl::StatusCode::kUnavailable);
}

TEST_F(StaleVerdictTest, WithoutTheSettingNothingIsUsedPastItsTime) {
  Make({100, absl::Seconds(60), absl::Seconds(5), absl::ZeroDuration()});
  AcceptThenGoAway();
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(CodeOf(AskAndRun()), absl::StatusCode::kUnavailable);
}

// On real threads: many callers of few tokens.
TEST(VerdictCacheThreadsTest, EveryCallerIsAnsweredOnce) {
  class Echo final : public Verifier {
   public:
    std::optional<Verdict> VerifyLocally(absl::string_view, absl::string_view) override { return std::nullopt; }
    absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view, absl::Time) override {
      return Principal(std::string(token));
    }
  } verifier;
  const common::SystemClock clock;
  prometheus::Registry registry;
  Metrics metrics(registry);
  common::ThreadExecutor local(2, 1000);
  common::ThreadExecutor provider(4, 1000);
  RefusalBudget budget(1, clock);
  VerdictCache cache({16, absl::Milliseconds(1), absl::Milliseconds(1), absl::ZeroDuration()}, verifier,
                     {local, provider, provider}, budget, metrics, clock);
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const std::string token = i % 2 == 0 ? "e30.e30." + std::to_string(i % 10) : "opaque" + std::to_string(i % 10);
        absl::Notification answered;
        cache.Verify(common::DigestToken(token, kResource), token, kResource, clock.Now() + absl::Seconds(30),
                     [&](const VerdictCache::Result& result) {
                       if (result.ok() && (*result)->response.principal().subject() == token) ++right;
                       answered.Notify();
                     });
        answered.WaitForNotification();
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  local.Stop();
  provider.Stop();
  EXPECT_EQ(right, 4000);
}

}  // namespace
}  // namespace auth_service
