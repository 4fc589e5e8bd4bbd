#include "mcp_edge/auth/client_registration.h"

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "mcp_edge/auth/testing/fake_auth_service.h"
#include "mcp_edge/tools/grpc_channel.h"

namespace mcp_edge {
namespace {

using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;

class ClientRegistrationTest : public testing::Test {
 protected:
  absl::StatusOr<RegisterClientResponse> Register() {
    RegisterClientRequest request;
    request.set_metadata_json("{}");
    request.set_client_address("192.0.2.1");
    return registration_.Register(request, absl::Now() + absl::Seconds(5));
  }

  absl::StatusCode CodeFor(FakeRegistration registration) {
    service_->OnRegister([&](const RegisterClientRequest&) { return registration; });
    return Register().status().code();
  }

  std::unique_ptr<FakeAuthService> service_ = FakeAuthService::Start();
  ClientRegistration registration_{MakeChannel(service_->target())};
};

TEST_F(ClientRegistrationTest, PassesTheRequestOnAndTheOutcomeBack) {
  service_->OnRegister([](const RegisterClientRequest& request) {
    FakeRegistration registration;
    registration.response.mutable_client()->set_document_json(request.metadata_json());
    registration.response.mutable_client()->set_client_id(request.client_address());
    return registration;
  });
  const auto response = Register();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->client().document_json(), "{}");
  EXPECT_EQ(response->client().client_id(), "192.0.2.1");
  FakeRegistration refused;
  refused.response.mutable_refusal()->set_description("no");
  EXPECT_EQ(CodeFor(refused), absl::StatusCode::kOk);
}

TEST_F(ClientRegistrationTest, WithoutAnOutcomeItSaysWhoseFaultThatIs) {
  EXPECT_EQ(Register().status().code(), absl::StatusCode::kUnimplemented);
  const auto code = [](grpc::StatusCode code) { return FakeRegistration{.status = grpc::Status(code, "")}; };
  EXPECT_EQ(CodeFor(code(grpc::StatusCode::UNAVAILABLE)), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeFor(code(grpc::StatusCode::DEADLINE_EXCEEDED)), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeFor(code(grpc::StatusCode::UNKNOWN)), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeFor(code(grpc::StatusCode::INVALID_ARGUMENT)), absl::StatusCode::kInternal);
  EXPECT_EQ(CodeFor({}), absl::StatusCode::kInternal);
  FakeRegistration empty;
  empty.response.mutable_client();
  EXPECT_EQ(CodeFor(empty), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace mcp_edge
