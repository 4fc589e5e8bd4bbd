#include "mcp_edge/events/listen_exchange.h"

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/testing/cpu_time.h"
#include "gtest/gtest.h"
#include "mcp_edge/events/catalog_events.h"
#include "mcp_edge/events/memory_event_bus.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/session/resource_set.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

constexpr char kId[] = "io.modelcontextprotocol/subscriptionId";

// Knows the task "mine" of everybody.
class FakeTasks final : public Tasks {
 public:
  TaskAnswer Start(std::unique_ptr<Operation>, std::unique_ptr<Round>, const RequestContext&) override { return ""; }
  TaskAnswer Get(const Message&, const RequestContext&) override { return ""; }
  TaskAnswer Update(const Message&, const RequestContext&) override { return ""; }
  TaskAnswer Cancel(const Message&, const RequestContext&) override { return ""; }
  bool Owns(absl::string_view task_id, const Principal&) override { return task_id == "mine"; }
  std::optional<std::string> Notification(absl::string_view task_id, const Principal& principal) override {
    if (!Owns(task_id, principal) || now.empty()) return std::nullopt;
    return absl::StrCat(R"({"taskId":")", task_id, R"(","status":")", now, "\"}");
  }
  absl::Duration max_time() const override { return absl::Hours(1); }

  // The status of the task; empty: it is gone.
  std::string now = "working";
};

class ListenExchangeTest : public testing::Test {
 protected:
  ListenExchangeTest() {
    catalog_.AddListener([this](const CatalogSnapshot& snapshot) { PublishListChanges(snapshot, bus_); });
    PublishResources({});
  }

  // "a://open" needs no scope, "a://mail" one. `more`: further ones.
  void PublishResources(const std::vector<std::string>& more, const std::string& scope = "mail:read") {
    CatalogContents contents;
    for (std::string uri : std::vector<std::string>{"a://open", "a://open/below", "a://mail"}) {
      ResourceEntry entry;
      entry.resource.set_uri(uri);
      if (uri == "a://mail") entry.required_scopes = {{scope}};
      contents.resources.push_back(std::move(entry));
    }
    for (const std::string& uri : more) {
      ResourceEntry entry;
      entry.resource.set_uri(uri);
      contents.resources.push_back(std::move(entry));
    }
    catalog_.Publish(std::move(contents));
  }

  std::unique_ptr<Exchange> Listen(const std::string& filter, const std::string& id = "7",
                                   absl::Time expire_time = absl::InfiniteFuture()) {
    Message message;
    message.kind = Message::Kind::kRequest;
    message.id_json = id;
    message.method = "subscriptions/listen";
    message.params = *ReadJson(filter.empty() ? "{}" : absl::StrCat(R"({"notifications":)", filter, "}"));
    auto principal = std::make_shared<Principal>();
    principal->key = "alice";
    principal->scopes = {"mail:read"};
    principal->scopes_known = true;
    principal->expire_time = expire_time;
    RequestContext context;
    context.principal = std::move(principal);
    context.version = ProtocolVersion::k2026_07_28;
    context.client = &client_;
    return listeners_.Start(message, context);
  }

  // The next message, which must be there already.
  static json Hear(Exchange& exchange) {
    EXPECT_TRUE(exchange.Wait(absl::InfinitePast()));
    return *ReadJson(exchange.Next().message);
  }

  static bool IsSilent(Exchange& exchange) { return !exchange.Wait(absl::InfinitePast()); }

  void Update(const std::string& uri) { bus_.Publish({.kind = Event::Kind::kResourceUpdated, .uri = uri}); }

  const common::SystemClock clock_{};
  prometheus::Registry registry_;
  EdgeMetrics metrics_{registry_};
  MemoryEventBus bus_;
  Catalog catalog_;
  FakeTasks tasks_;
  ClientDescription client_;
  Listeners listeners_{bus_, catalog_, &tasks_, clock_, metrics_};
};

TEST_F(ListenExchangeTest, TheAcknowledgementComesFirstAndNamesWhatIsHonoured) {
  const auto exchange = Listen(R"({"toolsListChanged":true,"promptsListChanged":false,"unheardOf":true,)"
                               R"("resourceSubscriptions":["a://open","a://none","a://mail","a://open"]})");
  bus_.Publish({.kind = Event::Kind::kToolsChanged});
  EXPECT_EQ(Hear(*exchange),
            *ReadJson(absl::StrCat(R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{)"
                                   R"("_meta":{")",
                                   kId, R"(":7},"notifications":{"toolsListChanged":true,)",
                                   R"("resourceSubscriptions":["a://open","a://mail"]}}})")));
  EXPECT_EQ(Hear(*exchange), *ReadJson(absl::StrCat(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed",)",
                                                    R"("params":{"_meta":{")", kId, R"(":7}}})")));
  EXPECT_TRUE(IsSilent(*exchange));
}

TEST_F(ListenExchangeTest, TheIdKeepsItsType) {
  const auto exchange = Listen(R"({"toolsListChanged":true})", R"("7")");
  EXPECT_EQ(Hear(*exchange)["params"]["_meta"][kId], "7");
  listeners_.CloseAll();
  const json end = Hear(*exchange);
  EXPECT_EQ(end["id"], "7");
  EXPECT_EQ(end["result"]["_meta"][kId], "7");
}

TEST_F(ListenExchangeTest, OnlyWhatWasAskedForIsTold) {
  const auto exchange = Listen(R"({"promptsListChanged":true})");
  Hear(*exchange);
  bus_.Publish({.kind = Event::Kind::kToolsChanged});
  bus_.Publish({.kind = Event::Kind::kResourcesChanged});
  bus_.Publish({.kind = Event::Kind::kTaskChanged, .task_id = "mine"});
  Update("a://open");
  EXPECT_TRUE(IsSilent(*exchange));
  bus_.Publish({.kind = Event::Kind::kPromptsChanged});
  bus_.Publish({.kind = Event::Kind::kPromptsChanged});
  EXPECT_EQ(Hear(*exchange)["method"], "notifications/prompts/list_changed");
  EXPECT_TRUE(IsSilent(*exchange)) << "twice is once";
}

TEST_F(ListenExchangeTest, WhatIsHonouredAndWhatIsNotIsAudited) {
  prometheus::Registry registry;
  AuditLog audit(true, registry);
  Listeners listeners(bus_, catalog_, &tasks_, clock_, metrics_, &audit);
  client_.capabilities.tasks = true;
  Message message;
  message.kind = Message::Kind::kRequest;
  message.id_json = "7";
  message.params = *ReadJson(R"({"notifications":{"toolsListChanged":true,)"
                             R"("resourceSubscriptions":["a://open","a://mail","a://open","a://none"],)"
                             R"("taskIds":["mine","other"]}})");
  auto principal = std::make_shared<Principal>();
  principal->subject = "alice";
  RequestContext context;
  context.principal = principal;
  context.version = ProtocolVersion::k2026_07_28;
  context.client = &client_;
  context.request_id = "r1";
  common::FlushLog();
  testing::internal::CaptureStderr();
  listeners.Start(message, context);
  common::FlushLog();
  const std::string log = testing::internal::GetCapturedStderr();
  const std::vector<std::string> lines = absl::StrSplit(log, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2u) << log;
  const json honoured = *ReadJson(lines[0]);
  EXPECT_EQ(honoured["method"], "subscriptions/listen");
  EXPECT_EQ(honoured["subject"], "alice");
  EXPECT_EQ(honoured["name"], "a://open mine");
  EXPECT_EQ(honoured["outcome"], "allowed");
  const json refused = *ReadJson(lines[1]);
  EXPECT_EQ(refused["name"], "a://mail a://none other");
  EXPECT_EQ(refused["outcome"], "refused");
  EXPECT_EQ(refused["request_id"], "r1");
}

TEST_F(ListenExchangeTest, AChangeOfTheCatalogueIsTold) {
  const auto exchange = Listen(R"({"resourcesListChanged":true,"toolsListChanged":true})");
  Hear(*exchange);
  PublishResources({"a://new"});
  EXPECT_EQ(Hear(*exchange)["method"], "notifications/resources/list_changed");
  EXPECT_TRUE(IsSilent(*exchange));
}

TEST_F(ListenExchangeTest, ResourcesBelowAreToldWithTheirOwnUri) {
  const auto exchange = Listen(R"({"resourceSubscriptions":["a://open"]})");
  Hear(*exchange);
  Update("a://open/below");
  Update("a://open/nobody-reads");
  Update("a://openly");
  Update("a://mail");
  const json update = Hear(*exchange);
  EXPECT_EQ(update["method"], "notifications/resources/updated");
  EXPECT_EQ(update["params"]["uri"], "a://open/below");
  EXPECT_EQ(update["params"]["_meta"][kId], 7);
  listeners_.CloseAll();
  EXPECT_EQ(Hear(*exchange)["id"], 7) << "nothing else was told";
}

TEST_F(ListenExchangeTest, ScopesAreLookedAtAgainBeforeEachMessage) {
  const auto exchange = Listen(R"({"resourceSubscriptions":["a://mail"]})");
  Hear(*exchange);
  Update("a://mail");
  EXPECT_EQ(Hear(*exchange)["params"]["uri"], "a://mail");
  PublishResources({"a://new"}, "mail:admin");
  Update("a://mail");
  listeners_.CloseAll();
  EXPECT_TRUE(Hear(*exchange).contains("result"));
}

TEST_F(ListenExchangeTest, TasksNeedTheExtensionAndAnOwner) {
  const auto refused = Listen(R"({"taskIds":["mine"]})");
  const Step step = refused->Next();
  EXPECT_TRUE(step.last);
  EXPECT_EQ(step.error, WireErrorKind::kMissingClientCapability);
  EXPECT_EQ((*ReadJson(step.message))["error"]["data"]["requiredCapabilities"],
            *ReadJson(R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})"));
  client_.capabilities.tasks = true;
  const auto exchange = Listen(R"({"taskIds":["mine","other"]})");
  EXPECT_EQ(Hear(*exchange)["params"]["notifications"], *ReadJson(R"({"taskIds":["mine"]})"));
  const auto change = [&](const std::string& id, const std::string& status) {
    tasks_.now = status;
    bus_.Publish({.kind = Event::Kind::kTaskChanged, .task_id = id});
  };
  change("other", "working");
  change("mine", "working");
  change("mine", "completed");
  EXPECT_EQ(Hear(*exchange),
            *ReadJson(absl::StrCat(R"({"jsonrpc":"2.0","method":"notifications/tasks","params":{)", R"("_meta":{")",
                                   kId, R"(":7},"taskId":"mine","status":"completed"}})")));
  EXPECT_TRUE(IsSilent(*exchange));
  change("mine", "");
  listeners_.CloseAll();
  EXPECT_TRUE(Hear(*exchange).contains("result")) << "of a task that is gone there is nothing to tell";
}

TEST_F(ListenExchangeTest, ALargeTaskEndsNoListener) {
  client_.capabilities.tasks = true;
  const auto exchange = Listen(R"({"taskIds":["mine"]})");
  Hear(*exchange);
  tasks_.now = std::string(2 * Listeners::kMaxWaitingBytes, 'x');
  bus_.Publish({.kind = Event::Kind::kTaskChanged, .task_id = "mine"});
  const json task = Hear(*exchange);
  EXPECT_EQ(task["method"], "notifications/tasks");
  EXPECT_EQ(task["params"]["status"], tasks_.now);
  EXPECT_EQ(metrics_.listeners_dropped_total.Value(), 0);
}

TEST_F(ListenExchangeTest, NamesThatAreTooLongAreNotHonoured) {
  const std::string fits = absl::StrCat("a://", std::string(ResourceSet::kMaxUriBytes - 4, 'x'));
  PublishResources({fits, fits + "x"});
  const auto exchange =
      Listen(absl::StrCat(R"({"resourceSubscriptions":[")", fits, R"(","a://open",")", fits, R"(x"]})"));
  EXPECT_EQ(Hear(*exchange)["params"]["notifications"]["resourceSubscriptions"], json::array({fits, "a://open"}));
}

TEST_F(ListenExchangeTest, FiltersOfTheWrongFormAreRefused) {
  const std::string many = absl::StrCat(R"({"resourceSubscriptions":[)",
                                        [] {
                                          std::string names = "\"a\"";
                                          for (size_t i = 0; i < Listeners::kMaxNamed; ++i) names += ",\"a\"";
                                          return names;
                                        }(),
                                        "]}");
  for (const std::string& filter :
       {std::string(), std::string("[]"), std::string("null"), std::string(R"({"toolsListChanged":1})"),
        std::string(R"({"resourceSubscriptions":"a"})"), std::string(R"({"resourceSubscriptions":[1]})"),
        std::string(R"({"taskIds":{}})"), many}) {
    const Step step = Listen(filter)->Next();
    EXPECT_TRUE(step.last) << filter.substr(0, 80);
    EXPECT_EQ(step.error, WireErrorKind::kInvalidParams) << filter.substr(0, 80);
  }
  EXPECT_EQ(listeners_.size(), 0u);
}

TEST_F(ListenExchangeTest, EndsWithItsTokenAndWithTheEdge) {
  const auto expires = Listen(R"({"toolsListChanged":true})", "8", absl::Now() + absl::Milliseconds(30));
  Hear(*expires);
  const Step end = expires->Next();
  EXPECT_TRUE(end.last);
  EXPECT_FALSE(end.error.has_value());
  EXPECT_EQ((*ReadJson(end.message))["result"]["resultType"], "complete");

  const auto listening = Listen(R"({"toolsListChanged":true})");
  Hear(*listening);
  std::thread closer([&] { listeners_.CloseAll(); });
  EXPECT_TRUE(listening->Next().last);
  closer.join();
  const auto late = Listen(R"({"toolsListChanged":true})");
  EXPECT_FALSE(late->Next().last);
  EXPECT_TRUE(late->Next().last);
}

TEST_F(ListenExchangeTest, ACancelledOneSaysNoMore) {
  const auto exchange = Listen(R"({"toolsListChanged":true})");
  Hear(*exchange);
  bus_.Publish({.kind = Event::Kind::kToolsChanged});
  std::thread canceller([&] { exchange->Cancel(); });
  canceller.join();
  const Step step = exchange->Next();
  EXPECT_TRUE(step.last);
  EXPECT_EQ(step.error, WireErrorKind::kCancelled);
}

TEST_F(ListenExchangeTest, ASlowListenerIsEndedAndNobodyWaitsForIt) {
  std::vector<std::string> uris;
  for (size_t i = 0; i <= Listeners::kMaxWaiting; ++i) uris.push_back(absl::StrCat("a://open/", i));
  PublishResources(uris);
  const auto slow = Listen(R"({"resourceSubscriptions":["a://open"]})");
  const auto reads = Listen(R"({"resourceSubscriptions":["a://open"]})", "8");
  Hear(*slow);
  Hear(*reads);
  for (const std::string& uri : uris) {
    Update(uri);
    EXPECT_EQ(Hear(*reads)["params"]["uri"], uri);
  }
  const Step end = slow->Next();
  EXPECT_TRUE(end.last);
  EXPECT_EQ((*ReadJson(end.message))["result"]["_meta"][kId], 7);
  EXPECT_EQ(metrics_.listeners_dropped_total.Value(), 1);
  Update(uris[0]);
  EXPECT_EQ(Hear(*reads)["params"]["uri"], uris[0]);
}

TEST_F(ListenExchangeTest, AThousandListenersHearOfAChangeInTime) {
  std::vector<std::unique_ptr<Exchange>> exchanges;
  for (int i = 0; i < 1'000; ++i) {
    exchanges.push_back(Listen(R"({"toolsListChanged":true})", absl::StrCat(i)));
    Hear(*exchanges.back());
  }
  const absl::Duration start = common::ProcessCpuTime();
  bus_.Publish({.kind = Event::Kind::kToolsChanged});
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(Hear(*exchanges[i])["params"]["_meta"][kId], i);
  EXPECT_LT(common::ProcessCpuTime() - start, absl::Milliseconds(500));
}

}  // namespace
}  // namespace mcp_edge
