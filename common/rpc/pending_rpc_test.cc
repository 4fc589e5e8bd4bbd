#include "common/rpc/pending_rpc.h"

#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using RpcMethods = Health::WithRawMethod_Check<Health::Service>;

class Call;

// Keeps the calls that came.
struct Desk {
  std::shared_ptr<Call> TakeCall() {
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(
        +[](std::shared_ptr<Call>* call) { return *call != nullptr; }, &call));
    return std::move(call);
  }

  RpcMethods methods;
  RpcLoop* loop = nullptr;
  absl::Mutex mutex;
  std::shared_ptr<Call> call ABSL_GUARDED_BY(mutex);
  absl::Notification abandoned;
};

class Call final : public PendingRpc {
 public:
  explicit Call(Desk& desk) : PendingRpc(*desk.loop), desk_(desk) {}

  static void Await(Desk& desk) {
    const auto call = std::make_shared<Call>(desk);
    Begin(call);
    grpc::ServerCompletionQueue* const queue = desk.loop->queue();
    desk.methods.RequestCheck(&call->context_, &call->request_bytes_, &call->writer_, queue, queue,
                              call->AskForArrival());
  }

  bool Answer() {
    if (!Claim()) return false;
    HealthCheckResponse response;
    response.set_status(HealthCheckResponse::SERVING);
    Finish(response);
    return true;
  }

  absl::Time time_limit() const { return deadline(); }

 private:
  void OnArrival() override {
    Await(desk_);
    absl::MutexLock lock(&desk_.mutex);
    desk_.call = std::static_pointer_cast<Call>(shared_from_this());
  }

  void OnAbandoned() override { desk_.abandoned.Notify(); }

  Desk& desk_;
};

class PendingRpcTest : public testing::Test {
 protected:
  PendingRpcTest() {
    grpc::ServerBuilder builder;
    loop_.emplace(builder);
    builder.RegisterService(&desk_.methods);
    server_ = builder.BuildAndStart();
    desk_.loop = &*loop_;
    Call::Await(desk_);
    loop_->Start(1);
    stub_ = Health::NewStub(server_->InProcessChannel({}));
  }

  ~PendingRpcTest() override {
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    loop_->Stop();
  }

  // Calls, and tells `ended` the outcome.
  void Begin() {
    stub_->async()->Check(&context_, &request_, &response_, [this](const grpc::Status& status) {
      status_ = status;
      ended_.Notify();
    });
  }

  grpc::StatusCode Outcome() {
    ended_.WaitForNotification();
    return status_.error_code();
  }

  Desk desk_;
  std::optional<RpcLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Health::Stub> stub_;
  grpc::ClientContext context_;
  HealthCheckRequest request_;
  HealthCheckResponse response_;
  grpc::Status status_;
  absl::Notification ended_;
};

TEST_F(PendingRpcTest, IsAnsweredOnceFromAnyThread) {
  Begin();
  const std::shared_ptr<Call> call = desk_.TakeCall();
  EXPECT_FALSE(call->is_claimed());
  EXPECT_EQ(call->time_limit(), absl::InfiniteFuture());
  std::thread([&] { EXPECT_TRUE(call->Answer()); }).join();
  EXPECT_EQ(Outcome(), grpc::StatusCode::OK);
  EXPECT_EQ(response_.status(), HealthCheckResponse::SERVING);
  EXPECT_TRUE(call->is_claimed());
  EXPECT_FALSE(call->Answer());
}

TEST_F(PendingRpcTest, IsAbandonedWhenItsCallerLeaves) {
  Begin();
  const std::shared_ptr<Call> call = desk_.TakeCall();
  context_.TryCancel();
  desk_.abandoned.WaitForNotification();
  EXPECT_EQ(Outcome(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(call->is_claimed());
  EXPECT_FALSE(call->Answer());
}

TEST_F(PendingRpcTest, IsAbandonedWhenItsTimeIsOver) {
  const auto deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(100);
  context_.set_deadline(deadline);
  Begin();
  const std::shared_ptr<Call> call = desk_.TakeCall();
  EXPECT_NEAR(absl::ToDoubleSeconds(call->time_limit() - absl::FromChrono(deadline)), 0, 60);
  EXPECT_EQ(Outcome(), grpc::StatusCode::DEADLINE_EXCEEDED);
  desk_.abandoned.WaitForNotification();
  EXPECT_FALSE(call->Answer());
}

TEST_F(PendingRpcTest, TheLoopWaitsForWhoeverStillHoldsACall) {
  Begin();
  std::shared_ptr<Call> call = desk_.TakeCall();
  server_->Shutdown(absl::ToChronoTime(absl::Now()));
  EXPECT_FALSE(loop_->AwaitCalls(absl::Now() + absl::Milliseconds(50)));
  std::thread holder([&call] {
    absl::SleepFor(absl::Milliseconds(50));
    call.reset();
  });
  EXPECT_TRUE(loop_->AwaitCalls(absl::InfiniteFuture()));
  holder.join();
}

}  // namespace
}  // namespace common
