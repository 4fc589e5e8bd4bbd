#include "mcp_edge/auth/auth_client.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "mcp_edge/auth/testing/fake_auth_service.h"
#include "mcp_edge/rpc/rpc_channel.h"

namespace mcp_edge {
namespace {

using gatehouse::auth::v1::VerifyTokenRequest;

constexpr char kResource[] = "https://mcp.example/mcp";

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (!condition()) {
    if (absl::Now() > give_up) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

class AuthClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<AuthClient> MakeClient(AuthClientOptions options = {}) {
    return std::make_unique<AuthClient>(channel_, options, clock_, metrics_);
  }
  void AnswerWith(FakeVerdict verdict) {
    service_->OnVerify([verdict = std::move(verdict)](const VerifyTokenRequest&) { return verdict; });
  }

  common::FakeClock clock_;
  prometheus::Registry registry_;
  EdgeMetrics metrics_{registry_};
  std::unique_ptr<FakeAuthService> service_ = FakeAuthService::Start();
  const RpcChannel channel_{service_->target(), nullptr};
};

TEST_F(AuthClientTest, PrincipalComesThroughAndIsReusedUntilTheTtl) {
  AnswerWith(PrincipalVerdict("alice", clock_.Now() + absl::Hours(1)));
  const auto client = MakeClient();
  const auto first = client->Verify("token", kResource, "request-1", Soon());
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_NE(first->principal, nullptr);
  EXPECT_EQ(first->principal->subject, "alice");
  clock_.Advance(absl::Seconds(4.9));
  EXPECT_EQ(client->Verify("token", kResource, "request-1", Soon())->principal, first->principal);
  EXPECT_EQ(service_->verify_calls(), 1);
  clock_.Advance(absl::Seconds(0.2));
  EXPECT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
  EXPECT_EQ(service_->verify_calls(), 2);
  EXPECT_EQ(metrics_.verdicts_asked_total.Value(), 2);
  EXPECT_EQ(metrics_.verdicts_reused_total.Value(), 1);
}

TEST_F(AuthClientTest, TokenAndResourceAreAskedForAsGiven) {
  service_->OnVerify([this](const VerifyTokenRequest& request) {
    return PrincipalVerdict(request.token() + " at " + request.resource(), clock_.Now() + absl::Hours(1));
  });
  const auto client = MakeClient();
  EXPECT_EQ(client->Verify("a", "r1", "request-1", Soon())->principal->subject, "a at r1");
  EXPECT_EQ(client->Verify("a", "r2", "request-1", Soon())->principal->subject, "a at r2");
  EXPECT_EQ(client->Verify("b", "r1", "request-1", Soon())->principal->subject, "b at r1");
}

TEST_F(AuthClientTest, VerdictIsNotReusedAfterItsOwnTime) {
  AnswerWith(PrincipalVerdict("alice", clock_.Now() + absl::Seconds(2)));
  const auto client = MakeClient();
  EXPECT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
  clock_.Advance(absl::Seconds(3));
  EXPECT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
  EXPECT_EQ(service_->verify_calls(), 2);
}

TEST_F(AuthClientTest, VerdictWithoutReuseTimeIsNotReused) {
  FakeVerdict verdict = PrincipalVerdict("alice", clock_.Now());
  verdict.response.clear_reuse_until_time();
  AnswerWith(verdict);
  const auto client = MakeClient();
  EXPECT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
  EXPECT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
  EXPECT_EQ(service_->verify_calls(), 2);
}

TEST_F(AuthClientTest, RefusalIsAnAnswerAndKeptForFiveSecondsAtMost) {
  AnswerWith(RefusalVerdict(gatehouse::auth::v1::REFUSAL_REASON_EXPIRED, "token \"expired\"\r\n",
                            clock_.Now() + absl::Hours(1)));
  const auto client = MakeClient({.verdict_ttl = absl::Minutes(10)});
  const auto verdict = client->Verify("token", kResource, "request-1", Soon());
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(verdict->principal, nullptr);
  EXPECT_EQ(verdict->refusal.reason, "EXPIRED");
  EXPECT_EQ(verdict->refusal.description, "token  expired   ");
  clock_.Advance(absl::Seconds(4.9));
  EXPECT_EQ(client->Verify("token", kResource, "request-1", Soon())->refusal.reason, "EXPIRED");
  EXPECT_EQ(service_->verify_calls(), 1);
  clock_.Advance(absl::Seconds(0.2));
  EXPECT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
  EXPECT_EQ(service_->verify_calls(), 2);
}

TEST_F(AuthClientTest, SaysWhoseRefusedTokenItIsIfThatIsKnown) {
  std::string request_id;
  service_->OnVerify([&](const VerifyTokenRequest& request) {
    request_id = request.request_id();
    FakeVerdict verdict =
        RefusalVerdict(gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE, "no", clock_.Now() + absl::Hours(1));
    if (request.token() == "alice's") {
      verdict.response.mutable_refusal()->set_issuer("https://issuer.example");
      verdict.response.mutable_refusal()->set_subject("alice");
      verdict.response.mutable_refusal()->set_client_id("smartmail");
    }
    return verdict;
  });
  const auto client = MakeClient();
  const auto known = client->Verify("alice's", kResource, "request-1", Soon());
  ASSERT_NE(known->refusal.owner, nullptr);
  EXPECT_EQ(known->refusal.owner->issuer, "https://issuer.example");
  EXPECT_EQ(known->refusal.owner->subject, "alice");
  EXPECT_EQ(known->refusal.owner->client_id, "smartmail");
  EXPECT_EQ(request_id, "request-1");
  EXPECT_EQ(client->Verify("another", kResource, "request-2", Soon())->refusal.owner, nullptr);
}

TEST_F(AuthClientTest, UnfitTokenIsRefusedWithoutAsking) {
  const auto client = MakeClient();
  EXPECT_EQ(client->Verify("", kResource, "request-1", Soon())->refusal.reason, "MALFORMED");
  EXPECT_EQ(client->Verify(std::string(8193, 'a'), kResource, "request-1", Soon())->refusal.reason, "MALFORMED");
  EXPECT_EQ(service_->verify_calls(), 0);
}

TEST_F(AuthClientTest, TtlOfZeroAsksEachTime) {
  AnswerWith(PrincipalVerdict("alice", clock_.Now() + absl::Hours(1)));
  const auto client = MakeClient({.verdict_ttl = absl::ZeroDuration()});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
  EXPECT_EQ(service_->verify_calls(), 3);
}

TEST_F(AuthClientTest, ErrorsAreUnavailableAndNotKept) {
  for (const auto code : {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::INTERNAL, grpc::StatusCode::UNAUTHENTICATED,
                          grpc::StatusCode::NOT_FOUND}) {
    AnswerWith({.status = grpc::Status(code, "because")});
    EXPECT_EQ(MakeClient()->Verify("token", kResource, "request-1", Soon()).status().code(),
              absl::StatusCode::kUnavailable);
  }
  AnswerWith({});  // neither principal nor refusal
  const auto client = MakeClient();
  EXPECT_EQ(client->Verify("token", kResource, "request-1", Soon()).status().code(), absl::StatusCode::kUnavailable);
  AnswerWith(PrincipalVerdict("alice", clock_.Now() + absl::Hours(1)));
  EXPECT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
}

TEST_F(AuthClientTest, UnknownResourceIsInternal) {
  AnswerWith({.status = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "not a configured resource")});
  EXPECT_EQ(MakeClient()->Verify("token", kResource, "request-1", Soon()).status().code(), absl::StatusCode::kInternal);
}

TEST_F(AuthClientTest, DeadlineIsUnavailable) {
  FakeVerdict slow = PrincipalVerdict("alice", clock_.Now() + absl::Hours(1));
  slow.delay = absl::Seconds(10);
  AnswerWith(slow);
  EXPECT_EQ(MakeClient()->Verify("token", kResource, "request-1", absl::Now() + absl::Milliseconds(50)).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(AuthClientTest, CachedVerdictsGoOnWhileTheServiceIsAwayAndItIsUsedAgainAfterItsReturn) {
  AnswerWith(PrincipalVerdict("alice", clock_.Now() + absl::Hours(1)));
  const auto client = MakeClient();
  ASSERT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
  const int port = service_->port();
  service_.reset();
  EXPECT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
  EXPECT_EQ(client->Verify("other", kResource, "request-1", Soon()).status().code(), absl::StatusCode::kUnavailable);
  service_ = FakeAuthService::Start(port);
  ASSERT_NE(service_, nullptr);
  AnswerWith(PrincipalVerdict("bob", clock_.Now() + absl::Hours(1)));
  EXPECT_TRUE(Eventually([&] { return client->Verify("other", kResource, "request-1", Soon()).ok(); }));
}

TEST_F(AuthClientTest, BurstOfOneTokenMakesOneRpc) {
  FakeVerdict slow = PrincipalVerdict("alice", clock_.Now() + absl::Hours(1));
  slow.delay = absl::Milliseconds(100);
  AnswerWith(slow);
  const auto client = MakeClient();
  std::atomic<int> alices{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      const auto verdict = client->Verify("token", kResource, "request-1", Soon());
      if (verdict.ok() && verdict->principal != nullptr && verdict->principal->subject == "alice") ++alices;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(alices, 16);
  EXPECT_EQ(service_->verify_calls(), 1);
}

TEST_F(AuthClientTest, OneWhoRunsOutOfTimeTakesNobodyAlong) {
  std::atomic<bool> is_first{true};
  service_->OnVerify([&](const auto&) {
    FakeVerdict verdict = PrincipalVerdict("alice", clock_.Now() + absl::Hours(1));
    if (is_first.exchange(false)) verdict.delay = absl::Seconds(30);
    return verdict;
  });
  const auto client = MakeClient();
  std::thread hasty([&] {
    EXPECT_EQ(client->Verify("token", kResource, "request-1", absl::Now() + absl::Seconds(2)).status().code(),
              absl::StatusCode::kUnavailable);
  });
  EXPECT_TRUE(service_->WaitForVerifyCalls(1));
  EXPECT_TRUE(client->Verify("token", kResource, "request-1", Soon()).ok());
  hasty.join();
  EXPECT_EQ(service_->verify_calls(), 2);
}

}  // namespace
}  // namespace mcp_edge
