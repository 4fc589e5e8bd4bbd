#include "tool_service/sdk/server.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/es256_jws.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "gtest/gtest.h"
#include "httplib.h"
#include "tool_service/sdk/content.h"

namespace tool_service {
namespace {

using ::testing::HasSubstr;
using ToolStub = gatehouse::tool::v1::ToolService::Stub;

Config ConfigForTest() {
  Config config;
  config.port = 0;
  config.admin_port = 0;
  config.shutdown_grace = absl::Milliseconds(20);
  config.unsigned_principals = "accept";
  return config;
}

std::unique_ptr<ToolStub> StubFor(const Server& server) {
  return gatehouse::tool::v1::ToolService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", server.port()), grpc::InsecureChannelCredentials()));
}

grpc::Status Call(ToolStub& stub, const std::string& name) {
  grpc::ClientContext context;
  CallToolRequest request;
  request.set_name(name);
  const auto reader = stub.CallTool(&context, request);
  CallToolEvent event;
  while (reader->Read(&event)) {
  }
  return reader->Finish();
}

absl::Status AddTool(Service& service, const std::string& name, Handler handler,
                     Execution execution = Execution::kMayBlock) {
  Tool tool;
  tool.set_name(name);
  return service.AddTool(tool, std::move(handler), execution);
}

TEST(ServerTest, ServesCallsReadinessAndMetrics) {
  Service service("test");
  ASSERT_TRUE(AddTool(service, "hello", [](ToolContext&, absl::string_view) { return TextResult("hi"); }).ok());
  const auto server = Server::Start(service, ConfigForTest());
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(Call(*StubFor(**server), "hello").ok());
  httplib::Client admin("127.0.0.1", (*server)->admin_port());
  EXPECT_EQ(admin.Get("/readyz")->status, 200);
  EXPECT_THAT(admin.Get("/metrics")->body, HasSubstr(R"(gatehouse_tool_calls_total{outcome="ok",tool="hello"} 1)"));
}

TEST(ServerTest, SaysThatItServesAndWhat) {
  Service service("test");
  const auto server = Server::Start(service, ConfigForTest());
  ASSERT_TRUE(server.ok()) << server.status();
  const auto channel =
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", (*server)->port()), grpc::InsecureChannelCredentials());
  const auto health = grpc::health::v1::Health::NewStub(channel);
  for (const char* name : {"", "gatehouse.tool.v1.ToolService"}) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(name);
    grpc::health::v1::HealthCheckResponse response;
    ASSERT_TRUE(health->Check(&context, request, &response).ok());
    EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  }
  grpc::ClientContext context;
  const auto stream = grpc::reflection::v1alpha::ServerReflection::NewStub(channel)->ServerReflectionInfo(&context);
  grpc::reflection::v1alpha::ServerReflectionRequest request;
  request.set_list_services("");
  grpc::reflection::v1alpha::ServerReflectionResponse response;
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  std::vector<std::string> names;
  for (const auto& each : response.list_services_response().service()) names.push_back(each.name());
  EXPECT_THAT(names, testing::UnorderedElementsAre("gatehouse.tool.v1.ToolService", "grpc.health.v1.Health",
                                                   "grpc.reflection.v1alpha.ServerReflection"));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(ServerTest, IsReadyOnceTheKeysOfTheEdgeAreThereAndRefusesUntilThen) {
  Service service("test");
  ASSERT_TRUE(AddTool(service, "hello", [](ToolContext&, absl::string_view) { return TextResult("hi"); }).ok());
  Config config = ConfigForTest();
  config.unsigned_principals = "refuse";
  config.principal_keys = absl::StrCat(testing::TempDir(), "/keys_that_come_later.json");
  const auto server = Server::Start(service, config);
  ASSERT_TRUE(server.ok()) << server.status();
  httplib::Client admin("127.0.0.1", (*server)->admin_port());
  const auto not_ready = admin.Get("/readyz");
  EXPECT_EQ(not_ready->status, 503);
  EXPECT_THAT(not_ready->body, HasSubstr("--principal_keys"));
  const auto stub = StubFor(**server);
  EXPECT_EQ(Call(*stub, "hello").error_code(), grpc::StatusCode::UNAUTHENTICATED);  // says nothing of who calls

  std::ofstream(config.principal_keys + ".new")
      << "{\"keys\":[" << common::Es256PrivateKey::Generate().public_key().Jwk() << "]}";
  ASSERT_EQ(std::rename((config.principal_keys + ".new").c_str(), config.principal_keys.c_str()), 0);
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  while (admin.Get("/readyz")->status != 200) {
    ASSERT_LT(absl::Now(), give_up);
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(Call(*stub, "hello").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(admin.Get("/metrics")->body, HasSubstr(R"(gatehouse_tool_principals_refused_total{reason="missing"} 2)"));
}

TEST(ServerTest, ABrokenToolDoesNotStart) {
  Service service("test");
  (void)AddTool(service, "two words", [](ToolContext&, absl::string_view) { return TextResult(""); });
  EXPECT_EQ(Server::Start(service, ConfigForTest()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ServerTest, WhatOthersCouldReachDoesNotStartInClearText) {
  Service service("test");
  Config config = ConfigForTest();
  config.host = "0.0.0.0";
  EXPECT_THAT(std::string(Server::Start(service, config).status().message()),
              HasSubstr("set --tls_cert_file and --tls_key_file, or say --grpc_security=plaintext"));
  config.grpc_security.mode = "plaintext";
  EXPECT_TRUE(Server::Start(service, config).ok());
}

TEST(ServerTest, ATakenPortIsAnErrorThatNamesTheFlag) {
  Service service("test");
  const auto first = Server::Start(service, ConfigForTest());
  ASSERT_TRUE(first.ok());
  Config config = ConfigForTest();
  config.port = (*first)->port();
  const auto second = Server::Start(service, config);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("choose another with --port"));
  config = ConfigForTest();
  config.admin_port = (*first)->admin_port();
  EXPECT_THAT(std::string(Server::Start(service, config).status().message()), HasSubstr("another with --admin_port"));
}

class ServerExecutionTest : public testing::TestWithParam<Execution> {};

TEST_P(ServerExecutionTest, ShutdownLetsCallsUnderWayEnd) {
  Service service("test");
  absl::Notification running;
  absl::Notification release;
  const auto handler = [&](ToolContext&, absl::string_view) {
    running.Notify();
    release.WaitForNotification();
    return TextResult("done");
  };
  ASSERT_TRUE(AddTool(service, "slow", handler, GetParam()).ok());
  Config config = ConfigForTest();
  config.shutdown_grace = absl::Seconds(20);
  const auto server = Server::Start(service, config);
  ASSERT_TRUE(server.ok());
  const auto stub = StubFor(**server);
  std::thread caller([&] { EXPECT_TRUE(Call(*stub, "slow").ok()); });
  running.WaitForNotification();
  std::thread releaser([&] {
    httplib::Client admin("127.0.0.1", (*server)->admin_port());
    while (admin.Get("/readyz")->status != 503) absl::SleepFor(absl::Milliseconds(5));
    release.Notify();
  });
  EXPECT_TRUE((*server)->Shutdown());
  releaser.join();
  caller.join();
}

INSTANTIATE_TEST_SUITE_P(, ServerExecutionTest, testing::Values(Execution::kMayBlock, Execution::kInline),
                         [](const auto& info) { return info.param == Execution::kInline ? "Inline" : "MayBlock"; });

TEST(ServerTest, CallsThatOutlastTheGraceAreCancelled) {
  Service service("test");
  absl::Notification running;
  ASSERT_TRUE(AddTool(service, "endless", [&](ToolContext& context, absl::string_view) -> absl::StatusOr<Outcome> {
                running.Notify();
                context.WaitForCancellation(absl::InfiniteDuration());
                return absl::CancelledError("gone");
              }).ok());
  Config config = ConfigForTest();
  config.shutdown_grace = absl::Milliseconds(50);
  const auto server = Server::Start(service, config);
  ASSERT_TRUE(server.ok());
  const auto stub = StubFor(**server);
  std::thread caller([&] { EXPECT_FALSE(Call(*stub, "endless").ok()); });
  running.WaitForNotification();
  EXPECT_TRUE((*server)->Shutdown());
  caller.join();
}

TEST(ServerTest, AHandlerThatNeverReturnsIsReported) {
  Service service("test");
  absl::Notification running;
  absl::Notification release;
  ASSERT_TRUE(AddTool(service, "stuck", [&](ToolContext&, absl::string_view) {
                running.Notify();
                release.WaitForNotification();
                return TextResult("");
              }).ok());
  Config config = ConfigForTest();
  config.shutdown_grace = absl::ZeroDuration();
  const auto server = Server::Start(service, config);
  ASSERT_TRUE(server.ok());
  const auto stub = StubFor(**server);
  std::thread caller([&] { EXPECT_FALSE(Call(*stub, "stuck").ok()); });
  running.WaitForNotification();
  EXPECT_FALSE((*server)->Shutdown());
  release.Notify();  // so that the test can end
  caller.join();
}

TEST(ServerTest, AClientThatWatchesTheHealthLosesNoCallWhenAServerOfTwoGoes) {
  Service service("test");
  ASSERT_TRUE(AddTool(service, "hello", [](ToolContext&, absl::string_view) { return TextResult("hi"); }).ok());
  const auto stays = Server::Start(service, ConfigForTest());
  Config config = ConfigForTest();
  config.shutdown_grace = absl::Seconds(20);
  const auto goes = Server::Start(service, config);
  ASSERT_TRUE(stays.ok() && goes.ok());
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(
      R"({"loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":""}})");
  const auto channel =
      grpc::CreateCustomChannel(absl::StrCat("ipv4:127.0.0.1:", (*stays)->port(), ",127.0.0.1:", (*goes)->port()),
                                grpc::InsecureChannelCredentials(), arguments);
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      const auto stub = gatehouse::tool::v1::ToolService::NewStub(channel);
      while (!stop) {
        const grpc::Status status = Call(*stub, "hello");
        EXPECT_TRUE(status.ok()) << status.error_code() << " " << status.error_message();
        ++calls;
      }
    });
  }
  while (calls < 200) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_TRUE((*goes)->Shutdown());
  const int at_end = calls;
  while (calls < at_end + 200) absl::SleepFor(absl::Milliseconds(1));
  stop = true;
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace tool_service
