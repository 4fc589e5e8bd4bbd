#include "mcp_edge/tools/unary_call.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "mcp_edge/assertion/principal_signer.h"
#include "mcp_edge/tools/bounded_message.h"
#include "mcp_edge/tools/testing/fake_tool_service.h"
#include "mcp_edge/tools/testing/raw_tool_service.h"
#include "mcp_edge/tools/tool_service_client.h"
#include "prometheus/registry.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

tool::ReadResourceRequest Read(const std::string& uri) {
  tool::ReadResourceRequest request;
  request.set_uri(uri);
  return request;
}

// First, as the fake service of the other tests keeps the threads too.
TEST(UnaryCallThreadsTest, TheLastChannelMayGoWithACallThatNobodyWaitsFor) {
  for (int i = 0; i < 200; ++i) {
    const ToolServiceClient client("nobody", "ipv4:127.0.0.1:1");
    StartUnaryCall(client, Read("test://x"), absl::Now() + absl::Milliseconds(i % 5), TraceContext());
  }
}

class UnaryCallTest : public testing::Test {
 protected:
  std::unique_ptr<UnaryCall<tool::ReadResourceResponse>> Start(absl::Time deadline = Soon()) {
    return StartUnaryCall(client_, Read("test://x"), deadline, trace_);
  }

  TraceContext trace_;
  std::unique_ptr<FakeToolService> service_ = FakeToolService::Start();
  ToolServiceClient client_{"fake", service_->target()};
};

TEST_F(UnaryCallTest, EachMethodReachesItsOwn) {
  service_->OnReadResource([](const tool::ReadResourceRequest& request) {
    FakeUnaryScript<tool::ReadResourceResponse> script;
    script.response.mutable_result()->add_contents()->set_uri(request.uri());
    return script;
  });
  service_->OnGetPrompt([](const tool::GetPromptRequest& request) {
    FakeUnaryScript<tool::GetPromptResponse> script;
    script.response.mutable_result()->set_description(request.name());
    return script;
  });
  service_->OnComplete([](const tool::CompleteRequest& request) {
    FakeUnaryScript<tool::CompleteResponse> script;
    script.response.add_values(request.argument_value());
    return script;
  });
  service_->OnListResources([](const tool::ListResourcesRequest& request) {
    FakeUnaryScript<tool::ListResourcesResponse> script;
    script.response.set_next_cursor(request.cursor());
    return script;
  });
  EXPECT_EQ(Start()->Take()->result().contents(0).uri(), "test://x");
  tool::GetPromptRequest prompt;
  prompt.set_name("p");
  EXPECT_EQ(StartUnaryCall(client_, prompt, Soon(), trace_)->Take()->result().description(), "p");
  tool::CompleteRequest complete;
  complete.set_argument_value("v");
  EXPECT_EQ(StartUnaryCall(client_, complete, Soon(), trace_)->Take()->values(0), "v");
  tool::ListResourcesRequest list;
  list.set_cursor("c");
  EXPECT_EQ(StartUnaryCall(client_, list, Soon(), trace_)->Take()->next_cursor(), "c");
}

TEST_F(UnaryCallTest, AnAnswerOfTooManyPartsIsInternal) {
  service_->OnReadResource([](const tool::ReadResourceRequest&) {
    FakeUnaryScript<tool::ReadResourceResponse> script;
    for (int i = 0; i < kMaxParts; ++i) script.response.mutable_result()->add_contents();
    return script;
  });
  EXPECT_EQ(Start()->Take().status().code(), absl::StatusCode::kInternal);
}

TEST_F(UnaryCallTest, AnAnswerThatCannotBeDecodedIsInternal) {
  const auto raw = RawToolService::Start();
  raw->On("ReadResource", {{"\x0a\x05"}});  // cut short
  const ToolServiceClient client("raw", raw->target());
  const auto answer = StartUnaryCall(client, Read("test://x"), Soon(), trace_)->Take();
  EXPECT_EQ(answer.status(), absl::InternalError("the answer of the tool service cannot be decoded"));
}

TEST_F(UnaryCallTest, EachMethodCarriesAnAssertionForThisService) {
  std::vector<std::string> assertions;
  const auto note = [&](const auto& request) { assertions.push_back(request.context().principal().assertion()); };
  service_->OnReadResource([&](const tool::ReadResourceRequest& request) {
    note(request);
    return FakeUnaryScript<tool::ReadResourceResponse>();
  });
  service_->OnGetPrompt([&](const tool::GetPromptRequest& request) {
    note(request);
    return FakeUnaryScript<tool::GetPromptResponse>();
  });
  service_->OnComplete([&](const tool::CompleteRequest& request) {
    note(request);
    return FakeUnaryScript<tool::CompleteResponse>();
  });
  service_->OnListResources([&](const tool::ListResourcesRequest& request) {
    note(request);
    return FakeUnaryScript<tool::ListResourcesResponse>();
  });
  const common::SystemClock clock;
  prometheus::Registry registry;
  PrincipalSigner signer("https://edge/mcp", {common::Es256PrivateKey::Generate()}, clock, registry);
  const ToolServiceClient client("mail", service_->target(), &signer);
  const auto call = [&](auto request) {
    request.mutable_context()->mutable_principal()->set_subject("alice");
    EXPECT_TRUE(StartUnaryCall(client, std::move(request), Soon(), trace_)->Take().ok());
  };
  call(tool::ReadResourceRequest());
  call(tool::GetPromptRequest());
  call(tool::CompleteRequest());
  call(tool::ListResourcesRequest());
  ASSERT_EQ(assertions.size(), 4);
  for (const std::string& assertion : assertions) {
    const auto jws = common::SplitJws(assertion);
    ASSERT_TRUE(jws.has_value());
    EXPECT_NE(jws->payload.find(R"("aud":"mail","sub":"alice")"), std::string::npos) << jws->payload;
  }
}

TEST_F(UnaryCallTest, StatusAndMessageComeThrough) {
  service_->OnReadResource([](const tool::ReadResourceRequest&) {
    return FakeUnaryScript<tool::ReadResourceResponse>{.status = grpc::Status(grpc::StatusCode::NOT_FOUND, "no such")};
  });
  EXPECT_EQ(Start()->Take().status(), absl::NotFoundError("no such"));
}

TEST_F(UnaryCallTest, WaitSaysWhetherThereIsAnAnswer) {
  service_->OnReadResource(
      [](const tool::ReadResourceRequest&) { return FakeUnaryScript<tool::ReadResourceResponse>{.hang = true}; });
  EXPECT_FALSE(Start()->Wait(absl::Now() + absl::Milliseconds(20)));
  service_->OnReadResource(
      [](const tool::ReadResourceRequest&) { return FakeUnaryScript<tool::ReadResourceResponse>{}; });
  const auto call = Start();
  EXPECT_TRUE(call->Wait(Soon()));
  EXPECT_TRUE(call->Take().ok());
}

TEST_F(UnaryCallTest, DeadlineEndsTheCall) {
  service_->OnReadResource(
      [](const tool::ReadResourceRequest&) { return FakeUnaryScript<tool::ReadResourceResponse>{.hang = true}; });
  EXPECT_EQ(Start(absl::Now() + absl::Milliseconds(50))->Take().status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(UnaryCallTest, CancelEndsABlockedTakeAndReachesTheService) {
  service_->OnReadResource(
      [](const tool::ReadResourceRequest&) { return FakeUnaryScript<tool::ReadResourceResponse>{.hang = true}; });
  const auto call = Start();
  std::thread canceller([&] { call->Cancel(); });
  EXPECT_EQ(call->Take().status().code(), absl::StatusCode::kCancelled);
  canceller.join();
  call->Cancel();
}

TEST_F(UnaryCallTest, DestructionCancelsWithoutWaiting) {
  absl::Notification arrived;
  service_->OnReadResource([&](const tool::ReadResourceRequest&) {
    arrived.Notify();
    return FakeUnaryScript<tool::ReadResourceResponse>{.hang = true};
  });
  auto call = Start();
  arrived.WaitForNotification();
  call.reset();
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
}

TEST_F(UnaryCallTest, AServiceThatIsAwayIsUnavailable) {
  service_->Kill();
  EXPECT_EQ(Start()->Take().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(UnaryCallTest, TraceContextIsSentAsMetadata) {
  service_->OnReadResource(
      [](const tool::ReadResourceRequest&) { return FakeUnaryScript<tool::ReadResourceResponse>{}; });
  trace_.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_TRUE(Start()->Take().ok());
  EXPECT_EQ(service_->last_unary_metadata().find("traceparent")->second, trace_.traceparent);
}

}  // namespace
}  // namespace mcp_edge
