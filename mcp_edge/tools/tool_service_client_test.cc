#include "mcp_edge/tools/tool_service_client.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/grpc_security.h"
#include "common/testing/test_certificates.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "mcp_edge/assertion/principal_signer.h"
#include "mcp_edge/tools/bounded_message.h"
#include "mcp_edge/tools/testing/fake_tool_service.h"
#include "prometheus/registry.h"

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::CallToolEvent;
using gatehouse::tool::v1::CallToolRequest;
using ::testing::HasSubstr;
using ::testing::Pair;

CallToolRequest RequestFor(const std::string& name) {
  CallToolRequest request;
  request.set_name(name);
  request.set_arguments_json("{}");
  return request;
}

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

class ToolServiceClientTest : public ::testing::Test {
 protected:
  void Script(FakeCallScript script) {
    service_->OnCall([script = std::move(script)](const CallToolRequest&) { return script; });
  }
  std::unique_ptr<ToolCall> Call(absl::Time deadline = Soon()) {
    CallToolRequest request = RequestFor("echo");
    return client_.StartCall(request, deadline, TraceContext());
  }

  std::unique_ptr<FakeToolService> service_ = FakeToolService::Start();
  ToolServiceClient client_{"fake", service_->target()};
};

TEST_F(ToolServiceClientTest, OutcomeEndsTheCall) {
  Script({.events = {TextResult("hello")}});
  const auto call = Call();
  const auto event = call->Next();
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->result().content(0).text().text(), "hello");
  EXPECT_EQ(call->Next().status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_EQ(service_->Calls().size(), 1u);
  EXPECT_EQ(service_->Calls()[0].request.name(), "echo");
  EXPECT_EQ(service_->Calls()[0].request.arguments_json(), "{}");
}

TEST_F(ToolServiceClientTest, EventsComeInOrderBeforeTheOutcome) {
  CallToolEvent log;
  log.mutable_log()->set_data_json("\"x\"");
  CallToolEvent input_required;
  input_required.mutable_input_required()->set_state("s");
  Script({.events = {ProgressEvent(1), log, ProgressEvent(2), input_required}});
  const auto call = Call();
  EXPECT_EQ(call->Next()->progress().progress(), 1);
  EXPECT_EQ(call->Next()->log().data_json(), "\"x\"");
  EXPECT_EQ(call->Next()->progress().progress(), 2);
  EXPECT_EQ(call->Next()->input_required().state(), "s");
}

TEST_F(ToolServiceClientTest, LargeResultArrivesWhole) {
  const std::string text(5 << 20, 'x');
  Script({.events = {TextResult(text)}});
  const auto event = Call()->Next();
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->result().content(0).text().text(), text);
}

TEST_F(ToolServiceClientTest, TooLargeEventIsResourceExhausted) {
  Script({.events = {TextResult(std::string(17 << 20, 'x'))}});
  EXPECT_EQ(Call()->Next().status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(ToolServiceClientTest, StatusOfTheServiceComesThrough) {
  for (int code = 1; code <= 16; ++code) {
    Script({.status = grpc::Status(static_cast<grpc::StatusCode>(code), "because")});
    const absl::Status status = Call()->Next().status();
    EXPECT_EQ(static_cast<int>(status.code()), code);
    EXPECT_EQ(status.message(), "because");
  }
}

TEST_F(ToolServiceClientTest, StatusAfterProgressComesThrough) {
  Script({.events = {ProgressEvent(1)}, .status = grpc::Status(grpc::StatusCode::ABORTED, "because")});
  const auto call = Call();
  EXPECT_TRUE(call->Next().ok());
  EXPECT_EQ(call->Next().status(), absl::AbortedError("because"));
}

TEST_F(ToolServiceClientTest, ErrorAfterTheOutcomeWins) {
  Script({.events = {TextResult("hello")}, .status = grpc::Status(grpc::StatusCode::ABORTED, "because")});
  EXPECT_EQ(Call()->Next().status(), absl::AbortedError("because"));
}

TEST_F(ToolServiceClientTest, NoOutcomeIsInternal) {
  Script({});
  EXPECT_EQ(Call()->Next().status().code(), absl::StatusCode::kInternal);
  Script({.events = {ProgressEvent(1)}});
  const auto call = Call();
  EXPECT_TRUE(call->Next().ok());
  EXPECT_EQ(call->Next().status().code(), absl::StatusCode::kInternal);
}

TEST_F(ToolServiceClientTest, EventAfterTheOutcomeIsInternal) {
  Script({.events = {TextResult("hello"), ProgressEvent(1)}});
  EXPECT_THAT(Call()->Next().status().ToString(),
              HasSubstr("INTERNAL: the tool service sent an event after the outcome"));
}

TEST_F(ToolServiceClientTest, ManyEventsAfterTheOutcomeAreInternal) {
  Script({.events = {TextResult("hello"), ProgressEvent(1), ProgressEvent(2), ProgressEvent(3)}});
  EXPECT_EQ(Call()->Next().status().code(), absl::StatusCode::kInternal);
}

TEST_F(ToolServiceClientTest, EmptyEventIsInternal) {
  Script({.events = {CallToolEvent()}, .hang = true});
  const auto call = Call();
  EXPECT_EQ(call->Next().status().code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
}

TEST_F(ToolServiceClientTest, AnOutcomeOfTooManyPartsIsInternal) {
  CallToolEvent event;
  for (int i = 0; i < kMaxParts; ++i) event.mutable_result()->add_content();
  Script({.events = {event}, .hang = true});
  const auto call = Call();
  EXPECT_EQ(call->Next().status().code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
}

TEST_F(ToolServiceClientTest, DeadlineReachesTheServiceAndEndsTheCall) {
  Script({.hang = true});
  EXPECT_EQ(Call(absl::Now() + absl::Milliseconds(100))->Next().status().code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_EQ(service_->Calls().size(), 1u);
  EXPECT_LE(service_->Calls()[0].time_left, absl::Milliseconds(101));
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
}

TEST_F(ToolServiceClientTest, DeadlineThatHasPassedEndsTheCall) {
  Script({.events = {TextResult("hello")}});
  EXPECT_EQ(Call(absl::Now() - absl::Seconds(1))->Next().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Call(absl::InfinitePast())->Next().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Call(absl::InfiniteFuture())->Next().ok());
}

TEST_F(ToolServiceClientTest, CancelEndsABlockedNextAndReachesTheService) {
  Script({.events = {ProgressEvent(1)}, .hang = true});
  const auto call = Call();
  EXPECT_TRUE(call->Next().ok());
  std::thread canceller([&] { call->Cancel(); });
  EXPECT_EQ(call->Next().status().code(), absl::StatusCode::kCancelled);
  canceller.join();
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
  call->Cancel();
}

TEST_F(ToolServiceClientTest, DestructionCancels) {
  Script({.hang = true});
  auto call = Call();
  ASSERT_TRUE(service_->WaitForCalls(1));
  call.reset();
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
}

TEST_F(ToolServiceClientTest, CallOutlivesItsClient) {
  Script({.events = {ProgressEvent(1), TextResult("hello")}});
  auto client = std::make_unique<ToolServiceClient>("fake", service_->target());
  CallToolRequest request = RequestFor("echo");
  const auto call = client->StartCall(request, Soon(), TraceContext());
  client.reset();
  EXPECT_TRUE(call->Next()->has_progress());
  EXPECT_TRUE(call->Next()->has_result());
}

TEST_F(ToolServiceClientTest, ServiceThatDiesDuringTheCallIsUnavailable) {
  Script({.events = {ProgressEvent(1)}, .hang = true});
  const auto call = Call();
  EXPECT_TRUE(call->Next().ok());
  std::thread killer([&] { service_->Kill(); });
  EXPECT_EQ(call->Next().status().code(), absl::StatusCode::kUnavailable);
  killer.join();
}

TEST_F(ToolServiceClientTest, ServiceThatIsAwayIsUnavailableAndServesAgainSoonAfterItsReturn) {
  Script({.events = {TextResult("hello")}});
  ASSERT_TRUE(Call()->Next().ok());
  const int port = service_->port();
  service_.reset();
  EXPECT_EQ(Call()->Next().status().code(), absl::StatusCode::kUnavailable);
  service_ = FakeToolService::Start(port);
  ASSERT_NE(service_, nullptr);
  Script({.events = {TextResult("again")}});
  const absl::Time give_up = absl::Now() + absl::Seconds(5);
  while (!Call()->Next().ok()) {
    ASSERT_LT(absl::Now(), give_up);
    absl::SleepFor(absl::Milliseconds(20));
  }
}

TEST_F(ToolServiceClientTest, TraceContextIsSentAsMetadata) {
  Script({.events = {TextResult("hello")}});
  const TraceContext trace_context = {.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                      .tracestate = "congo=t61rcWkgMzE",
                                      .baggage = "userId=alice"};
  CallToolRequest request = RequestFor("echo");
  ASSERT_TRUE(client_.StartCall(request, Soon(), trace_context)->Next().ok());
  const FakeCallRecord record = service_->Calls()[0];
  EXPECT_THAT(record.metadata, ::testing::Contains(Pair("traceparent", trace_context.traceparent)));
  EXPECT_THAT(record.metadata, ::testing::Contains(Pair("tracestate", trace_context.tracestate)));
  EXPECT_THAT(record.metadata, ::testing::Contains(Pair("baggage", trace_context.baggage)));
}

TEST_F(ToolServiceClientTest, EveryCallCarriesAnAssertionForThisServiceThatIsStillGood) {
  common::FakeClock clock;
  prometheus::Registry registry;
  PrincipalSigner signer("https://edge/mcp", {common::Es256PrivateKey::Generate()}, clock, registry);
  const ToolServiceClient client("mail", service_->target(), &signer);
  Script({.events = {TextResult("hello")}});
  CallToolRequest request = RequestFor("echo");
  request.mutable_context()->mutable_principal()->set_subject("alice");
  ASSERT_TRUE(client.StartCall(request, Soon(), TraceContext())->Next().ok());
  clock.Advance(absl::Seconds(100));
  ASSERT_TRUE(client.StartCall(request, Soon(), TraceContext())->Next().ok());  // as a later round of the same call
  std::vector<std::string> expiries;
  for (const FakeCallRecord& record : service_->Calls()) {
    const auto jws = common::SplitJws(record.request.context().principal().assertion());
    ASSERT_TRUE(jws.has_value());
    EXPECT_THAT(jws->payload, HasSubstr(R"("aud":"mail","sub":"alice")"));
    expiries.push_back(jws->payload.substr(jws->payload.find("\"exp\":"), 16));
  }
  ASSERT_EQ(expiries.size(), 2);
  EXPECT_LT(expiries[0], expiries[1]);
}

TEST(ToolServiceClientTlsTest, CallsOfBothKindsNeedAServerOfTheAuthorityForItsName) {
  const common::TestAuthority authority;
  common::SecretFolder files("tls");
  files.Write(authority.Issue("DNS:localhost"), authority.certificate());
  common::GrpcSecurityOptions options;
  options.cert_file = files.cert_file();
  options.key_file = files.key_file();
  options.ca_file = files.ca_file();
  const auto security = common::GrpcSecurity::Create(options);
  ASSERT_TRUE(security.ok()) << security.status();
  gatehouse::tool::v1::ToolService::Service no_methods;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", *(*security)->ForServer("127.0.0.1"), &port);
  builder.RegisterService(&no_methods);
  const auto server = builder.BuildAndStart();

  const auto code_of = [](const ToolServiceClient& client) {
    CallToolRequest request = RequestFor("echo");
    return client.StartCall(request, Soon(), TraceContext())->Next().status().code();
  };
  const auto unary_code_of = [](const ToolServiceClient& client) {
    grpc::ClientContext context;
    gatehouse::tool::v1::CompleteResponse response;
    return gatehouse::tool::v1::ToolService::NewStub(client.channel())->Complete(&context, {}, &response).error_code();
  };
  const ToolServiceClient good("fake", "dns:///localhost:" + std::to_string(port), nullptr, security->get());
  EXPECT_EQ(code_of(good), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(unary_code_of(good), grpc::StatusCode::UNIMPLEMENTED);
  const ToolServiceClient other_name("fake", "dns:///127.0.0.1:" + std::to_string(port), nullptr, security->get());
  EXPECT_EQ(code_of(other_name), absl::StatusCode::kUnavailable);
  EXPECT_EQ(unary_code_of(other_name), grpc::StatusCode::UNAVAILABLE);
  const ToolServiceClient clear_text("fake", "dns:///localhost:" + std::to_string(port));
  EXPECT_EQ(code_of(clear_text), absl::StatusCode::kUnavailable);
  server->Shutdown(absl::ToChronoTime(absl::Now()));
}

TEST_F(ToolServiceClientTest, ManyThreadsCallAtOnce) {
  service_->OnCall([](const CallToolRequest& request) {
    return FakeCallScript{.events = {ProgressEvent(1), TextResult(request.name())}};
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string name = std::to_string(t * 1000 + i);
        CallToolRequest request = RequestFor(name);
        const auto call = client_.StartCall(request, Soon(), TraceContext());
        EXPECT_TRUE(call->Next()->has_progress());
        EXPECT_EQ(call->Next()->result().content(0).text().text(), name);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace mcp_edge
