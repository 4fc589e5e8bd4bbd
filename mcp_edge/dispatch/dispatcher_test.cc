#include "mcp_edge/dispatch/dispatcher.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/sealing/aead_sealer.h"
#include "mcp_edge/tools/testing/fake_tool_service.h"

namespace mcp_edge {
namespace {

using nlohmann::json;
namespace tool = gatehouse::tool::v1;

class DispatcherTest : public testing::Test {
 protected:
  void SetUp() override {
    service_ = FakeToolService::Start();
    ASSERT_NE(service_, nullptr);
    auto principal = std::make_shared<Principal>();
    principal->subject = "alice";
    principal->for_tools.set_subject("alice");
    principal->scopes = {"openid", "a"};
    principal->scopes_known = true;
    principal_ = principal;
    Publish([](ToolEntry&) {});
  }

  // Makes the catalogue hold one tool "p.t", known to its service as "t".
  void Publish(const std::function<void(ToolEntry&)>& adapt) {
    ToolEntry entry;
    entry.name = "p.t";
    entry.tool = MakeTool("t");
    entry.tool.set_input_schema_json(R"({"type":"object"})");
    entry.service = std::make_shared<ToolServiceClient>("fake", service_->target());
    adapt(entry);
    CatalogContents contents;
    contents.tools.push_back(std::move(entry));
    catalog_.Publish(std::move(contents));
  }

  // All the steps of `body`, a request.
  std::vector<Step> Run(std::string body, ProtocolVersion version = ProtocolVersion::k2025_11_25) {
    const auto exchange = Start(std::move(body), version);
    std::vector<Step> steps;
    do {
      steps.push_back(exchange->Next());
    } while (!steps.back().last);
    return steps;
  }

  std::unique_ptr<Exchange> Start(std::string body, ProtocolVersion version = ProtocolVersion::k2025_11_25) {
    body_ = std::move(body);
    const auto parsed = ParseBody(body_);
    EXPECT_TRUE(parsed.ok());
    const RequestContext context = {principal_, version, &client_, {}, "request-1"};
    return dispatcher_.Start(parsed->messages.front(), context, nullptr);
  }

  json Response(std::string body, ProtocolVersion version = ProtocolVersion::k2025_11_25) {
    return *ReadJson(Run(std::move(body), version).back().message);
  }

  static std::string Call(absl::string_view rest = "") {
    return absl::StrCat(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"p.t")", rest, "}}");
  }

  const common::SystemClock clock_{};
  Catalog catalog_;
  prometheus::Registry registry_;
  EdgeMetrics metrics_{registry_};
  AeadSealer sealer_{RandomKeyRing(), clock_};
  Dispatcher dispatcher_{{.default_tool_timeout = absl::Seconds(30)}, catalog_, sealer_, clock_, metrics_};
  std::unique_ptr<FakeToolService> service_;
  std::shared_ptr<const Principal> principal_;
  ClientDescription client_;
  std::string body_;
};

TEST_F(DispatcherTest, ACallReachesTheServiceAsTheClientMadeIt) {
  service_->OnCall([](const tool::CallToolRequest&) { return FakeCallScript{{TextResult("done")}}; });
  client_.name = "client";
  client_.capabilities_json = R"({"sampling":{}})";
  const json response = Response(Call(R"(,"arguments":{"n": 1.50,"z":1,"a":2})"));
  EXPECT_EQ(response["id"], 1);
  EXPECT_EQ(response["result"]["content"][0]["text"], "done");
  const tool::CallToolRequest request = service_->Calls().at(0).request;
  EXPECT_EQ(request.name(), "t");
  EXPECT_EQ(request.arguments_json(), R"({"n": 1.50,"z":1,"a":2})");
  EXPECT_EQ(request.context().principal().subject(), "alice");
  EXPECT_EQ(request.context().client_name(), "client");
  EXPECT_EQ(request.context().client_capabilities_json(), R"({"sampling":{}})");
  EXPECT_EQ(request.context().request_id(), "request-1");
  EXPECT_LE(service_->Calls().at(0).time_left, absl::Seconds(31));  // gRPC rounds the header up
}

TEST_F(DispatcherTest, ProgressIsToldWithATokenAndOnlyWhileItGrows) {
  service_->OnCall([](const tool::CallToolRequest& request) {
    EXPECT_TRUE(request.context().wants_progress());
    return FakeCallScript{{ProgressEvent(1), ProgressEvent(1), ProgressEvent(2), TextResult("done")}};
  });
  const auto steps = Run(Call(R"(,"_meta":{"progressToken":"p"})"));
  ASSERT_EQ(steps.size(), 3);
  EXPECT_EQ(steps[0].message,
            R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}})");
  EXPECT_FALSE(steps[1].last);
}

TEST_F(DispatcherTest, WithoutATokenThereIsNoProgress) {
  service_->OnCall([](const tool::CallToolRequest&) { return FakeCallScript{{ProgressEvent(1), TextResult("done")}}; });
  EXPECT_EQ(Run(Call()).size(), 1);
}

TEST_F(DispatcherTest, StatusesForTheModelAreToolErrorsAndOthersShowNothing) {
  grpc::Status status;
  service_->OnCall([&](const tool::CallToolRequest&) { return FakeCallScript{{}, status}; });
  for (const auto code :
       {grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::NOT_FOUND, grpc::StatusCode::FAILED_PRECONDITION,
        grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::PERMISSION_DENIED}) {
    status = grpc::Status(code, "mend it so");
    const json response = Response(Call());
    EXPECT_EQ(response["result"]["isError"], true) << response;
    EXPECT_EQ(response["result"]["content"][0]["text"], "mend it so");
  }
  for (const auto code :
       {grpc::StatusCode::INTERNAL, grpc::StatusCode::UNKNOWN, grpc::StatusCode::UNIMPLEMENTED,
        grpc::StatusCode::DATA_LOSS, grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::UNAUTHENTICATED}) {
    status = grpc::Status(code, "secret detail");
    const json response = Response(Call());
    EXPECT_EQ(response["error"]["code"], -32603) << response;
    EXPECT_EQ(response.dump().find("secret"), std::string::npos);
  }
}

TEST_F(DispatcherTest, ATooSlowToolIsAToolError) {
  service_->OnCall([](const tool::CallToolRequest&) { return FakeCallScript{.hang = true}; });
  Publish([](ToolEntry& entry) { entry.timeout = absl::Seconds(2); });
  EXPECT_EQ(Response(Call())["result"]["isError"], true);
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
}

TEST_F(DispatcherTest, CancelReachesTheTool) {
  service_->OnCall([](const tool::CallToolRequest&) { return FakeCallScript{.hang = true}; });
  const auto exchange = Start(Call());
  std::thread canceller([&] {
    service_->WaitForCalls(1);
    exchange->Cancel();
  });
  EXPECT_EQ(exchange->Next().error, WireErrorKind::kCancelled);
  canceller.join();
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
}

TEST_F(DispatcherTest, ACallThatIsCancelledBeforeItStartsNeverDoes) {
  const auto exchange = Start(Call());
  exchange->Cancel();
  EXPECT_EQ(exchange->Next().error, WireErrorKind::kCancelled);
  EXPECT_TRUE(service_->Calls().empty());
}

TEST_F(DispatcherTest, ABrokenToolServiceIsAnErrorOfOneCall) {
  service_->OnCall([](const tool::CallToolRequest&) { return FakeCallScript{}; });  // no outcome
  EXPECT_EQ(Response(Call())["error"]["code"], -32603);
  service_->OnCall([](const tool::CallToolRequest&) {
    tool::CallToolEvent event;
    event.mutable_result()->set_structured_content_json("{");
    return FakeCallScript{{event}};
  });
  EXPECT_EQ(Response(Call())["error"]["code"], -32603);
  service_->Kill();
  EXPECT_EQ(Response(Call())["error"]["code"], -32603);
}

TEST_F(DispatcherTest, InputRequiredIsAToolErrorForClientsThatCannotBeAsked) {
  service_->OnCall([](const tool::CallToolRequest&) {
    tool::CallToolEvent event;
    event.mutable_input_required()->set_state("s");
    return FakeCallScript{{event}};
  });
  EXPECT_EQ(Response(Call())["result"]["isError"], true);
}

TEST_F(DispatcherTest, MissingScopesAreAskedForTogetherWithTheOnesHeld) {
  Publish([](ToolEntry& entry) { entry.required_scopes = {{"a", "b"}, {"c"}}; });
  const Step step = Run(Call()).back();
  EXPECT_EQ(step.error, WireErrorKind::kInsufficientScope);
  ASSERT_NE(step.shortage, nullptr);
  EXPECT_EQ(step.shortage->needed, "a b openid");
  EXPECT_EQ(step.shortage->missing, std::vector<std::string>{"b"});
  EXPECT_TRUE(step.shortage->scopes_known);
  EXPECT_TRUE(service_->Calls().empty());
}

TEST_F(DispatcherTest, OneSatisfiedSetOfScopesIsEnough) {
  service_->OnCall([](const tool::CallToolRequest&) { return FakeCallScript{{TextResult("done")}}; });
  Publish([](ToolEntry& entry) { entry.required_scopes = {{"b"}, {"a", "openid"}}; });
  EXPECT_TRUE(Response(Call()).contains("result"));
}

TEST_F(DispatcherTest, MissingCapabilitiesAreNamed) {
  Publish([](ToolEntry& entry) { entry.required_client_capabilities = json{{"sampling", json::object()}}; });
  const json modern = Response(Call(), ProtocolVersion::k2026_07_28);
  EXPECT_EQ(modern["error"]["code"], -32021);
  EXPECT_TRUE(modern["error"]["data"]["requiredCapabilities"].contains("sampling"));
  EXPECT_EQ(Response(Call())["result"]["isError"], true);
}

TEST_F(DispatcherTest, BadParamsAreTold) {
  for (const char* params : {"{}", R"({"name":5})", R"({"name":"nope"})", R"({"name":"p.t","arguments":[]})",
                             R"({"name":"p.t","arguments":null})"}) {
    const json response =
        Response(absl::StrCat(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":)", params, "}"));
    EXPECT_EQ(response["error"]["code"], -32602) << params;
  }
  for (const char* cursor : {"5", "\"\"", "\"bogus\"", "null"}) {
    const json response =
        Response(absl::StrCat(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":)", cursor, "}}"));
    EXPECT_EQ(response["error"]["code"], -32602) << cursor;
  }
}

TEST_F(DispatcherTest, LegacyPingIsEmpty) {
  EXPECT_EQ(Run(R"({"jsonrpc":"2.0","id":"x","method":"ping"})").back().message,
            R"({"jsonrpc":"2.0","id":"x","result":{}})");
}

}  // namespace
}  // namespace mcp_edge
