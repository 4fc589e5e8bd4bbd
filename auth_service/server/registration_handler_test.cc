#include "auth_service/server/registration_handler.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "auth_service/logto/testing/fake_logto.h"
#include "gatehouse/auth/v1/auth.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::AuthService;
using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;
using ::testing::IsEmpty;

constexpr char kMetadata[] =
    R"({"redirect_uris":["http://localhost:6274/cb"],"client_name":"Inspector","token_endpoint_auth_method":"none"})";

// Nothing but RegisterClient.
class Service final : public AuthService::CallbackService {
 public:
  explicit Service(RegistrationHandler& handler) : handler_(handler) {}
  grpc::ServerUnaryReactor* RegisterClient(grpc::CallbackServerContext* context, const RegisterClientRequest* request,
                                           RegisterClientResponse* response) override {
    return handler_.Handle(context, *request, response);
  }

 private:
  RegistrationHandler& handler_;
};

RegistrarOptions Options() {
  RegistrarOptions options;
  options.user_scopes = {"profile"};
  options.sleep = [](absl::Duration) {};
  return options;
}

class RegistrationHandlerTest : public ::testing::Test {
 protected:
  RegistrationHandlerTest() {
    server_ = grpc::ServerBuilder().RegisterService(&service_).BuildAndStart();
    stub_ = AuthService::NewStub(server_->InProcessChannel({}));
  }

  ~RegistrationHandlerTest() override {
    logto_.Release();
    server_->Shutdown();
    executor_.Stop();
  }

  ManagementApiOptions ApiOptions() const {
    ManagementApiOptions options;
    options.endpoint = FakeLogto::kEndpoint;
    options.client_id_file = credentials_.client_id_file;
    options.client_secret_file = credentials_.client_secret_file;
    return options;
  }

  grpc::Status Register(RegisterClientResponse& response, const std::string& metadata = kMetadata) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    RegisterClientRequest request;
    request.set_metadata_json(metadata);
    request.set_request_id("request-1");
    return stub_->RegisterClient(&context, request, &response);
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
  Service service_{handler_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<AuthService::Stub> stub_;
};

TEST_F(RegistrationHandlerTest, AnswersWithTheClientOrTheRefusal) {
  RegisterClientResponse response;
  const grpc::Status status = Register(response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.client().client_id(), logto_.applications().begin()->first);
  ASSERT_TRUE(Register(response, "{}").ok());
  EXPECT_TRUE(response.has_refusal());
  EXPECT_EQ(Register(response, std::string(64 * 1024 + 1, ' ')).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  logto_.Fail("POST /api/applications", HttpResponse{500, "Internal Server Error"});
  EXPECT_EQ(Register(response).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(RegistrationHandlerTest, ARegistrationWhoseCallerLeftIsTakenBack) {
  RegisterClientResponse response;
  ASSERT_TRUE(Register(response, "{}").ok());  // with a caller who waits all is well
  ASSERT_TRUE(api_.DeleteApplication("nothing", clock_.Now() + absl::Seconds(9)).ok());  // there is a token now
  const size_t before = logto_.requests().size();
  logto_.Hold();
  grpc::ClientContext context;
  RegisterClientRequest request;
  request.set_metadata_json(kMetadata);
  request.set_request_id("request-1");
  absl::Notification ended;
  stub_->async()->RegisterClient(&context, &request, &response, [&](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
    ended.Notify();
  });
  logto_.AwaitRequests(before + 1);
  EXPECT_EQ(logto_.calls().back(), "POST /api/applications");
  context.TryCancel();
  ended.WaitForNotification();
  server_->Shutdown();  // once it too knows that the caller has left, and is done with the call
  logto_.Release();
  executor_.Stop();  // waits for the registration
  EXPECT_THAT(logto_.applications(), IsEmpty());
  EXPECT_EQ(metrics_.withdrawn.Value(), 1);
}

TEST_F(RegistrationHandlerTest, MoreThanCanWaitIsTurnedAway) {
  logto_.Hold();
  std::vector<std::thread> callers;
  const auto call = [&] {
    RegisterClientResponse response;
    (void)Register(response);
  };
  callers.emplace_back(call);
  logto_.AwaitRequests(1);
  callers.emplace_back(call);
  callers.emplace_back(call);
  while (metrics_.unavailable.Value() < 1) std::this_thread::yield();
  logto_.Release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(logto_.applications().size(), 2u);
}

}  // namespace
}  // namespace auth_service
