#include "common/rpc/rpc_server.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;

RpcServerOptions Options() {
  RpcServerOptions options;
  options.host = "127.0.0.1";
  options.credentials = grpc::InsecureServerCredentials();
  options.service_names = {"a.Service"};
  options.max_receive_bytes = 1024;
  options.max_send_bytes = 1024;
  options.max_buffer_bytes = 1 << 20;
  return options;
}

bool IsNeverBusy() { return false; }

std::unique_ptr<Health::Stub> Connect(const RpcServer& server) {
  return Health::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", server.port()), grpc::InsecureChannelCredentials()));
}

grpc::Status Check(Health::Stub& stub, const std::string& service, HealthCheckResponse& response) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  HealthCheckRequest request;
  request.set_service(service);
  return stub.Check(&context, request, &response);
}

TEST(RpcServerTest, SaysHowItIs) {
  const auto server = RpcServer::Start(Options(), {});
  ASSERT_TRUE(server.ok()) << server.status();
  const auto stub = Connect(**server);
  HealthCheckResponse response;
  for (const char* service : {"", "a.Service"}) {
    ASSERT_TRUE(Check(*stub, service, response).ok());
    EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
    (*server)->health().SetServing(true);
    ASSERT_TRUE(Check(*stub, service, response).ok());
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
    (*server)->health().SetServing(false);
  }
}

TEST(RpcServerTest, ATakenPortIsAnError) {
  const auto server = RpcServer::Start(Options(), {});
  ASSERT_TRUE(server.ok()) << server.status();
  RpcServerOptions options = Options();
  options.port = (*server)->port();
  const auto second = RpcServer::Start(options, {});
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat("cannot listen on 127.0.0.1:", options.port)));
}

TEST(RpcServerTest, AMessageBeyondTheBoundIsRefused) {
  const auto server = RpcServer::Start(Options(), {});
  ASSERT_TRUE(server.ok()) << server.status();
  HealthCheckResponse response;
  EXPECT_EQ(Check(*Connect(**server), std::string(2000, 'a'), response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(RpcServerTest, AConnectionWithoutCallsHoldsUpNoShutdown) {
  const auto server = RpcServer::Start(Options(), {});
  ASSERT_TRUE(server.ok()) << server.status();
  const auto stub = Connect(**server);
  HealthCheckResponse response;
  ASSERT_TRUE(Check(*stub, "", response).ok());
  const absl::Time begin = absl::Now();
  (*server)->Shutdown(begin + absl::Minutes(5), IsNeverBusy);
  EXPECT_TRUE((*server)->AwaitCalls(begin + absl::Minutes(5)));
  EXPECT_LT(absl::Now() - begin, absl::Minutes(1));
}

TEST(RpcServerTest, WhatIsStillOpenAtTheDeadlineIsCancelled) {
  const auto server = RpcServer::Start(Options(), {});
  ASSERT_TRUE(server.ok()) << server.status();
  const auto stub = Connect(**server);
  grpc::ClientContext context;
  const auto stream = stub->Watch(&context, {});
  HealthCheckResponse response;
  ASSERT_TRUE(stream->Read(&response));
  const absl::Time begin = absl::Now();
  (*server)->Shutdown(begin + absl::Milliseconds(300), [] { return true; });
  EXPECT_GE(absl::Now() - begin, absl::Milliseconds(300));
  EXPECT_TRUE((*server)->AwaitCalls(begin + absl::Minutes(5)));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_FALSE(stream->Finish().ok());
}

}  // namespace
}  // namespace common
