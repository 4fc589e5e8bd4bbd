#include "tool_service/sdk/grpc_service.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/es256_jws.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"
#include "tool_service/sdk/content.h"

namespace tool_service {
namespace {

using gatehouse::tool::v1::GetPromptRequest;
using gatehouse::tool::v1::GetPromptResponse;
using gatehouse::tool::v1::ListResourcesRequest;
using gatehouse::tool::v1::ReadResourceRequest;
using gatehouse::tool::v1::ReadResourceResponse;
using gatehouse::tool::v1::ResourceUpdated;
using gatehouse::tool::v1::WatchCatalogRequest;
using gatehouse::tool::v1::WatchResourcesRequest;
using ::testing::HasSubstr;

constexpr int kLoopThreads = 2;

class GrpcServiceTest : public testing::Test {
 protected:
  GrpcServiceTest() : metrics_(registry_), executor_(1, 1), grpc_service_(service_, executor_, metrics_) {
    grpc::ServerBuilder builder;
    loop_.emplace(builder);
    grpc_service_.Register(builder);
    server_ = builder.BuildAndStart();
    grpc_service_.Start(*loop_);
    loop_->Start(kLoopThreads);
    stub_ = gatehouse::tool::v1::ToolService::NewStub(server_->InProcessChannel({}));
  }

  ~GrpcServiceTest() override { Shutdown(); }

  // Ends calls that are still open, and returns when all are gone.
  void Shutdown() {
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    loop_->Stop();
  }

  void Add(const std::string& name, Handler handler, Execution execution = Execution::kMayBlock) {
    Tool tool;
    tool.set_name(name);
    ASSERT_TRUE(service_.AddTool(tool, std::move(handler), execution).ok());
  }

  static CallToolRequest RequestFor(const std::string& name) {
    CallToolRequest request;
    request.set_name(name);
    request.mutable_context()->set_wants_progress(true);
    request.mutable_context()->set_log_level(LogLevel::LOG_LEVEL_DEBUG);
    return request;
  }

  struct Ended {
    std::vector<CallToolEvent> events;
    grpc::Status status;
  };

  Ended Call(const CallToolRequest& request) {
    grpc::ClientContext context;
    Ended ended;
    const auto reader = stub_->CallTool(&context, request);
    CallToolEvent event;
    while (reader->Read(&event)) ended.events.push_back(event);
    ended.status = reader->Finish();
    return ended;
  }

  Service service_{"test"};
  prometheus::Registry registry_;
  Metrics metrics_;
  common::ThreadExecutor executor_;
  GrpcService grpc_service_;
  std::optional<common::RpcLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<gatehouse::tool::v1::ToolService::Stub> stub_;
};

TEST_F(GrpcServiceTest, AResultIsTheLastEventAndTheStatusIsOk) {
  for (const Execution execution : {Execution::kInline, Execution::kMayBlock}) {
    const std::string name = execution == Execution::kInline ? "inline" : "blocking";
    Add(
        name, [](ToolContext&, absl::string_view arguments) { return TextResult(arguments); }, execution);
    CallToolRequest request = RequestFor(name);
    request.set_arguments_json(R"({"a":1})");
    const Ended ended = Call(request);
    EXPECT_TRUE(ended.status.ok()) << ended.status.error_message();
    ASSERT_EQ(ended.events.size(), 1);
    EXPECT_EQ(ended.events[0].result().content(0).text().text(), R"({"a":1})");
    EXPECT_EQ(metrics_.ForTool(name).ok.Value(), 1);
  }
}

TEST_F(GrpcServiceTest, EventsComeInOrderBeforeTheOutcome) {
  const auto handler = [](ToolContext& context, absl::string_view) {
    for (int i = 0; i < 100; ++i) {
      context.ReportProgress(i, 100);
      context.Log(LogLevel::LOG_LEVEL_INFO, std::to_string(i), "loop");
    }
    return TextResult("done");
  };
  Add("inline", handler, Execution::kInline);
  Add("blocking", handler);
  for (const char* name : {"inline", "blocking"}) {
    const Ended ended = Call(RequestFor(name));
    EXPECT_TRUE(ended.status.ok());
    ASSERT_EQ(ended.events.size(), 201) << name;
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(ended.events[2 * i].progress().progress(), i);
      EXPECT_EQ(ended.events[2 * i + 1].log().data_json(), std::to_string(i));
    }
    EXPECT_EQ(ended.events[200].result().content(0).text().text(), "done");
  }
}

TEST_F(GrpcServiceTest, EventsBeyondTheRoomForThemAreDroppedAndTheOutcomeIsNot) {
  Add(
      "chatty",
      [](ToolContext& context, absl::string_view) {
        for (int i = 0; i < 10'000; ++i) context.ReportProgress(i);
        return TextResult("done");
      },
      Execution::kInline);  // nothing is written before it returns
  const Ended ended = Call(RequestFor("chatty"));
  EXPECT_TRUE(ended.status.ok());
  ASSERT_GT(ended.events.size(), 1);
  EXPECT_LT(ended.events.size(), 10'001);
  EXPECT_TRUE(ended.events.back().has_result());
  EXPECT_EQ(metrics_.events_dropped.Value(), 10'001 - static_cast<double>(ended.events.size()));
}

TEST_F(GrpcServiceTest, InputRequiredIsAnOutcome) {
  Add("asks", [](ToolContext&, absl::string_view) {
    InputRequired required;
    (*required.mutable_requests())["roots"].set_method("roots/list");
    required.set_state("s");
    return required;
  });
  const Ended ended = Call(RequestFor("asks"));
  EXPECT_TRUE(ended.status.ok());
  ASSERT_EQ(ended.events.size(), 1);
  EXPECT_EQ(ended.events[0].input_required().state(), "s");
  EXPECT_EQ(metrics_.ForTool("asks").input_required.Value(), 1);
}

TEST_F(GrpcServiceTest, AnErrorStatusReachesTheCaller) {
  Add("strict", [](ToolContext&, absl::string_view) { return absl::InvalidArgumentError("\"a\" is missing"); });
  const Ended ended = Call(RequestFor("strict"));
  EXPECT_TRUE(ended.events.empty());
  EXPECT_EQ(ended.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ended.status.error_message(), "\"a\" is missing");
  EXPECT_EQ(metrics_.ForTool("strict").refused.Value(), 1);
}

TEST_F(GrpcServiceTest, AThrowingHandlerIsAnInternalErrorAndTheServiceGoesOn) {
  Add("throws", [](ToolContext&, absl::string_view) -> absl::StatusOr<Outcome> { throw std::runtime_error("oops"); });
  for (int i = 0; i < 2; ++i) {
    const Ended ended = Call(RequestFor("throws"));
    EXPECT_EQ(ended.status.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_THAT(ended.status.error_message(), HasSubstr("oops"));
  }
  EXPECT_EQ(metrics_.ForTool("throws").failed.Value(), 2);
}

TEST_F(GrpcServiceTest, AThrowingInlineHandlerIsAnInternalErrorAndItsThreadGoesOn) {
  Add(
      "throws", [](ToolContext&, absl::string_view) -> absl::StatusOr<Outcome> { throw std::runtime_error("oops"); },
      Execution::kInline);
  for (int i = 0; i < 2 * kLoopThreads; ++i) {
    EXPECT_EQ(Call(RequestFor("throws")).status.error_code(), grpc::StatusCode::INTERNAL);
  }
  EXPECT_EQ(metrics_.ForTool("throws").failed.Value(), 2 * kLoopThreads);
}

TEST_F(GrpcServiceTest, AnInlineHandlerRunsOnAThreadOfTheLoopAndAnyOtherOnTheExecutor) {
  absl::Mutex mutex;
  std::set<std::thread::id> inline_threads;
  std::set<std::thread::id> others;
  const auto handler_for = [&mutex](std::set<std::thread::id>& ids) {
    return [&mutex, &ids](ToolContext&, absl::string_view) {
      absl::MutexLock lock(&mutex);
      ids.insert(std::this_thread::get_id());
      return TextResult("");
    };
  };
  Add("inline", handler_for(inline_threads), Execution::kInline);
  Add("blocking", handler_for(others));
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(Call(RequestFor("inline")).status.ok());
    EXPECT_TRUE(Call(RequestFor("blocking")).status.ok());
  }
  EXPECT_LE(inline_threads.size(), kLoopThreads);
  EXPECT_EQ(others.size(), 1);  // the executor has one
  EXPECT_EQ(inline_threads.count(*others.begin()), 0);
}

TEST_F(GrpcServiceTest, AnInlineCallThatIsCancelledEndsWhenItsHandlerReturns) {
  absl::Notification running;
  absl::Notification release;
  Add(
      "inline",
      [&](ToolContext& context, absl::string_view) {
        running.Notify();
        release.WaitForNotification();
        context.ReportProgress(1);  // for nobody
        return TextResult("done");
      },
      Execution::kInline);
  grpc::ClientContext context;
  const auto reader = stub_->CallTool(&context, RequestFor("inline"));
  running.WaitForNotification();
  context.TryCancel();
  release.Notify();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  Shutdown();
  EXPECT_EQ(metrics_.calls_in_flight.Value(), 0);
  EXPECT_EQ(metrics_.ForTool("inline").ok.Value(), 1);
}

TEST_F(GrpcServiceTest, CallsThatRunWhenEverythingIsCancelledAreAllGoneAfterTheShutdown) {
  absl::Notification running;
  Add("slow", [&](ToolContext& context, absl::string_view) -> absl::StatusOr<Outcome> {
    running.Notify();
    context.WaitForCancellation(absl::InfiniteDuration());
    absl::SleepFor(absl::Milliseconds(50));  // gRPC itself waits for nobody who holds a call
    return absl::CancelledError("gone");
  });
  std::thread caller([&] { EXPECT_FALSE(Call(RequestFor("slow")).status.ok()); });
  running.WaitForNotification();
  Shutdown();
  EXPECT_EQ(metrics_.calls_in_flight.Value(), 0);
  EXPECT_EQ(metrics_.ForTool("slow").cancelled.Value(), 1);
  caller.join();
}

TEST_F(GrpcServiceTest, ARequestThatIsNoMessageIsInternalAndTheServiceGoesOn) {
  Add("hello", [](ToolContext&, absl::string_view) { return TextResult("hi"); });
  const auto channel = server_->InProcessChannel({});
  for (const std::string method : {"CallTool", "ReadResource", "ListResources", "GetPrompt", "Complete"}) {
    for (int i = 0; i < 20; ++i) {
      grpc::GenericStub stub(channel);
      grpc::CompletionQueue queue;
      grpc::ClientContext context;
      grpc::Slice slice("\xff\xff\xff");
      const grpc::ByteBuffer request(&slice, 1);
      const auto call = stub.PrepareUnaryCall(&context, "/gatehouse.tool.v1.ToolService/" + method, request, &queue);
      call->StartCall();
      grpc::ByteBuffer response;
      grpc::Status status;
      call->Finish(&response, &status, nullptr);
      void* tag;
      bool ok;
      ASSERT_TRUE(queue.Next(&tag, &ok));
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL) << method;
    }
  }
  EXPECT_TRUE(Call(RequestFor("hello")).status.ok());
  Shutdown();
  EXPECT_EQ(metrics_.calls_in_flight.Value(), 0);
}

TEST_F(GrpcServiceTest, ACallWithoutARequestIsInternalAndTheServiceGoesOn) {
  Add("hello", [](ToolContext&, absl::string_view) { return TextResult("hi"); });
  for (int i = 0; i < 20; ++i) {  // more than are awaited
    grpc::GenericStub stub(server_->InProcessChannel({}));
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    const auto call = stub.PrepareCall(&context, "/gatehouse.tool.v1.ToolService/CallTool", &queue);
    void* tag;
    bool ok;
    call->StartCall(nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok));
    call->WritesDone(nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok));
    grpc::Status status;
    call->Finish(&status, nullptr);
    ASSERT_TRUE(queue.Next(&tag, &ok));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  }
  EXPECT_TRUE(Call(RequestFor("hello")).status.ok());
  Shutdown();
  EXPECT_EQ(metrics_.calls_in_flight.Value(), 0);
}

TEST_F(GrpcServiceTest, MoreCallsAtOnceThanAreAwaitedAreAllAnswered) {
  Add(
      "inline", [](ToolContext&, absl::string_view) { return TextResult("hi"); }, Execution::kInline);
  std::vector<std::thread> callers;
  for (int i = 0; i < 64; ++i) {
    callers.emplace_back([&] {
      for (int call = 0; call < 20; ++call) EXPECT_TRUE(Call(RequestFor("inline")).status.ok());
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(metrics_.ForTool("inline").ok.Value(), 64 * 20);
}

TEST_F(GrpcServiceTest, AnUnknownToolIsNotFound) {
  EXPECT_EQ(Call(RequestFor("nothing")).status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(metrics_.unknown_tool.Value(), 1);
}

TEST_F(GrpcServiceTest, AFullExecutorIsResourceExhausted) {
  absl::Notification release;
  absl::Notification running;
  Add("waits", [&](ToolContext&, absl::string_view) {
    if (!running.HasBeenNotified()) running.Notify();
    release.WaitForNotification();
    return TextResult("done");
  });
  std::vector<std::thread> callers;
  const auto call = [&] { EXPECT_TRUE(Call(RequestFor("waits")).status.ok()); };
  callers.emplace_back(call);
  running.WaitForNotification();  // the one thread is taken; one call more may wait
  // Of two more at once, one waits and the other is refused.
  absl::BlockingCounter refused(1);
  for (int i = 0; i < 2; ++i) {
    callers.emplace_back([&] {
      const Ended ended = Call(RequestFor("waits"));
      if (ended.status.ok()) return;
      EXPECT_EQ(ended.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
      EXPECT_THAT(ended.status.error_message(), HasSubstr("test is busy: 1 calls are running and 1 are waiting"));
      refused.DecrementCount();
    });
  }
  refused.Wait();
  release.Notify();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(metrics_.ForTool("waits").overloaded.Value(), 1);
  EXPECT_EQ(metrics_.ForTool("waits").ok.Value(), 2);
}

TEST_F(GrpcServiceTest, AHandlerSeesThatItsCallWasCancelled) {
  absl::Notification running;
  absl::Notification seen;
  Add("slow", [&](ToolContext& context, absl::string_view) -> absl::StatusOr<Outcome> {
    EXPECT_FALSE(context.cancelled());
    EXPECT_FALSE(context.WaitForCancellation(absl::Milliseconds(1)));
    running.Notify();
    EXPECT_TRUE(context.WaitForCancellation(absl::Minutes(5)));
    context.ReportProgress(1);  // for nobody
    seen.Notify();
    return absl::CancelledError("as asked");
  });
  grpc::ClientContext context;
  const auto reader = stub_->CallTool(&context, RequestFor("slow"));
  running.WaitForNotification();
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  seen.WaitForNotification();
  Shutdown();
  EXPECT_EQ(metrics_.ForTool("slow").cancelled.Value(), 1);
  EXPECT_EQ(metrics_.calls_in_flight.Value(), 0);
}

TEST_F(GrpcServiceTest, TheDeadlineAndTheHeadersReachTheHandler) {
  const absl::Time deadline = absl::Now() + absl::Minutes(2);
  Add(
      "looks",
      [&](ToolContext& context, absl::string_view) {
        EXPECT_LT(absl::AbsDuration(context.deadline() - deadline), absl::Seconds(10));
        EXPECT_EQ(context.header("nothing"), "");
        return TextResult(context.header("traceparent"));
      },
      Execution::kInline);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  context.AddMetadata("traceparent", "00-1-2-01");
  const auto reader = stub_->CallTool(&context, RequestFor("looks"));
  CallToolEvent event;
  ASSERT_TRUE(reader->Read(&event));
  EXPECT_EQ(event.result().content(0).text().text(), "00-1-2-01");
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(GrpcServiceTest, WithoutADeadlineThereIsAllTheTime) {
  Add("looks", [](ToolContext& context, absl::string_view) {
    EXPECT_EQ(context.deadline(), absl::InfiniteFuture());
    EXPECT_EQ(context.principal(), nullptr);
    return TextResult("");
  });
  EXPECT_TRUE(Call(RequestFor("looks")).status.ok());
}

TEST_F(GrpcServiceTest, TheCatalogueIsSentAtOnceAndAfterEachChange) {
  Add("a", [](ToolContext&, absl::string_view) { return TextResult(""); });
  grpc::ClientContext context;
  const auto reader = stub_->WatchCatalog(&context, WatchCatalogRequest());
  Catalog catalog;
  ASSERT_TRUE(reader->Read(&catalog));
  ASSERT_EQ(catalog.tools_size(), 1);
  EXPECT_EQ(catalog.tools(0).name(), "a");
  Add("b", [](ToolContext&, absl::string_view) { return TextResult(""); });
  ASSERT_TRUE(reader->Read(&catalog));
  EXPECT_EQ(catalog.tools_size(), 2);
  ASSERT_TRUE(service_.RemoveTool("a").ok());
  ASSERT_TRUE(reader->Read(&catalog));
  ASSERT_EQ(catalog.tools_size(), 1);
  EXPECT_EQ(catalog.tools(0).name(), "b");
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(GrpcServiceTest, ASlowWatcherGetsTheNewestCatalogueInTheEnd) {
  grpc::ClientContext context;
  const auto reader = stub_->WatchCatalog(&context, WatchCatalogRequest());
  for (int i = 0; i < 200; ++i) {
    Add("t" + std::to_string(i), [](ToolContext&, absl::string_view) { return TextResult(""); });
  }
  Catalog catalog;
  int read = 0;
  while (catalog.tools_size() < 200 && reader->Read(&catalog)) ++read;
  EXPECT_EQ(catalog.tools_size(), 200);
  EXPECT_LE(read, 201);
  context.TryCancel();
  reader->Finish();
}

TEST_F(GrpcServiceTest, CatalogueStreamsEndWithUnavailableAndSoDoNewOnes) {
  for (const bool before : {true, false}) {
    grpc::ClientContext context;
    const auto reader = stub_->WatchCatalog(&context, WatchCatalogRequest());
    Catalog catalog;
    EXPECT_TRUE(reader->Read(&catalog));
    if (before) grpc_service_.EndStreams();
    EXPECT_FALSE(reader->Read(&catalog));
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
  Shutdown();
  EXPECT_EQ(metrics_.catalog_streams.Value(), 0);
}

TEST_F(GrpcServiceTest, WatchersThatComeAndGoWhileTheCatalogueChanges) {
  std::vector<std::thread> watchers;
  for (int i = 0; i < 4; ++i) {
    watchers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        grpc::ClientContext context;
        const auto reader = stub_->WatchCatalog(&context, WatchCatalogRequest());
        Catalog catalog;
        EXPECT_TRUE(reader->Read(&catalog));
        context.TryCancel();
        reader->Finish();
      }
    });
  }
  for (int round = 0; round < 100; ++round) {
    Add("a", [](ToolContext&, absl::string_view) { return TextResult(""); });
    ASSERT_TRUE(service_.RemoveTool("a").ok());
  }
  for (std::thread& watcher : watchers) watcher.join();
}

TEST_F(GrpcServiceTest, AStartedTaskIsSaidOnceAndNeverDropped) {
  Add(
      "task",
      [](ToolContext& context, absl::string_view) {
        for (int i = 0; i < 1'000; ++i) context.ReportProgress(i);
        EXPECT_TRUE(context.StartTask());
        EXPECT_TRUE(context.StartTask());
        return TextResult("done");
      },
      Execution::kInline);
  CallToolRequest request = RequestFor("task");
  request.mutable_context()->set_can_start_task(true);
  const Ended ended = Call(request);
  EXPECT_TRUE(ended.status.ok());
  int started = 0;
  for (const CallToolEvent& event : ended.events) started += event.has_task_started() ? 1 : 0;
  EXPECT_EQ(started, 1);
}

TEST_F(GrpcServiceTest, WhatIsNotThereIsNotFound) {
  grpc::ClientContext read_context;
  ReadResourceResponse resource;
  EXPECT_EQ(stub_->ReadResource(&read_context, ReadResourceRequest(), &resource).error_code(),
            grpc::StatusCode::NOT_FOUND);
  grpc::ClientContext prompt_context;
  GetPromptResponse prompt;
  EXPECT_EQ(stub_->GetPrompt(&prompt_context, GetPromptRequest(), &prompt).error_code(), grpc::StatusCode::NOT_FOUND);
  grpc::ClientContext complete_context;
  CompleteResponse completion;
  EXPECT_EQ(stub_->Complete(&complete_context, CompleteRequest(), &completion).error_code(),
            grpc::StatusCode::NOT_FOUND);
  grpc::ClientContext list_context;
  ListResourcesResponse list;
  EXPECT_EQ(stub_->ListResources(&list_context, ListResourcesRequest(), &list).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(metrics_.ForMethod("read_resource").refused.Value(), 1);
}

TEST_F(GrpcServiceTest, AReaderMayAskAndAnswer) {
  Resource resource;
  resource.set_uri("a:b");
  resource.set_name("b");
  ASSERT_TRUE(service_
                  .AddResource(resource,
                               [](RequestContext& context, absl::string_view uri) -> absl::StatusOr<ReadOutcome> {
                                 const auto roots = context.ListRoots("roots");
                                 if (!roots) return context.NeedInput();
                                 return ResourceResult({TextContents(uri, (*roots)[0].uri, "text/plain")});
                               })
                  .ok());
  ReadResourceRequest request;
  request.set_uri("a:b");
  ReadResourceResponse response;
  grpc::ClientContext first;
  ASSERT_TRUE(stub_->ReadResource(&first, request, &response).ok());
  ASSERT_TRUE(response.has_input_required());
  EXPECT_EQ(response.input_required().requests().at("roots").method(), "roots/list");
  (*request.mutable_input_responses_json())["roots"] = R"({"roots":[{"uri":"file:///x"}]})";
  grpc::ClientContext second;
  ASSERT_TRUE(stub_->ReadResource(&second, request, &response).ok());
  EXPECT_EQ(response.result().contents(0).text(), "file:///x");
  EXPECT_EQ(metrics_.ForMethod("read_resource").input_required.Value(), 1);
  EXPECT_EQ(metrics_.ForMethod("read_resource").ok.Value(), 1);
}

TEST_F(GrpcServiceTest, APromptIsFilledInAndAThrowingOneIsInternal) {
  Prompt prompt;
  prompt.set_name("p");
  ASSERT_TRUE(
      service_
          .AddPrompt(prompt,
                     [](RequestContext& context, const PromptArguments& arguments) -> absl::StatusOr<PromptOutcome> {
                       if (arguments.empty()) throw std::runtime_error("oops");
                       return PromptResult({UserSays(context.header("traceparent"))});
                     })
          .ok());
  GetPromptRequest request;
  request.set_name("p");
  GetPromptResponse response;
  grpc::ClientContext throws;
  EXPECT_EQ(stub_->GetPrompt(&throws, request, &response).error_code(), grpc::StatusCode::INTERNAL);
  (*request.mutable_arguments())["a"] = "b";
  grpc::ClientContext context;
  context.AddMetadata("traceparent", "00-1-2-01");
  ASSERT_TRUE(stub_->GetPrompt(&context, request, &response).ok());
  EXPECT_EQ(response.result().messages(0).content().text().text(), "00-1-2-01");
}

TEST_F(GrpcServiceTest, AReaderSeesThatItsRequestWasCancelled) {
  absl::Notification running;
  absl::Notification seen;
  Resource resource;
  resource.set_uri("a:b");
  resource.set_name("b");
  ASSERT_TRUE(service_
                  .AddResource(resource,
                               [&](RequestContext& context, absl::string_view) -> absl::StatusOr<ReadOutcome> {
                                 running.Notify();
                                 EXPECT_TRUE(context.WaitForCancellation(absl::Minutes(5)));
                                 seen.Notify();
                                 return absl::CancelledError("as asked");
                               })
                  .ok());
  grpc::ClientContext context;
  std::thread canceller([&] {
    running.WaitForNotification();
    context.TryCancel();
  });
  ReadResourceRequest request;
  request.set_uri("a:b");
  ReadResourceResponse response;
  EXPECT_EQ(stub_->ReadResource(&context, request, &response).error_code(), grpc::StatusCode::CANCELLED);
  seen.WaitForNotification();
  canceller.join();
  Shutdown();
  EXPECT_EQ(metrics_.calls_in_flight.Value(), 0);
}

TEST_F(GrpcServiceTest, UpdatedResourcesAreToldToEveryWatcherUntilTheEnd) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  const auto reader = stub_->WatchResources(&context, WatchResourcesRequest());
  while (metrics_.resource_streams.Value() == 0) absl::SleepFor(absl::Milliseconds(1));
  std::thread teller([&] {
    for (int i = 0; i < 10'000; ++i) service_.NotifyResourceUpdated("a:" + std::to_string(i % 100));
    service_.NotifyResourceUpdated("a:last");
  });
  ResourceUpdated update;
  do {
    ASSERT_TRUE(reader->Read(&update));
  } while (update.uri() != "a:last");
  teller.join();
  EXPECT_EQ(metrics_.updates_dropped.Value(), 0);
  grpc_service_.EndStreams();
  EXPECT_FALSE(reader->Read(&update));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  Shutdown();
  EXPECT_EQ(metrics_.resource_streams.Value(), 0);
}

// A service that believes an edge only.
class VerifyingGrpcServiceTest : public testing::Test {
 protected:
  VerifyingGrpcServiceTest()
      : metrics_(registry_), executor_(4, 4), grpc_service_(service_, executor_, metrics_, &verifier_) {
    keys_.Start();
    EXPECT_TRUE(keys_.AwaitFetch(absl::Now() + absl::Seconds(20)).ok());
    for (const Execution execution : {Execution::kInline, Execution::kMayBlock}) {
      Tool tool;
      tool.set_name(execution == Execution::kInline ? "inline" : "blocking");
      EXPECT_TRUE(service_
                      .AddTool(
                          tool,
                          [](ToolContext& context, absl::string_view) {
                            return TextResult(context.request().context().principal().ShortDebugString());
                          },
                          execution)
                      .ok());
    }
    Resource resource;
    resource.set_uri("test://x");
    resource.set_name("x");
    EXPECT_TRUE(service_
                    .AddResource(resource,
                                 [](RequestContext& context, absl::string_view uri) -> absl::StatusOr<ReadOutcome> {
                                   ReadResourceResult result;
                                   ResourceContents& contents = *result.add_contents();
                                   contents.set_uri(std::string(uri));
                                   contents.set_text(context.principal()->ShortDebugString());
                                   return ReadOutcome(result);
                                 })
                    .ok());
    grpc::ServerBuilder builder;
    loop_.emplace(builder);
    grpc_service_.Register(builder);
    server_ = builder.BuildAndStart();
    grpc_service_.Start(*loop_);
    loop_->Start(1);
    stub_ = gatehouse::tool::v1::ToolService::NewStub(server_->InProcessChannel({}));
  }

  ~VerifyingGrpcServiceTest() override { Shutdown(); }

  // Ends calls that are still open, and returns when all are gone.
  void Shutdown() {
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    loop_->Stop();
  }

  std::string Assertion(const common::Es256PrivateKey& key, const std::string& audience = "mail") {
    const int64_t now = absl::ToUnixSeconds(absl::Now());
    return common::SignJws(
        absl::StrCat(R"({"alg":"ES256","typ":"gatehouse-principal+jwt","kid":")", key.public_key().key_id(), "\"}"),
        absl::StrCat(R"({"iss":"e","aud":")", audience, R"(","sub":"alice","idp":"i","scope":"a","iat":)", now,
                     R"(,"exp":)", now + 120, "}"),
        key);
  }

  // The text that the tool gives, or its error.
  absl::StatusOr<std::string> Call(const std::string& tool, const Principal& principal) {
    CallToolRequest request;
    request.set_name(tool);
    *request.mutable_context()->mutable_principal() = principal;
    grpc::ClientContext context;
    const auto reader = stub_->CallTool(&context, request);
    CallToolEvent event;
    std::string text;
    while (reader->Read(&event)) text = event.result().content(0).text().text();
    const grpc::Status status = reader->Finish();
    if (status.ok()) return text;
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }

  absl::StatusOr<std::string> Read(const Principal& principal) {
    ReadResourceRequest request;
    request.set_uri("test://x");
    *request.mutable_context()->mutable_principal() = principal;
    ReadResourceResponse response;
    grpc::ClientContext context;
    const grpc::Status status = stub_->ReadResource(&context, request, &response);
    if (status.ok()) return response.result().contents(0).text();
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }

  double Refused(absl::string_view reason) { return metrics_.PrincipalRefused(reason).Value(); }

  void SetKeysAreThere(bool are_there) {
    absl::MutexLock lock(&mutex_);
    keys_are_there_ = are_there;
  }

  absl::Mutex mutex_;
  bool keys_are_there_ ABSL_GUARDED_BY(mutex_) = true;  // false: whoever fetches them waits
  const common::Es256PrivateKey edge_key_ = common::Es256PrivateKey::Generate();
  const common::SystemClock clock_;
  PrincipalKeys keys_{"test",
                      [this]() -> absl::StatusOr<KeySet> {
                        absl::MutexLock lock(&mutex_, absl::Condition(&keys_are_there_));
                        return KeySet{{edge_key_.public_key().key_id(), edge_key_.public_key()}};
                      },
                      absl::Hours(1)};
  PrincipalVerifier verifier_{{{"mail"}, ""}, keys_, clock_};
  Service service_{"mail"};
  prometheus::Registry registry_;
  Metrics metrics_;
  common::ThreadExecutor executor_;
  GrpcService grpc_service_;
  std::optional<common::RpcLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<gatehouse::tool::v1::ToolService::Stub> stub_;
};

TEST_F(VerifyingGrpcServiceTest, HandlersSeeWhatIsSignedAndNothingOfWhatStandsBesideIt) {
  Principal principal;
  principal.set_subject("admin");
  principal.set_client_id("any");
  principal.add_scopes("everything");
  principal.set_scopes_known(true);
  principal.set_audience_known(true);
  principal.set_claims_json(R"({"sub":"admin"})");
  principal.set_assertion(Assertion(edge_key_));
  const std::string signed_one = R"(issuer: "i" subject: "alice" scopes: "a")";
  for (const char* tool : {"inline", "blocking"}) {
    const auto seen = Call(tool, principal);
    ASSERT_TRUE(seen.ok()) << seen.status();
    EXPECT_EQ(*seen, signed_one);
  }
  const auto seen = Read(principal);
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(*seen, signed_one);
}

TEST_F(VerifyingGrpcServiceTest, WhatIsNotBelievedReachesNoHandlerAndIsCounted) {
  Principal unsigned_one;
  unsigned_one.set_subject("alice");
  Principal elsewhere = unsigned_one;
  elsewhere.set_assertion(Assertion(edge_key_, "todo"));
  Principal forged = unsigned_one;
  forged.set_assertion(Assertion(common::Es256PrivateKey::Generate()));
  for (const char* tool : {"inline", "blocking", "no such tool"}) {
    EXPECT_EQ(Call(tool, unsigned_one).status().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(Call(tool, elsewhere).status().code(), absl::StatusCode::kUnauthenticated);
  }
  EXPECT_EQ(Read(unsigned_one).status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(Read(elsewhere).status().message()), HasSubstr("it is for the tool service \"todo\""));
  EXPECT_EQ(Refused("missing"), 4);
  EXPECT_EQ(Refused("wrong_audience"), 4);
  // A key that nobody knows costs a look at the keys, on a thread that may wait.
  EXPECT_EQ(Call("inline", forged).status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Refused("unknown_key"), 1);
  EXPECT_EQ(metrics_.ForTool("inline").ok.Value(), 0);
  EXPECT_EQ(metrics_.ForTool("blocking").ok.Value(), 0);
}

TEST_F(VerifyingGrpcServiceTest, AnInlineCallThatWaitsForKeysHoldsUpNoOther) {
  Principal known;
  known.set_assertion(Assertion(edge_key_));
  Principal unknown;
  unknown.set_assertion(Assertion(common::Es256PrivateKey::Generate()));
  SetKeysAreThere(false);
  absl::Notification ended;
  std::thread waiter([&] {
    EXPECT_EQ(Call("inline", unknown).status().code(), absl::StatusCode::kUnauthenticated);
    ended.Notify();
  });
  while (metrics_.calls_in_flight.Value() == 0) absl::SleepFor(absl::Milliseconds(1));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Call("inline", known).ok());  // the loop has one thread
  EXPECT_FALSE(ended.HasBeenNotified());
  SetKeysAreThere(true);
  waiter.join();
}

}  // namespace
}  // namespace tool_service
