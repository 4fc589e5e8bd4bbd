#include "auth_service/server/registration_handler.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "auth_service/logto/testing/fake_logto.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;
using ::testing::IsEmpty;

constexpr char kMetadata[] =
    R"({"redirect_uris":["http://localhost:6274/cb"],"client_name":"Inspector","token_endpoint_auth_method":"none"})";

// Somebody who waits for a registration until it has the answer or leaves.
class WaitingCaller final : public RegistrationHandler::Caller {
 public:
  void Leave() { ended_ = true; }

  bool is_gone() const override { return ended_; }

  bool Answer(const absl::StatusOr<RegisterClientResponse>& outcome) override {
    const bool is_first = !ended_.exchange(true);
    if (is_first) outcome_ = outcome;
    answered_.Notify();
    return is_first;
  }

  // Waits for the answer.
  const absl::StatusOr<RegisterClientResponse>& outcome() {
    answered_.WaitForNotification();
    return outcome_;
  }

 private:
  std::atomic<bool> ended_{false};
  absl::StatusOr<RegisterClientResponse> outcome_;
  absl::Notification answered_;
};

RegistrarOptions Options() {
  RegistrarOptions options;
  options.user_scopes = {"profile"};
  options.sleep = [](absl::Duration) {};
  return options;
}

class RegistrationHandlerTest : public ::testing::Test {
 protected:
  ~RegistrationHandlerTest() override {
    logto_.Release();
    executor_.Stop();
  }

  ManagementApiOptions ApiOptions() const {
    ManagementApiOptions options;
    options.endpoint = FakeLogto::kEndpoint;
    options.client_id_file = credentials_.client_id_file;
    options.client_secret_file = credentials_.client_secret_file;
    return options;
  }

  std::shared_ptr<WaitingCaller> Begin(const std::string& metadata = kMetadata) {
    auto caller = std::make_shared<WaitingCaller>();
    RegisterClientRequest request;
    request.set_metadata_json(metadata);
    request.set_request_id("request-1");
    handler_.Handle(std::move(request), absl::Now() + absl::Minutes(1), caller);
    return caller;
  }

  absl::StatusOr<RegisterClientResponse> Register(const std::string& metadata = kMetadata) {
    return Begin(metadata)->outcome();
  }

  common::SystemClock clock_;
  FakeLogto logto_{clock_};
  const FakeLogtoCredentials credentials_;
  ManagementApi api_{ApiOptions(), logto_, clock_};
  prometheus::Registry registry_;
  RegistrationMetrics metrics_{registry_};
  Registrar registrar_{Options(), api_, metrics_, clock_};
  common::ThreadExecutor executor_{1, 1};
  RegistrationHandler handler_{registrar_, executor_, metrics_};
};

TEST_F(RegistrationHandlerTest, AnswersWithTheClientOrTheRefusal) {
  const auto registered = Register();
  ASSERT_TRUE(registered.ok()) << registered.status();
  EXPECT_EQ(registered->client().client_id(), logto_.applications().begin()->first);
  const auto refused = Register("{}");
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_TRUE(refused->has_refusal());
  EXPECT_TRUE(absl::IsInvalidArgument(Register(std::string(64 * 1024 + 1, ' ')).status()));
  logto_.Fail("POST /api/applications", HttpResponse{500, "Internal Server Error"});
  EXPECT_TRUE(absl::IsUnavailable(Register().status()));
}

TEST_F(RegistrationHandlerTest, ARegistrationWhoseCallerLeftIsTakenBack) {
  ASSERT_TRUE(Register("{}").ok());  // with a caller who waits all is well
  ASSERT_TRUE(api_.DeleteApplication("nothing", clock_.Now() + absl::Seconds(9)).ok());  // there is a token now
  const size_t before = logto_.requests().size();
  logto_.Hold();
  const auto caller = Begin();
  logto_.AwaitRequests(before + 1);
  EXPECT_EQ(logto_.calls().back(), "POST /api/applications");
  caller->Leave();
  logto_.Release();
  executor_.Stop();  // waits for the registration
  EXPECT_THAT(logto_.applications(), IsEmpty());
  EXPECT_EQ(metrics_.withdrawn.Value(), 1);
}

TEST_F(RegistrationHandlerTest, MoreThanCanWaitIsTurnedAway) {
  logto_.Hold();
  const auto running = Begin();
  logto_.AwaitRequests(1);
  const auto waiting = Begin();
  const auto turned_away = Begin();
  EXPECT_TRUE(absl::IsUnavailable(turned_away->outcome().status()));
  EXPECT_EQ(metrics_.unavailable.Value(), 1);
  logto_.Release();
  EXPECT_TRUE(running->outcome().ok());
  EXPECT_TRUE(waiting->outcome().ok());
  EXPECT_EQ(logto_.applications().size(), 2u);
}

}  // namespace
}  // namespace auth_service
