// Which methods there are in each era, and what each makes of its params.

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "common/log.h"
#include "mcp_edge/dispatch/testing/dispatcher_fixture.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

class MethodsTest : public DispatcherFixture {
 protected:
  void Answer(std::vector<tool::CallToolEvent> events) {
    service_->OnCall([events = std::move(events)](const tool::CallToolRequest&) { return FakeCallScript{events}; });
  }

  static tool::CallToolEvent Log(tool::LogLevel level, const char* data_json) {
    tool::CallToolEvent event;
    event.mutable_log()->set_level(level);
    event.mutable_log()->set_data_json(data_json);
    return event;
  }

  // The levels of the log messages among the steps.
  static std::vector<std::string> Levels(const std::vector<Step>& steps) {
    std::vector<std::string> levels;
    for (const Step& step : steps) {
      const Json message = Read(step);
      if (message.value("method", "") == "notifications/message") levels.push_back(message["params"]["level"]);
    }
    return levels;
  }

  static std::string Text(const Json& response) { return response["result"]["content"][0]["text"]; }
};

TEST_F(MethodsTest, EachEraHasItsOwn) {
  const auto known = [&](const char* method, ProtocolVersion version) {
    return Code(Response(method, "{}", version)) != -32601;
  };
  for (const char* method : {"ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"}) {
    EXPECT_TRUE(known(method, ProtocolVersion::k2024_11_05)) << method;
    EXPECT_TRUE(known(method, kLegacy)) << method;
    EXPECT_FALSE(known(method, kModern)) << method;
  }
  for (const char* method : {"tools/call", "tools/list", "prompts/get", "resources/read", "completion/complete",
                             "prompts/list", "resources/list", "resources/templates/list"}) {
    EXPECT_TRUE(known(method, ProtocolVersion::k2024_11_05)) << method;
    EXPECT_TRUE(known(method, kModern)) << method;
  }
  EXPECT_TRUE(known("server/discover", kModern));
  EXPECT_FALSE(known("server/discover", kLegacy));
  for (const char* method :
       {"initialize", "tasks/get", "tasks/list", "tasks/result", "skills/list", "unknown/method"}) {
    EXPECT_FALSE(known(method, kModern)) << method;
    EXPECT_FALSE(known(method, kLegacy)) << method;
  }
}

// --- log messages, progress, streams

TEST_F(MethodsTest, ModernClientsHearOfLogMessagesOnlyWhenTheyAskForThem) {
  Answer({Log(tool::LOG_LEVEL_INFO, "\"a\""), Log(tool::LOG_LEVEL_ERROR, "\"b\""), TextResult("done")});
  const auto levels = [&](const char* meta) {
    return Levels(Run("tools/call", absl::StrCat(R"({"name":"p.t","_meta":{)", meta, "}}"), kModern));
  };
  EXPECT_TRUE(levels("").empty());
  EXPECT_EQ(service_->Calls().back().request.context().log_level(), tool::LOG_LEVEL_UNSPECIFIED);
  EXPECT_EQ(levels(R"("io.modelcontextprotocol/logLevel":"info")"), (std::vector<std::string>{"info", "error"}));
  EXPECT_EQ(service_->Calls().back().request.context().log_level(), tool::LOG_LEVEL_INFO);
  EXPECT_EQ(levels(R"("io.modelcontextprotocol/logLevel":"warning")"), std::vector<std::string>{"error"});
  EXPECT_EQ(
      Code(Response("tools/call", R"({"name":"p.t","_meta":{"io.modelcontextprotocol/logLevel":"loud"}})", kModern)),
      -32602);
}

TEST_F(MethodsTest, SessionsHearOfLogMessagesFromTheirLevelOn) {
  Answer({Log(tool::LOG_LEVEL_INFO, "\"a\""), Log(tool::LOG_LEVEL_ERROR, "{\"b\": 1}"), TextResult("done")});
  EXPECT_EQ(Levels(Run("tools/call", R"({"name":"p.t"})", kLegacy)), std::vector<std::string>{"error"});
  EXPECT_EQ(service_->Calls().back().request.context().log_level(), tool::LOG_LEVEL_WARNING);
  EXPECT_EQ(Response("logging/setLevel", R"({"level":"debug"})", kLegacy)["result"], Json::object());
  EXPECT_EQ(Levels(Run("tools/call", R"({"name":"p.t"})", kLegacy)).size(), 2);
  can_stream_ = false;
  EXPECT_TRUE(Levels(Run("tools/call", R"({"name":"p.t"})", kLegacy)).empty());
  EXPECT_EQ(service_->Calls().back().request.context().log_level(), tool::LOG_LEVEL_UNSPECIFIED);
  for (const char* params : {"{}", R"({"level":5})", R"({"level":"loud"})", R"({"level":"DEBUG"})"}) {
    EXPECT_EQ(Code(Response("logging/setLevel", params, kLegacy)), -32602) << params;
  }
}

TEST_F(MethodsTest, ALogMessageThatIsNoneIsDroppedAndTheCallGoesOn) {
  Answer({Log(tool::LOG_LEVEL_ERROR, "{"), Log(tool::LOG_LEVEL_UNSPECIFIED, "1"), TextResult("done")});
  const auto steps = Run("tools/call", R"({"name":"p.t"})", kLegacy);
  EXPECT_EQ(steps.size(), 1);
  EXPECT_EQ(Text(Read(steps.back())), "done");
}

TEST_F(MethodsTest, ProgressOfNothingButNumbersThatGrow) {
  Answer({ProgressEvent(0), ProgressEvent(std::numeric_limits<double>::quiet_NaN()),
          ProgressEvent(std::numeric_limits<double>::infinity()), ProgressEvent(1), ProgressEvent(0.5),
          TextResult("done")});
  const auto steps = Run("tools/call", R"({"name":"p.t","_meta":{"progressToken":"t"}})", kModern);
  ASSERT_EQ(steps.size(), 3);
  EXPECT_EQ(Read(steps[0])["params"]["progress"], 0);
  EXPECT_EQ(Read(steps[1])["params"]["progress"], 1);
}

TEST_F(MethodsTest, AStreamMayBeClosedOnlyWhereItCanBeResumed) {
  tool::CallToolEvent close;
  close.mutable_close_stream();
  tool::CallToolEvent close_for_long;
  close_for_long.mutable_close_stream()->mutable_retry_delay()->set_seconds(3600);
  Answer({close, close_for_long, TextResult("done")});
  const auto steps = Run("tools/call", R"({"name":"p.t"})", kLegacy);
  ASSERT_EQ(steps.size(), 3);
  EXPECT_TRUE(steps[0].close_retry.has_value());
  EXPECT_TRUE(steps[0].message.empty());
  EXPECT_FALSE(steps[0].last);
  EXPECT_EQ(steps[1].close_retry, absl::Minutes(1));
  EXPECT_EQ(Run("tools/call", R"({"name":"p.t"})", kModern).size(), 1);
  can_stream_ = false;
  EXPECT_EQ(Run("tools/call", R"({"name":"p.t"})", kLegacy).size(), 1);
}

// --- checks of tools/call, in their order

TEST_F(MethodsTest, ArgumentsThatDoNotFitAreToldTheModel) {
  Answer({TextResult("done")});
  Publish([](ToolEntry& entry) { entry.input_schema = std::make_shared<FakeSchema>("/n: must be a number"); });
  for (const ProtocolVersion version : {ProtocolVersion::k2024_11_05, kLegacy, kModern}) {
    const Json response = Response("tools/call", R"({"name":"p.t","arguments":{"n":"x"}})", version);
    EXPECT_EQ(response["result"]["isError"], true);
    EXPECT_TRUE(absl::StrContains(Text(response), "/n: must be a number"));
  }
  EXPECT_TRUE(service_->Calls().empty());
}

TEST_F(MethodsTest, ResultsThatDoNotFitAreTheServicesFault) {
  const auto answer = [&](const char* structured, bool is_error) {
    tool::CallToolEvent event;
    event.mutable_result()->set_structured_content_json(structured);
    event.mutable_result()->set_is_error(is_error);
    Answer({event});
    return Code(Response("tools/call", R"({"name":"p.t"})", kModern));
  };
  Publish([](ToolEntry& entry) { entry.output_schema = std::make_shared<FakeSchema>("/secret: is required"); });
  EXPECT_EQ(answer("{}", false), -32603);
  EXPECT_EQ(answer("{}", true), 0);
  Publish([](ToolEntry& entry) { entry.output_schema = std::make_shared<FakeSchema>(std::nullopt); });
  EXPECT_EQ(answer("{}", false), 0);
  EXPECT_EQ(answer("", false), -32603);
  EXPECT_EQ(answer("", true), 0);
}

TEST_F(MethodsTest, TheLogSaysWhereAResultDoesNotFitAndNotWhatItHas) {
  for (const char* rule : {R"({"maximum":10})", R"({"const":1})", R"({"enum":[1,2]})", R"({"multipleOf":2})",
                           R"({"type":"integer"})", R"({"anyOf":[{"const":1},{"minimum":10000}]})"}) {
    auto schema =
        JsonSchema::Compile(absl::StrCat(R"({"type":"object","properties":{"pin":)", rule, R"(,"z":{"const":1}}})"));
    ASSERT_TRUE(schema.ok()) << schema.status();
    Publish([&](ToolEntry& entry) { entry.output_schema = *schema; });
    tool::CallToolEvent event;
    event.mutable_result()->set_structured_content_json(R"({"pin":4711.5,"z":4711.5})");
    Answer({event});
    testing::internal::CaptureStderr();
    EXPECT_EQ(Code(Response("tools/call", R"({"name":"p.t"})", kModern)), -32603) << rule;
    common::FlushLog();
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_TRUE(absl::StrContains(log, "output schema: /")) << log;
    EXPECT_FALSE(absl::StrContains(log, "4711")) << log;
  }
}

TEST_F(MethodsTest, HeadersAreCheckedAfterTheToolIsKnownAndBeforeScopes) {
  Publish([](ToolEntry& entry) {
    entry.header_parameters = {{"Region", {"region"}, HeaderParameter::Type::kString}};
    entry.required_scopes = {{"missing"}};
  });
  MirrorHeaders headers;
  headers.parameter = [](absl::string_view) { return HeaderField(); };
  const auto run = [&](const char* name, const char* arguments) {
    headers.name.value = name;
    return Start("tools/call", absl::StrCat(R"({"name":")", name, R"(","arguments":)", arguments, "}"), kModern,
                 &headers)
        ->Next()
        .error;
  };
  EXPECT_EQ(run("nope", R"({"region":"x"})"), WireErrorKind::kInvalidParams);
  EXPECT_EQ(run("p.t", R"({"region":"x"})"), WireErrorKind::kHeaderMismatch);
  EXPECT_EQ(run("p.t", "{}"), WireErrorKind::kInsufficientScope);
  // Without headers there is nothing to compare.
  EXPECT_EQ(Start("tools/call", R"({"name":"p.t","arguments":{"region":"x"}})", kLegacy)->Next().error,
            WireErrorKind::kInsufficientScope);
}

TEST_F(MethodsTest, CapabilitiesAreCheckedBeforeArguments) {
  Publish([](ToolEntry& entry) {
    entry.required_client_capabilities = Json{{"sampling", Json::object()}};
    entry.input_schema = std::make_shared<FakeSchema>("wrong");
  });
  EXPECT_EQ(Code(Response("tools/call", R"({"name":"p.t"})", kModern)), -32021);
  EXPECT_TRUE(absl::StrContains(Text(Response("tools/call", R"({"name":"p.t"})", kLegacy)), "sampling"));
}

TEST_F(MethodsTest, AnEndlessStreamIsCutOff) {
  options_.max_tool_events = 50;
  service_->OnCall([](const tool::CallToolRequest&) {
    return FakeCallScript{.events = std::vector<tool::CallToolEvent>(100, ProgressEvent(1)), .hang = true};
  });
  EXPECT_EQ(Code(Response("tools/call", R"({"name":"p.t"})", kModern)), -32603);
}

// --- tasks

class FakeTasks final : public Tasks {
 public:
  TaskAnswer Start(std::unique_ptr<Operation> operation, std::unique_ptr<Round> round,
                   const RequestContext& context) override {
    operation_ = std::move(operation);
    round_ = std::move(round);
    started_for_ = context.request_id;
    if (full_) return RpcError{WireErrorKind::kOverloaded, "too many tasks", ""};
    return std::string(R"({"resultType":"task","taskId":"1"})");
  }
  TaskAnswer Get(const Message&, const RequestContext&) override { return std::string(R"({"method":"get"})"); }
  TaskAnswer Update(const Message&, const RequestContext&) override { return std::string(R"({"method":"update"})"); }
  TaskAnswer Cancel(const Message&, const RequestContext&) override { return std::string(R"({"method":"cancel"})"); }
  absl::Duration max_time() const override { return absl::Hours(1); }
  bool Owns(absl::string_view, const Principal&) override { return false; }
  std::optional<std::string> Notification(absl::string_view, const Principal&) override { return std::nullopt; }

  std::unique_ptr<Operation> operation_;
  std::unique_ptr<Round> round_;
  std::string started_for_;
  bool full_ = false;
};

class TaskMethodsTest : public MethodsTest {
 protected:
  static constexpr char kDeclared[] = R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})";

  TaskMethodsTest() { tasks_ = &fake_tasks_; }

  void Offer(tool::TaskSupport support, bool announces) {
    Publish([&](ToolEntry& entry) {
      entry.tool.set_task_support(support);
      entry.tool.set_announces_task_start(announces);
    });
  }
  Json Call(ProtocolVersion version) { return Response("tools/call", R"({"name":"p.t","task":{"ttl":5}})", version); }

  FakeTasks fake_tasks_;
};

TEST_F(TaskMethodsTest, AToolThatMayBeATaskIsOneForClientsThatDeclareThem) {
  Answer({TextResult("done")});
  Offer(tool::TASK_SUPPORT_OPTIONAL, /*announces=*/false);
  EXPECT_EQ(Text(Call(kModern)), "done");
  EXPECT_EQ(Text(Call(kLegacy)), "done");
  Declare(kDeclared);
  EXPECT_EQ(Text(Call(kLegacy)), "done");
  EXPECT_EQ(service_->Calls().size(), 3);
  EXPECT_EQ(Call(kModern)["result"]["resultType"], "task");
  EXPECT_EQ(service_->Calls().size(), 3);  // the manager of tasks makes the call
  EXPECT_EQ(fake_tasks_.started_for_, "request-1");
  EXPECT_EQ(fake_tasks_.round_, nullptr);
  const auto event = fake_tasks_.operation_->Begin({}, "")->Next();
  EXPECT_TRUE(std::holds_alternative<OperationResult>(event));
  const FakeCallRecord call = service_->Calls().back();
  EXPECT_GT(call.time_left, absl::Minutes(50));
  EXPECT_TRUE(call.request.context().wants_progress());
  EXPECT_FALSE(call.request.context().can_start_task());
}

TEST_F(TaskMethodsTest, OtherToolsAreNoTasks) {
  Answer({TextResult("done")});
  Declare(kDeclared);
  for (const auto support : {tool::TASK_SUPPORT_UNSPECIFIED, tool::TASK_SUPPORT_FORBIDDEN}) {
    Offer(support, /*announces=*/true);
    EXPECT_EQ(Text(Call(kModern)), "done");
  }
}

TEST_F(TaskMethodsTest, AToolThatMustBeATaskNeedsAClientThatDeclaresThem) {
  Offer(tool::TASK_SUPPORT_REQUIRED, /*announces=*/false);
  const Json modern = Call(kModern);
  EXPECT_EQ(Code(modern), -32021);
  EXPECT_TRUE(modern["error"]["data"]["requiredCapabilities"]["extensions"].contains("io.modelcontextprotocol/tasks"));
  EXPECT_EQ(Call(kLegacy)["result"]["isError"], true);
  Declare(kDeclared);
  EXPECT_EQ(Call(kLegacy)["result"]["isError"], true);
  EXPECT_EQ(Call(kModern)["result"]["resultType"], "task");
}

TEST_F(TaskMethodsTest, ATaskThatCannotBeStartedIsAnError) {
  Offer(tool::TASK_SUPPORT_OPTIONAL, /*announces=*/false);
  Declare(kDeclared);
  fake_tasks_.full_ = true;
  EXPECT_TRUE(Call(kModern).contains("error"));
}

TEST_F(TaskMethodsTest, ACallBecomesATaskWhenItSaysSo) {
  tool::CallToolEvent started;
  started.mutable_task_started();
  Answer({started, TextResult("done")});
  Offer(tool::TASK_SUPPORT_REQUIRED, /*announces=*/true);
  Declare(kDeclared);
  EXPECT_EQ(Call(kModern)["result"]["resultType"], "task");
  ASSERT_NE(fake_tasks_.round_, nullptr);
  EXPECT_TRUE(std::holds_alternative<OperationResult>(fake_tasks_.round_->Next()));
  EXPECT_TRUE(service_->Calls().back().request.context().can_start_task());
}

TEST_F(TaskMethodsTest, UntilThenItIsACallLikeAnyOther) {
  Answer({TextResult("done")});
  Offer(tool::TASK_SUPPORT_REQUIRED, /*announces=*/true);
  Declare(kDeclared);
  EXPECT_EQ(Text(Call(kModern)), "done");
  service_->OnCall([](const tool::CallToolRequest&) { return FakeCallScript{.hang = true}; });
  Publish([](ToolEntry& entry) {
    entry.tool.set_task_support(tool::TASK_SUPPORT_REQUIRED);
    entry.tool.set_announces_task_start(true);
    entry.timeout = absl::Seconds(2);
  });
  EXPECT_EQ(Call(kModern)["result"]["isError"], true);
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
}

TEST_F(TaskMethodsTest, UntilThenItsTimePassesAlsoWhileItTalks) {
  service_->OnCall([](const tool::CallToolRequest&) {
    return FakeCallScript{.events = {ProgressEvent(1), ProgressEvent(2)}, .hang = true};
  });
  Offer(tool::TASK_SUPPORT_OPTIONAL, /*announces=*/true);
  Declare(kDeclared);
  const auto exchange = Start("tools/call", R"({"name":"p.t","_meta":{"progressToken":7}})", kModern);
  EXPECT_EQ(Read(exchange->Next())["params"]["progress"], 1);
  clock_.Advance(absl::Minutes(1));
  const Step last = exchange->Next();
  EXPECT_TRUE(last.last) << last.message;
  EXPECT_EQ(Read(last)["result"]["isError"], true);
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
}

TEST_F(TaskMethodsTest, ATaskBeginsWithTheAnswersAndTheStateOfItsRequest) {
  service_->OnCall([](const tool::CallToolRequest& request) {
    tool::CallToolEvent ask;
    ask.mutable_input_required()->set_state("s");
    return FakeCallScript{{request.request_state().empty() ? ask : TextResult("done")}};
  });
  Offer(tool::TASK_SUPPORT_OPTIONAL, /*announces=*/false);
  const std::string state =
      Response("tools/call", R"({"name":"p.t"})", kModern)["result"]["requestState"].get<std::string>();
  Declare(kDeclared);
  const Json response =
      Response("tools/call",
               absl::StrCat(R"({"name":"p.t","inputResponses":{"k":{"x":1}},"requestState":")", state, "\"}"), kModern);
  EXPECT_EQ(response["result"]["resultType"], "task");
  ASSERT_NE(fake_tasks_.round_, nullptr);
  EXPECT_TRUE(std::holds_alternative<OperationResult>(fake_tasks_.round_->Next()));
  const tool::CallToolRequest request = service_->Calls().back().request;
  EXPECT_EQ(request.request_state(), "s");
  EXPECT_EQ(request.input_responses_json().at("k"), R"({"x":1})");
}

TEST_F(TaskMethodsTest, AnnouncementsOfOthersAreIgnored) {
  tool::CallToolEvent started;
  started.mutable_task_started();
  Answer({started, TextResult("done")});
  Offer(tool::TASK_SUPPORT_OPTIONAL, /*announces=*/true);
  EXPECT_EQ(Text(Call(kModern)), "done");
  EXPECT_EQ(Text(Call(kLegacy)), "done");
}

TEST_F(TaskMethodsTest, WhatIsCancelledOnceItIsATaskRunsOn) {
  tool::CallToolEvent started;
  started.mutable_task_started();
  service_->OnCall([=](const tool::CallToolRequest&) { return FakeCallScript{.events = {started}, .hang = true}; });
  Offer(tool::TASK_SUPPORT_OPTIONAL, /*announces=*/true);
  Declare(kDeclared);
  auto exchange = Start("tools/call", R"({"name":"p.t"})", kModern);
  EXPECT_TRUE(exchange->Next().last);
  exchange->Cancel();
  exchange.reset();
  EXPECT_FALSE(fake_tasks_.round_->Wait(absl::Now() + absl::Milliseconds(50)));
}

TEST_F(TaskMethodsTest, TaskMethodsNeedTheDeclaration) {
  for (const char* method : {"tasks/get", "tasks/update", "tasks/cancel"}) {
    EXPECT_EQ(Code(Response(method, R"({"taskId":"1"})", kModern)), -32021) << method;
    EXPECT_EQ(Code(Response(method, R"({"taskId":"1"})", kLegacy)), -32601) << method;
  }
  Declare(kDeclared);
  EXPECT_EQ(Response("tasks/get", R"({"taskId":"1"})", kModern)["result"]["method"], "get");
  EXPECT_EQ(Response("tasks/update", R"({"taskId":"1"})", kModern)["result"]["method"], "update");
  EXPECT_EQ(Response("tasks/cancel", R"({"taskId":"1"})", kModern)["result"]["method"], "cancel");
}

// --- resources

TEST_F(MethodsTest, AResourceIsReadByItsService) {
  service_->OnReadResource([](const tool::ReadResourceRequest& request) {
    EXPECT_EQ(request.context().principal().subject(), "alice");
    FakeUnaryScript<tool::ReadResourceResponse> script;
    auto& contents = *script.response.mutable_result()->add_contents();
    contents.set_uri(request.uri());
    contents.set_text("hello");
    script.response.mutable_result()->mutable_cache_hint()->mutable_ttl()->set_seconds(2);
    script.response.mutable_result()->mutable_cache_hint()->set_scope(tool::CACHE_SCOPE_PUBLIC);
    return script;
  });
  const Json modern = Response("resources/read", R"({"uri":"test://x/7"})", kModern);
  EXPECT_EQ(modern["result"]["contents"][0]["uri"], "test://x/7");
  EXPECT_EQ(modern["result"]["ttlMs"], 2000);
  EXPECT_EQ(modern["result"]["cacheScope"], "public");
  const Json legacy = Response("resources/read", R"({"uri":"test://r"})", kLegacy);
  EXPECT_EQ(legacy["result"]["contents"][0]["text"], "hello");
  EXPECT_FALSE(legacy["result"].contains("ttlMs"));
  Publish(nullptr, [](CatalogContents& contents) { contents.resources[0].required_scopes = {{"a"}}; });
  EXPECT_EQ(Response("resources/read", R"({"uri":"test://r"})", kModern)["result"]["cacheScope"], "private");
}

TEST_F(MethodsTest, AResourceThatIsNotThereHasTheCodeOfTheVersion) {
  for (const char* uri : {"test://nowhere", "test://r"}) {  // the service has no handler: NOT_FOUND
    const std::string params = absl::StrCat(R"({"uri":")", uri, "\"}");
    const Json modern = Response("resources/read", params, kModern);
    EXPECT_EQ(Code(modern), -32602);
    EXPECT_EQ(modern["error"]["data"]["uri"], uri);
    const Json legacy = Response("resources/read", params, kLegacy);
    EXPECT_EQ(Code(legacy), -32002);
    EXPECT_EQ(legacy["error"]["data"]["uri"], uri);
  }
}

TEST_F(MethodsTest, OtherFaultsOfReadingHaveTheirCodes) {
  const auto read = [&](grpc::StatusCode code) {
    service_->OnReadResource([code](const tool::ReadResourceRequest&) {
      return FakeUnaryScript<tool::ReadResourceResponse>{.status = grpc::Status(code, "why")};
    });
    return Response("resources/read", R"({"uri":"test://r"})", kLegacy)["error"];
  };
  EXPECT_EQ(read(grpc::StatusCode::INVALID_ARGUMENT)["code"], -32602);
  EXPECT_EQ(read(grpc::StatusCode::PERMISSION_DENIED)["code"], -32603);
  EXPECT_EQ(read(grpc::StatusCode::PERMISSION_DENIED)["message"], "why");
  for (const auto code : {grpc::StatusCode::INTERNAL, grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::UNIMPLEMENTED}) {
    EXPECT_EQ(read(code)["code"], -32603);
    EXPECT_NE(read(code)["message"], "why");
  }
  service_->OnReadResource(
      [](const tool::ReadResourceRequest&) { return FakeUnaryScript<tool::ReadResourceResponse>{}; });
  EXPECT_EQ(Code(Response("resources/read", R"({"uri":"test://r"})", kLegacy)), -32603);
  for (const char* params : {"{}", R"({"uri":5})"}) {
    EXPECT_EQ(Code(Response("resources/read", params, kLegacy)), -32602) << params;
  }
  EXPECT_EQ(
      Code(Response("resources/read", absl::StrCat(R"({"uri":"test://)", std::string(9000, 'x'), "\"}"), kLegacy)),
      -32602);
}

TEST_F(MethodsTest, ReadingAndPromptsNeedTheirScopes) {
  Publish(nullptr, [](CatalogContents& contents) {
    contents.resources[0].required_scopes = {{"b"}};
    contents.resource_templates[0].required_scopes = {{"c"}};
    contents.prompts[0].required_scopes = {{"d"}};
  });
  const auto needed = [&](const char* method, const char* params) {
    return Run(method, params, kLegacy).back().shortage->needed;
  };
  EXPECT_EQ(needed("resources/read", R"({"uri":"test://r"})"), "b openid a");
  EXPECT_EQ(needed("resources/subscribe", R"({"uri":"test://r"})"), "b openid a");
  EXPECT_EQ(needed("resources/read", R"({"uri":"test://x/1"})"), "c openid a");
  Publish(nullptr, [](CatalogContents& contents) {
    contents.resource_templates[0].required_scopes = {{"c"}};
    contents.resource_templates.push_back(contents.resource_templates[0]);
    contents.resource_templates[1].resource_template.set_uri_template("test://{+any}");
    contents.resource_templates[1].required_scopes = {{"e", "c"}, {"a"}};
    contents.prompts[0].required_scopes = {{"d"}};
  });
  EXPECT_EQ(needed("resources/read", R"({"uri":"test://x/1"})"), "c openid a");
  Publish(nullptr, [](CatalogContents& contents) {
    contents.resource_templates[0].required_scopes = {{"a"}};
    contents.resource_templates.push_back(contents.resource_templates[0]);
    contents.resource_templates[1].resource_template.set_uri_template("test://{+any}");
    contents.resource_templates[1].required_scopes = {{"e", "c"}};
    contents.prompts[0].required_scopes = {{"d"}};
  });
  EXPECT_EQ(needed("resources/read", R"({"uri":"test://x/1"})"), "e c openid a");
  EXPECT_EQ(needed("prompts/get", R"({"name":"p.q","arguments":{"a":"1"}})"), "d openid a");
  EXPECT_EQ(
      needed("completion/complete", R"({"ref":{"type":"ref/prompt","name":"p.q"},"argument":{"name":"a","value":""}})"),
      "d openid a");
}

TEST_F(MethodsTest, ACancelledReadEnds) {
  absl::Notification asked;
  service_->OnReadResource([&](const tool::ReadResourceRequest&) {
    asked.Notify();
    return FakeUnaryScript<tool::ReadResourceResponse>{.hang = true};
  });
  const auto exchange = Start("resources/read", R"({"uri":"test://r"})", kLegacy);
  EXPECT_FALSE(exchange->Wait(absl::Now()));
  asked.WaitForNotification();
  exchange->Cancel();
  EXPECT_EQ(exchange->Next().error, WireErrorKind::kCancelled);
  EXPECT_TRUE(service_->WaitForCancelledCalls(1));
}

TEST_F(MethodsTest, SubscriptionsAreOfReadableResources) {
  EXPECT_EQ(Response("resources/subscribe", R"({"uri":"test://x/1"})", kLegacy)["result"], Json::object());
  EXPECT_TRUE(session_.IsSubscribed("test://x/1"));
  EXPECT_EQ(Response("resources/unsubscribe", R"({"uri":"test://x/1"})", kLegacy)["result"], Json::object());
  EXPECT_FALSE(session_.IsSubscribed("test://x/1"));
  EXPECT_EQ(Code(Response("resources/subscribe", R"({"uri":"test://nowhere"})", kLegacy)), -32002);
  EXPECT_EQ(Code(Response("resources/subscribe", "{}", kLegacy)), -32602);
  for (size_t i = 0; i < SessionState::kMaxSubscriptions; ++i) session_.Subscribe(absl::StrCat("test://x/", i));
  EXPECT_EQ(Code(Response("resources/subscribe", R"({"uri":"test://r"})", kLegacy)), -32603);
}

// --- prompts

TEST_F(MethodsTest, APromptIsFilledInByItsService) {
  service_->OnGetPrompt([](const tool::GetPromptRequest& request) {
    FakeUnaryScript<tool::GetPromptResponse> script;
    script.response.mutable_result()->set_description(absl::StrCat(request.name(), "/", request.arguments().at("a")));
    return script;
  });
  EXPECT_EQ(Response("prompts/get", R"({"name":"p.q","arguments":{"a":"1"}})", kLegacy)["result"]["description"],
            "q/1");
}

TEST_F(MethodsTest, WhatAPromptNeedsIsChecked) {
  service_->OnGetPrompt([](const tool::GetPromptRequest&) {
    return FakeUnaryScript<tool::GetPromptResponse>{.status = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "why")};
  });
  for (const char* params : {"{}", R"({"name":5})", R"({"name":"nope"})", R"({"name":"p.q"})",
                             R"({"name":"p.q","arguments":{"b":"1"}})", R"({"name":"p.q","arguments":{"a":1}})",
                             R"({"name":"p.q","arguments":["a"]})", R"({"name":"p.q","arguments":{"a":"1"}})"}) {
    EXPECT_EQ(Code(Response("prompts/get", params, kModern)), -32602) << params;
  }
  service_->OnGetPrompt(nullptr);  // NOT_FOUND
  EXPECT_EQ(Code(Response("prompts/get", R"({"name":"p.q","arguments":{"a":"1"}})", kLegacy)), -32602);
  service_->Kill();
  EXPECT_EQ(Code(Response("prompts/get", R"({"name":"p.q","arguments":{"a":"1"}})", kLegacy)), -32603);
}

// --- completion

TEST_F(MethodsTest, ArgumentsAreCompletedByTheService) {
  service_->OnComplete([](const tool::CompleteRequest& request) {
    FakeUnaryScript<tool::CompleteResponse> script;
    script.response.add_values(absl::StrCat(request.prompt_name(), request.resource_uri_template(), "/",
                                            request.argument_name(), "=", request.argument_value(), "/",
                                            request.known_arguments().size()));
    return script;
  });
  EXPECT_EQ(Response("completion/complete",
                     R"({"ref":{"type":"ref/prompt","name":"p.q"},"argument":{"name":"a","value":"v"},
                         "context":{"arguments":{"b":"1"}}})",
                     kLegacy)["result"]["completion"]["values"][0],
            "q/a=v/1");
  EXPECT_EQ(Response("completion/complete",
                     R"({"ref":{"type":"ref/resource","uri":"test://x/{id}"},"argument":{"name":"id","value":""}})",
                     kModern)["result"]["completion"]["values"][0],
            "test://x/{id}/id=/0");
  service_->OnComplete([](const tool::CompleteRequest&) {
    return FakeUnaryScript<tool::CompleteResponse>{.status = grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "")};
  });
  EXPECT_EQ(Response("completion/complete",
                     R"({"ref":{"type":"ref/prompt","name":"p.q"},"argument":{"name":"a","value":"v"}})",
                     kModern)["result"]["completion"]["values"],
            Json::array());
  EXPECT_EQ(Response("completion/complete",
                     R"({"ref":{"type":"ref/resource","uri":"test://r"},"argument":{"name":"a","value":"v"}})",
                     kModern)["result"]["completion"]["values"],
            Json::array());
}

TEST_F(MethodsTest, BadCompletionsAreInvalidParams) {
  for (
      const char* params : {
          "{}", R"({"ref":5,"argument":{"name":"a","value":""}})",
          R"({"ref":{"type":"ref/other","name":"p.q"},"argument":{"name":"a","value":""}})",
          R"({"ref":{"type":"ref/prompt","uri":"p.q"},"argument":{"name":"a","value":""}})",
          R"({"ref":{"type":"ref/prompt","name":"nope"},"argument":{"name":"a","value":""}})",
          R"({"ref":{"type":"ref/prompt","name":"p.q"},"argument":{"name":"nope","value":""}})",
          R"({"ref":{"type":"ref/prompt","name":"p.q"},"argument":{"name":"a","value":5}})",
          R"({"ref":{"type":"ref/prompt","name":"p.q"},"argument":"a"})",
          R"({"ref":{"type":"ref/resource","uri":"test://nowhere/{x}"},"argument":{"name":"x","value":""}})",
          R"({"ref":{"type":"ref/prompt","name":"p.q"},"argument":{"name":"a","value":""},"context":5})",
          R"({"ref":{"type":"ref/prompt","name":"p.q"},"argument":{"name":"a","value":""},"context":{"arguments":{"b":1}}})",
          R"({"ref":{"type":"ref/prompt","name":"p.q"},"argument":{"name":"a","value":""}})",  // NOT_FOUND
      }) {
    EXPECT_EQ(Code(Response("completion/complete", params, kModern)), -32602) << params;
  }
}

// --- what is offered

TEST_F(MethodsTest, WhatIsOfferedIsDeclared) {
  const Json capabilities = Response("server/discover", "{}", kModern)["result"]["capabilities"];
  for (const char* name : {"tools", "resources", "prompts", "completions"}) EXPECT_TRUE(capabilities.contains(name));
  const auto initialize = ReadJson(dispatcher().InitializeResult(kLegacy));
  for (const char* name : {"tools", "resources", "prompts", "completions", "logging"}) {
    EXPECT_TRUE((*initialize)["capabilities"].contains(name)) << name;
  }
}

}  // namespace
}  // namespace mcp_edge
