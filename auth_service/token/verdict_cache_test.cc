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
  VerdictCacheTest() : metrics_(registry_) { Make({100, absl::Seconds(60), absl::Seconds(5)}); }

  void Make(VerdictCache::Options options) {
    cache_ = std::make_unique<VerdictCache>(options, verifier_, local_, provider_, metrics_, clock_);
  }

  static common::TokenDigest Digest(absl::string_view token) { return common::DigestToken(token, kResource); }

  // Starts a check whose result lands in the deque at the index returned.
  size_t Ask(absl::string_view token, absl::Duration time_left = absl::Seconds(10)) {
    const size_t index = results_.size();
    results_.emplace_back();
    cache_->Verify(Digest(token), token, kResource, clock_.Now() + time_left,
                   [this, index](const VerdictCache::Result& result) {
                     EXPECT_FALSE(results_[index].has_value()) << "answered twice";
                     results_[index] = result;
                   });
    return index;
  }

  void RunAll() {
    while (local_.size() + provider_.size() > 0) {
      local_.RunAll();
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
  ManualExecutor provider_;
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
  Make({100, absl::ZeroDuration(), absl::ZeroDuration()});
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
  VerdictCache cache({16, absl::Milliseconds(1), absl::Milliseconds(1)}, verifier, local, provider, metrics, clock);
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
