#include "mcp_edge/catalog/catalog_watcher.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "mcp_edge/events/memory_event_bus.h"
#include "mcp_edge/tools/bounded_message.h"
#include "mcp_edge/tools/testing/fake_tool_service.h"
#include "mcp_edge/tools/testing/raw_tool_service.h"

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::CallToolRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using CatalogMessage = gatehouse::tool::v1::Catalog;

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (!condition()) {
    if (absl::Now() > give_up) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

CatalogMessage CatalogOf(const std::vector<std::string>& names) {
  CatalogMessage catalog;
  for (const std::string& name : names) *catalog.add_tools() = MakeTool(name);
  return catalog;
}

class CatalogWatcherTest : public ::testing::Test {
 protected:
  ~CatalogWatcherTest() override { watcher_.reset(); }

  void WriteFile(const std::vector<std::string>& services) {
    const std::string temporary = file_name_ + ".new";
    std::ofstream(temporary) << "tool_services: [" << absl::StrJoin(services, ", ") << "]\n";
    std::filesystem::rename(temporary, file_name_);
  }
  static std::string Entry(absl::string_view name, absl::string_view target, absl::string_view prefix = "") {
    return absl::StrCat("{name: ", name, ", target: '", target, "', prefix: '", prefix, "'}");
  }
  void Start(absl::Duration first_answer_timeout = absl::Hours(1)) {
    catalog_.AddListener([this](const CatalogSnapshot&) { ++changes_; });
    auto file = LoadToolServicesFile(file_name_);
    ASSERT_TRUE(file.ok()) << file.status();
    watcher_ = CatalogWatcher::Start({.file_name = file_name_,
                                      .poll_interval = absl::Milliseconds(10),
                                      .first_answer_timeout = first_answer_timeout,
                                      .min_backoff = absl::Milliseconds(20),
                                      .max_backoff = absl::Milliseconds(100)},
                                     *std::move(file), catalog_, metrics_, events_);
  }

  // The URIs of which it was told that they were updated, in order.
  std::vector<std::string> Updated() const {
    absl::MutexLock lock(&updated_mutex_);
    return updated_;
  }

  // The names listed, "a b c".
  std::string Names() const {
    const auto snapshot = catalog_.Current();
    return absl::StrJoin(snapshot->tools(), " ",
                         [](std::string* out, const ToolEntry& entry) { absl::StrAppend(out, entry.name); });
  }
  bool EventuallyListed(const std::string& names) {
    return Eventually([&] { return Names() == names; });
  }
  bool EventuallyConnected(size_t index, bool connected) {
    return Eventually([&] {
      const auto states = catalog_.ServiceStates();
      return states.size() > index && states[index].connected == connected;
    });
  }

  const std::string file_name_ =
      absl::StrCat(::testing::TempDir(), "/", ::testing::UnitTest::GetInstance()->current_test_info()->name(), ".yaml");
  std::unique_ptr<FakeToolService> first_ = FakeToolService::Start();
  std::unique_ptr<FakeToolService> second_ = FakeToolService::Start();
  prometheus::Registry registry_;
  CatalogMetrics metrics_{registry_};
  std::atomic<int> changes_{0};
  Catalog catalog_;
  MemoryEventBus events_;
  mutable absl::Mutex updated_mutex_;
  std::vector<std::string> updated_ ABSL_GUARDED_BY(updated_mutex_);
  const std::unique_ptr<EventBus::Subscription> subscription_ = events_.Subscribe([this](const Event& event) {
    absl::MutexLock lock(&updated_mutex_);
    EXPECT_EQ(event.kind, Event::Kind::kResourceUpdated);
    updated_.push_back(event.uri);
  });
  std::unique_ptr<CatalogWatcher> watcher_;
};

TEST_F(CatalogWatcherTest, MergesServicesInFileOrder) {
  first_->SetCatalog(CatalogOf({"z", "y"}));
  second_->SetCatalog(CatalogOf({"a"}));
  WriteFile({Entry("first", first_->target()), Entry("second", second_->target(), "s.")});
  Start();
  EXPECT_TRUE(EventuallyListed("z y s.a")) << Names();
  EXPECT_TRUE(Eventually([&] { return watcher_->Ready().ok(); })) << watcher_->Ready();
  EXPECT_EQ(catalog_.Current()->FindTool("s.a")->tool.name(), "a");
  EXPECT_EQ(catalog_.Current()->FindTool("s.a")->service->name(), "second");
  EXPECT_EQ(metrics_.tools.Value(), 3);
  EXPECT_EQ(metrics_.services_configured.Value(), 2);
  EXPECT_EQ(metrics_.services_connected.Value(), 2);
}

TEST_F(CatalogWatcherTest, ListedToolsCanBeCalled) {
  first_->SetCatalog(CatalogOf({"echo"}));
  first_->OnCall([](const CallToolRequest& request) { return FakeCallScript{.events = {TextResult(request.name())}}; });
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("echo"));
  CallToolRequest request;
  request.set_name("echo");
  const auto event = catalog_.Current()->FindTool("echo")->service->StartCall(request, absl::Now() + absl::Seconds(10),
                                                                              TraceContext());
  EXPECT_EQ(event->Next()->result().content(0).text().text(), "echo");
}

TEST_F(CatalogWatcherTest, FollowsChangesOfACatalogue) {
  first_->SetCatalog(CatalogOf({"a"}));
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("a"));
  first_->SetCatalog(CatalogOf({"b", "a"}));
  EXPECT_TRUE(EventuallyListed("b a"));
  first_->SetCatalog(CatalogOf({}));
  EXPECT_TRUE(EventuallyListed(""));
  EXPECT_TRUE(Eventually([&] { return metrics_.changes_total.Value() == 3; }));  // counted once it is listed
  EXPECT_EQ(changes_, 3);
}

TEST_F(CatalogWatcherTest, BadToolsAreRefusedAndTheOthersStay) {
  first_->SetCatalog(CatalogOf({"good", "bad name"}));
  WriteFile({Entry("first", first_->target())});
  Start();
  EXPECT_TRUE(EventuallyListed("good"));
  EXPECT_TRUE(Eventually([&] { return catalog_.ServiceStates()[0].refused == 1; }));
  EXPECT_EQ(metrics_.refused_invalid_total.Value(), 1);
}

// Two bytes for each on the wire, some hundred in memory.
TEST_F(CatalogWatcherTest, ACatalogueOfTooManyPartsIsNotTakenAndTheLastOneStays) {
  first_->SetCatalog(CatalogOf({"good"}));
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("good"));
  gatehouse::tool::v1::Catalog bomb;
  for (int i = 0; i <= kMaxParts; ++i) bomb.add_tools();
  first_->SetCatalog(bomb);
  EXPECT_TRUE(Eventually([&] { return !catalog_.ServiceStates()[0].connected; }));
  EXPECT_EQ(Names(), "good");
  EXPECT_EQ(metrics_.refused_invalid_total.Value(), 0);
}

TEST_F(CatalogWatcherTest, ACatalogueThatCannotBeDecodedIsTakenNoteOfAndAskedForAgain) {
  const auto raw = RawToolService::Start();
  raw->On("WatchCatalog", {{CatalogOf({"good"}).SerializeAsString(), "\x0a\x05"}, /*ends=*/false});
  WriteFile({Entry("raw", raw->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("good"));
  EXPECT_TRUE(Eventually([&] { return raw->calls("WatchCatalog") >= 3; }));
  raw->On("WatchCatalog", {{"\x0a\x05"}, /*ends=*/false});
  ASSERT_TRUE(EventuallyConnected(0, false));
  EXPECT_THAT(catalog_.ServiceStates()[0].last_error, HasSubstr("it sent a catalogue that cannot be decoded"));
  EXPECT_EQ(Names(), "good");
}

TEST_F(CatalogWatcherTest, OfTwoWithOneNameTheFirstServiceInTheFileWins) {
  first_->SetCatalog(CatalogOf({"a", "both"}));
  second_->SetCatalog(CatalogOf({"both", "c"}));
  WriteFile({Entry("first", first_->target()), Entry("second", second_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("a both c"));
  EXPECT_EQ(catalog_.Current()->FindTool("both")->service->name(), "first");
  EXPECT_TRUE(Eventually([&] { return catalog_.ServiceStates()[1].refused == 1; }));
  EXPECT_EQ(catalog_.ServiceStates()[1].tools, 1u);
  EXPECT_EQ(metrics_.refused_duplicate_total.Value(), 1);
  first_->SetCatalog(CatalogOf({"a"}));
  ASSERT_TRUE(EventuallyListed("a both c"));
  EXPECT_TRUE(Eventually([&] { return catalog_.Current()->FindTool("both")->service->name() == "second"; }));
}

TEST_F(CatalogWatcherTest, ToolsOfAServiceThatWentAwayStayAndItsReturnIsNotAChange) {
  first_->SetCatalog(CatalogOf({"a"}));
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("a"));
  ASSERT_TRUE(EventuallyConnected(0, true));
  const int port = first_->port();
  first_.reset();
  ASSERT_TRUE(EventuallyConnected(0, false));
  EXPECT_THAT(catalog_.ServiceStates()[0].last_error, HasSubstr("UNAVAILABLE"));
  EXPECT_EQ(Names(), "a");
  EXPECT_GE(metrics_.watch_failures_total.Value(), 1);
  first_ = FakeToolService::Start(port);
  ASSERT_NE(first_, nullptr);
  first_->SetCatalog(CatalogOf({"a"}));
  EXPECT_TRUE(EventuallyListed("a"));
  EXPECT_TRUE(Eventually([&] { return catalog_.ServiceStates()[0].connected && Names() == "a"; }));
  EXPECT_EQ(catalog_.ServiceStates()[0].last_error, "");
}

TEST_F(CatalogWatcherTest, RegularEndOfAStreamIsNotNoticed) {
  first_->SetCatalog(CatalogOf({"a"}));
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("a"));
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(Eventually([&] { return first_->open_watches() == 1; }));
    absl::SleepFor(absl::Milliseconds(30));  // longer than the least back-off: the stream has lasted
    first_->EndWatches(grpc::Status(grpc::StatusCode::UNAVAILABLE, "max age"));
    ASSERT_TRUE(Eventually([&] { return first_->watches_total() == i + 1; }));
    EXPECT_TRUE(catalog_.ServiceStates()[0].connected);
  }
  EXPECT_EQ(Names(), "a");
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(metrics_.watch_failures_total.Value(), 0);
}

TEST_F(CatalogWatcherTest, UnreachableServiceHidesNoOthers) {
  first_->SetCatalog(CatalogOf({"a"}));
  const std::string nowhere = second_->target();
  second_.reset();
  WriteFile({Entry("nowhere", nowhere), Entry("first", first_->target())});
  Start(/*first_answer_timeout=*/absl::Milliseconds(300));
  EXPECT_TRUE(EventuallyListed("a"));
  EXPECT_TRUE(Eventually([&] { return watcher_->Ready().ok(); }));
}

TEST_F(CatalogWatcherTest, IsNotReadyWhileNoServiceAnswersAndSaysSo) {
  const std::string nowhere = first_->target();
  const int port = first_->port();
  first_.reset();
  WriteFile({Entry("nowhere", nowhere)});
  Start(/*first_answer_timeout=*/absl::ZeroDuration());
  ASSERT_TRUE(EventuallyConnected(0, false));
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(watcher_->Ready().message(), absl::StrCat("nowhere at ", nowhere, ": UNAVAILABLE"));
  })) << watcher_->Ready();
  first_ = FakeToolService::Start(port);
  EXPECT_TRUE(Eventually([&] { return watcher_->Ready().ok(); }));
  first_.reset();
  ASSERT_TRUE(EventuallyConnected(0, false));
  EXPECT_TRUE(watcher_->Ready().ok());  // once ready, always ready
}

TEST_F(CatalogWatcherTest, NoServicesIsReady) {
  WriteFile({});
  Start();
  EXPECT_TRUE(watcher_->Ready().ok());
}

TEST_F(CatalogWatcherTest, FollowsTheFileWithoutRestart) {
  first_->SetCatalog(CatalogOf({"a"}));
  second_->SetCatalog(CatalogOf({"b"}));
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("a"));
  WriteFile({Entry("second", second_->target()), Entry("first", first_->target())});
  EXPECT_TRUE(EventuallyListed("b a")) << Names();
  WriteFile({Entry("second", second_->target(), "x."), Entry("first", first_->target())});
  EXPECT_TRUE(EventuallyListed("x.b a")) << Names();
  WriteFile({Entry("first", first_->target())});
  EXPECT_TRUE(EventuallyListed("a")) << Names();
  EXPECT_TRUE(Eventually([&] { return second_->open_watches() == 0; }));
  EXPECT_EQ(first_->watches_total(), 1);  // was left alone
}

TEST_F(CatalogWatcherTest, ScopesOfTheFileCountAndAreFollowedWithoutRestart) {
  const auto write = [&](const std::string& scopes, const std::string& implied) {
    const std::string temporary = file_name_ + ".new";
    std::ofstream(temporary) << "tool_services:\n  - {name: first, target: '" << first_->target()
                             << "', prefix: p., required_scopes: {" << scopes << "}}\nimplied_scopes: {" << implied
                             << "}\n";
    std::filesystem::rename(temporary, file_name_);
  };
  // What the tool "p.a" needs, "-" for nothing; and whether "write" does for "read".
  const auto scopes_are = [&](const std::string& expected, bool implied) {
    return Eventually([&] {
      const auto snapshot = catalog_.Current();
      const ToolEntry* const entry = snapshot->FindTool("p.a");
      if (entry == nullptr) return false;
      const auto& sets = entry->required_scopes;
      return (sets.empty() ? "-" : sets[0][0]) == expected &&
             snapshot->scope_hierarchy().IsGranted({"write"}, "read") == implied;
    });
  };
  CatalogMessage catalog = CatalogOf({"a"});
  catalog.mutable_tools(0)->add_required_scopes()->add_scopes("own");
  first_->SetCatalog(catalog);
  testing::internal::CaptureStderr();
  write("", "");
  Start();
  EXPECT_TRUE(scopes_are("own", false));
  write("tools: {a: [[read]], gone: [[x]]}", "write: [read]");
  EXPECT_TRUE(scopes_are("read", true));
  EXPECT_EQ(catalog_.Current()->generation(), catalog_.Current()->tools_generation()) << "who sees it has changed";
  write("tools: {a: []}", "");
  EXPECT_TRUE(scopes_are("-", false));
  catalog.mutable_tools(0)->set_description("other");
  first_->SetCatalog(catalog);
  EXPECT_TRUE(Eventually([&] { return catalog_.Current()->FindTool("p.a")->tool.description() == "other"; }));
  EXPECT_TRUE(scopes_are("-", false));
  write("", "");
  EXPECT_TRUE(scopes_are("own", false));
  watcher_.reset();
  common::FlushLog();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::vector<std::string>(absl::StrSplit(log, "required_scopes_unused")).size(), 2u) << log;
  EXPECT_THAT(log, HasSubstr("\"kind\":\"tool\",\"name\":\"gone\""));
}

TEST_F(CatalogWatcherTest, FollowsAServiceToAnotherTargetWithoutHidingItsTools) {
  first_->SetCatalog(CatalogOf({"a"}));
  second_->SetCatalog(CatalogOf({"a"}));
  WriteFile({Entry("mover", first_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("a"));
  WriteFile({Entry("mover", second_->target())});
  EXPECT_TRUE(Eventually([&] { return catalog_.Current()->FindTool("a")->service->target() == second_->target(); }));
  EXPECT_TRUE(Eventually([&] { return second_->open_watches() == 1 && first_->open_watches() == 0; }));
  EXPECT_EQ(changes_, 1);
}

TEST_F(CatalogWatcherTest, BadFileLaterChangesNothing) {
  first_->SetCatalog(CatalogOf({"a"}));
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("a"));
  WriteFile({"{name: first}"});
  EXPECT_TRUE(Eventually([&] { return metrics_.file_refused_total.Value() == 1; }));
  std::filesystem::remove(file_name_);
  EXPECT_TRUE(Eventually([&] { return metrics_.file_refused_total.Value() == 2; }));
  EXPECT_EQ(Names(), "a");
  first_->SetCatalog(CatalogOf({"a", "b"}));
  EXPECT_TRUE(EventuallyListed("a b"));
  WriteFile({});
  EXPECT_TRUE(EventuallyListed(""));
}

TEST_F(CatalogWatcherTest, SeesAFileThatIsSwappedUnderASymbolicLink) {
  first_->SetCatalog(CatalogOf({"a"}));
  const std::string link = file_name_ + ".link";
  WriteFile({});
  std::filesystem::remove(link);
  std::filesystem::create_symlink(file_name_, link);
  const auto watcher = CatalogWatcher::Start({.file_name = link, .poll_interval = absl::Milliseconds(10)},
                                             *LoadToolServicesFile(link), catalog_, metrics_, events_);
  const std::string other = file_name_ + ".other";
  std::ofstream(other) << "tool_services: [" << Entry("first", first_->target()) << "]";
  std::filesystem::create_symlink(other, link + ".new");
  std::filesystem::rename(link + ".new", link);
  EXPECT_TRUE(EventuallyListed("a"));
}

TEST_F(CatalogWatcherTest, TooLargeACatalogueIsNotReceived) {
  CatalogMessage large = CatalogOf({"a"});
  first_->SetCatalog(large);
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("a"));
  large.set_instructions(std::string(9 << 20, 'x'));
  first_->SetCatalog(large);
  ASSERT_TRUE(EventuallyConnected(0, false));
  EXPECT_THAT(catalog_.ServiceStates()[0].last_error, HasSubstr("RESOURCE_EXHAUSTED"));
  EXPECT_EQ(Names(), "a");
}

TEST_F(CatalogWatcherTest, UnchangedRefusalIsLoggedOnce) {
  testing::internal::CaptureStderr();
  first_->SetCatalog(CatalogOf({"a", "bad name"}));
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("a"));
  first_->SetCatalog(CatalogOf({"b", "bad name"}));
  ASSERT_TRUE(EventuallyListed("b"));
  first_->SetCatalog(CatalogOf({"c", "bad name", "another bad name"}));
  ASSERT_TRUE(EventuallyListed("c"));
  watcher_.reset();
  common::FlushLog();
  const std::string log = testing::internal::GetCapturedStderr();
  const std::vector<std::string> parts = absl::StrSplit(log, "tool_refused");
  EXPECT_EQ(parts.size(), 3u) << log;
  EXPECT_EQ(metrics_.refused_invalid_total.Value(), 4);
}

TEST_F(CatalogWatcherTest, CatalogueThatKeepsChangingIsTakenNowAndThen) {
  first_->SetCatalog(CatalogOf({"a", "bad name"}));
  second_->SetCatalog(CatalogOf({"well"}));
  WriteFile({Entry("first", first_->target()), Entry("second", second_->target())});
  Start();
  ASSERT_TRUE(EventuallyListed("a well"));
  const int before = changes_;
  const absl::Time start = absl::Now();
  for (int i = 0; i < 100; ++i) {
    first_->SetCatalog(CatalogOf({i % 2 == 0 ? "b" : "a", "bad name"}));
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_LE(changes_ - before, 3 + (absl::Now() - start) / absl::Milliseconds(250));
  // It slows nobody down but itself.
  second_->SetCatalog(CatalogOf({"changed"}));
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(Names(), "changed"); }));
  // The newest one counts, although many lie before it.
  first_->SetCatalog(CatalogOf({"end"}));
  EXPECT_TRUE(EventuallyListed("end changed")) << Names();
  // One that waits does not keep the watcher from ending.
  for (int i = 0; i < 5; ++i) first_->SetCatalog(CatalogOf({absl::StrCat("x", i)}));
  watcher_.reset();
}

// The next one comes while the last one is still being taken.
TEST_F(CatalogWatcherTest, CataloguesOneUponTheOtherAreTakenWhole) {
  std::vector<CatalogMessage> flood;
  for (int i = 0; i < 100; ++i) flood.push_back(CatalogOf({"a", absl::StrCat("b", i), absl::StrCat("c", i)}));
  first_->SetCatalog(flood[0]);
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(Eventually([&] { return watcher_->Ready().ok(); }));
  for (const absl::Time end = absl::Now() + absl::Seconds(1); absl::Now() < end;) {
    for (const CatalogMessage& catalog : flood) first_->SetCatalog(catalog);
    EXPECT_TRUE(absl::StartsWith(Names(), "a b")) << Names();
  }
  first_->SetCatalog(CatalogOf({"end"}));
  EXPECT_TRUE(EventuallyListed("end")) << Names();
}

TEST_F(CatalogWatcherTest, LargeCataloguesThatKeepChangingAreNotEvenRead) {
  const auto large = [](int i) {
    CatalogMessage catalog = CatalogOf({absl::StrCat("t", i)});
    for (int j = 0; j < 100; ++j) {
      *catalog.add_tools() = MakeTool(absl::StrCat("t", i, ".", j), std::string(16'000, 'x'));
    }
    return catalog;
  };
  first_->SetCatalog(large(0));
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(Eventually([&] { return changes_ == 1; }));
  for (int i = 1; i < 6; ++i) {
    first_->SetCatalog(large(i));
    absl::SleepFor(absl::Milliseconds(20));
  }
  EXPECT_TRUE(Eventually([&] { return catalog_.Current()->FindTool("t5") != nullptr; }));
  for (int i = 6; i < 9; ++i) first_->SetCatalog(large(i));
  WriteFile({});  // while it waits
  EXPECT_TRUE(EventuallyListed(""));
  EXPECT_TRUE(Eventually([&] { return first_->open_watches() == 0; }));
}

CatalogMessage CatalogWithResources(const std::vector<std::string>& uris) {
  CatalogMessage catalog;
  for (const std::string& uri : uris) {
    catalog.add_resources()->set_uri(uri);
    catalog.mutable_resources(catalog.resources_size() - 1)->set_name("n");
  }
  return catalog;
}

TEST_F(CatalogWatcherTest, UpdatesOfResourcesArePublishedIfTheServiceReadsThem) {
  CatalogMessage catalog = CatalogWithResources({"x:/a", "x:/dir"});
  catalog.add_resource_templates()->set_uri_template("t:/{id}");
  catalog.mutable_resource_templates(0)->set_name("n");
  catalog.add_resource_uri_prefixes("p:");
  first_->SetCatalog(catalog);
  first_->ImplementWatchResources();
  second_->SetCatalog(CatalogWithResources({"y:/b"}));
  WriteFile({Entry("first", first_->target()), Entry("second", second_->target())});
  Start();
  ASSERT_TRUE(Eventually([&] { return first_->update_watches_total() == 1 && second_->update_watches_total() == 1; }));
  ASSERT_TRUE(Eventually([&] { return catalog_.Current()->resources().size() == 3; }));
  first_->UpdateResources({"x:/a", "x:/none", "y:/b", "t:/1", "t:/a b", "x:/dir/below/it", "p:1", ""});
  EXPECT_TRUE(Eventually([&] { return Updated().size() == 4; }));
  EXPECT_THAT(Updated(), ElementsAre("x:/a", "t:/1", "x:/dir/below/it", "p:1"));
  EXPECT_TRUE(Eventually([&] { return metrics_.updates_refused_total.Value() == 4; }));
  EXPECT_EQ(metrics_.updates_published_total.Value(), 4);
  EXPECT_EQ(changes_, static_cast<int>(catalog_.Current()->generation()));
}

TEST_F(CatalogWatcherTest, ServicesWithoutResourcesAreNotAskedAndThoseWithoutUpdatesOnce) {
  first_->SetCatalog(CatalogOf({"a"}));
  first_->ImplementWatchResources();
  second_->SetCatalog(CatalogWithResources({"y:/b"}));
  WriteFile({Entry("first", first_->target()), Entry("second", second_->target())});
  Start();
  ASSERT_TRUE(EventuallyConnected(0, true));
  ASSERT_TRUE(Eventually([&] { return second_->update_watches_total() == 1; }));
  second_->SetCatalog(CatalogWithResources({"y:/b", "y:/c"}));
  ASSERT_TRUE(Eventually([&] { return catalog_.Current()->resources().size() == 2; }));
  absl::SleepFor(absl::Milliseconds(150));  // longer than the longest back-off
  EXPECT_EQ(second_->update_watches_total(), 1);
  EXPECT_EQ(first_->update_watches_total(), 0);
  // Another one may have taken its place.
  second_->ImplementWatchResources();
  second_->EndWatches(grpc::Status(grpc::StatusCode::UNAVAILABLE, "max age"));
  ASSERT_TRUE(Eventually([&] { return second_->update_watches_total() == 2; }));
  second_->UpdateResources({"y:/b"});
  EXPECT_TRUE(Eventually([&] { return Updated().size() == 1; }));
}

TEST_F(CatalogWatcherTest, StreamOfUpdatesIsOpenedAgain) {
  first_->SetCatalog(CatalogWithResources({"x:/a"}));
  first_->ImplementWatchResources();
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(Eventually([&] { return first_->update_watches_total() == 1; }));
  first_->EndUpdateWatches(grpc::Status(grpc::StatusCode::UNAVAILABLE, "max age"));
  ASSERT_TRUE(Eventually([&] { return first_->update_watches_total() == 2; }));
  // Before the catalogue is published there is no such resource, and nobody to hear of it.
  ASSERT_TRUE(Eventually([&] { return !catalog_.Current()->resources().empty(); }));
  first_->UpdateResources({"x:/a"});
  EXPECT_TRUE(Eventually([&] { return Updated().size() == 1; }));
  EXPECT_EQ(first_->watches_total(), 1);
  WriteFile({});
  ASSERT_TRUE(Eventually([&] { return catalog_.Current()->resources().empty(); }));
}

TEST_F(CatalogWatcherTest, NewsThatCannotBeDecodedOpenTheirStreamAgain) {
  const auto raw = RawToolService::Start();
  gatehouse::tool::v1::ResourceUpdated update;
  update.set_uri("x:/a");
  raw->On("WatchCatalog", {{CatalogWithResources({"x:/a"}).SerializeAsString()}, /*ends=*/false});
  raw->On("WatchResources", {{"\x0a\x02\xff\xff"}, /*ends=*/false});  // no UTF-8
  WriteFile({Entry("raw", raw->target())});
  Start();
  ASSERT_TRUE(Eventually([&] { return raw->calls("WatchResources") >= 2; }));
  ASSERT_TRUE(Eventually([&] { return !catalog_.Current()->resources().empty(); }));
  raw->On("WatchResources", {{update.SerializeAsString()}, /*ends=*/false});
  EXPECT_TRUE(Eventually([&] { return Updated().size() == 1; }));
  EXPECT_EQ(raw->calls("WatchCatalog"), 1);
}

TEST_F(CatalogWatcherTest, FloodOfUpdatesIsSlowedAndJoined) {
  first_->SetCatalog(CatalogWithResources({"x:/a", "x:/b"}));
  first_->ImplementWatchResources();
  WriteFile({Entry("first", first_->target())});
  Start();
  ASSERT_TRUE(Eventually([&] { return first_->update_watches_total() == 1; }));
  std::vector<std::string> flood;
  for (int i = 0; i < 2'000; ++i) flood.push_back(i % 2 == 0 ? "x:/a" : "x:/b");
  const absl::Time start = absl::Now();
  first_->UpdateResources(flood);
  ASSERT_TRUE(Eventually([&] { return first_->updates_sent() == 2'000 && Updated().size() >= 2; }));
  first_->UpdateResources({"x:/b"});
  absl::SleepFor(absl::Milliseconds(200));
  // No more than both of them in each interval of 50 ms.
  EXPECT_LE(Updated().size(), 2 * (2 + (absl::Now() - start) / absl::Milliseconds(50)));
  // One that never stops does not keep the watcher from ending.
  for (int i = 0; i < 20; ++i) first_->UpdateResources(flood);
  watcher_.reset();
}

TEST_F(CatalogWatcherTest, ManyServicesWithManyToolsMakeFewSnapshots) {
  CatalogMessage many;
  for (int i = 0; i < 1000; ++i) *many.add_tools() = MakeTool(absl::StrCat("t", i), "A tool of many.");
  first_->SetCatalog(many);
  std::vector<std::string> entries;
  for (int i = 0; i < 10; ++i) {
    entries.push_back(Entry(absl::StrCat("s", i), first_->target(), absl::StrCat("s", i, ".")));
  }
  WriteFile(entries);
  Start();
  ASSERT_TRUE(Eventually([&] { return watcher_->Ready().ok(); }));
  EXPECT_EQ(catalog_.Current()->tools().size(), 10'000u);
  EXPECT_NE(catalog_.Current()->FindTool("s9.t999"), nullptr);
  EXPECT_LE(changes_, 10);
}

}  // namespace
}  // namespace mcp_edge
