#include "mcp_edge/tasks/task_manager.h"

#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/barrier.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/tasks/memory_task_store.h"
#include "mcp_edge/tasks/task_questions.h"
#include "mcp_edge/tasks/task_rendering.h"
#include "prometheus/registry.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;
using nlohmann::json;

constexpr char kForm[] = R"({"message":"Who?","requestedSchema":{"type":"object","properties":{}}})";

// What a fake operation does, as the test says it.
class FakeWork {
 public:
  explicit FakeWork(common::FakeClock& clock) : clock_(clock) {}

  // Begins nothing, but the round that a test hands over counts as the first.
  void Begin(const InputResponses& responses, absl::string_view state) {
    absl::MutexLock lock(&mutex_);
    ++rounds_;
    responses_ = responses;
    state_ = std::string(state);
    cancelled_ = false;
  }
  bool Wait(absl::Time until) {
    absl::MutexLock lock(&mutex_);
    const auto ready = [&] { return !events_.empty() || cancelled_ || clock_.Now() >= until; };
    mutex_.Await(absl::Condition(&ready));
    return !events_.empty() || cancelled_;
  }
  RoundEvent Next() {
    absl::MutexLock lock(&mutex_);
    const auto ready = [&] { return !events_.empty() || cancelled_; };
    mutex_.Await(absl::Condition(&ready));
    if (cancelled_) return RpcError{WireErrorKind::kCancelled, "cancelled", ""};
    RoundEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
  }
  void Cancel() {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    ++cancels_;
  }
  void OperationGone() {
    absl::MutexLock lock(&mutex_);
    gone_ = true;
  }

  void Say(RoundEvent event) {
    absl::MutexLock lock(&mutex_);
    events_.push_back(std::move(event));
  }
  void Advance(absl::Duration by) {
    absl::MutexLock lock(&mutex_);
    clock_.Advance(by);
  }
  void AwaitRound(int number) {
    absl::MutexLock lock(&mutex_);
    const auto begun = [&] { return rounds_ >= number; };
    mutex_.Await(absl::Condition(&begun));
  }
  void AwaitCancelled() {
    absl::MutexLock lock(&mutex_);
    const auto cancelled = [&] { return cancels_ > 0; };
    mutex_.Await(absl::Condition(&cancelled));
  }
  void AwaitGone() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&gone_));
  }
  void AwaitAllHeard() {
    absl::MutexLock lock(&mutex_);
    const auto heard = [&] { return events_.empty(); };
    mutex_.Await(absl::Condition(&heard));
  }
  int rounds() const {
    absl::MutexLock lock(&mutex_);
    return rounds_;
  }
  InputResponses responses() const {
    absl::MutexLock lock(&mutex_);
    return responses_;
  }
  std::string state() const {
    absl::MutexLock lock(&mutex_);
    return state_;
  }

 private:
  common::FakeClock& clock_;
  mutable absl::Mutex mutex_;
  std::deque<RoundEvent> events_;
  InputResponses responses_;
  std::string state_;
  int rounds_ = 0;
  int cancels_ = 0;
  bool cancelled_ = false;
  bool gone_ = false;
};

class FakeRound final : public Round {
 public:
  explicit FakeRound(FakeWork& work) : work_(work) {}
  RoundEvent Next() override { return work_.Next(); }
  bool Wait(absl::Time until) override { return work_.Wait(until); }
  void Cancel() override { work_.Cancel(); }

 private:
  FakeWork& work_;
};

class FakeOperation final : public Operation {
 public:
  explicit FakeOperation(FakeWork& work, size_t bytes = 0) : work_(work), bytes_(bytes) {}
  ~FakeOperation() override { work_.OperationGone(); }
  std::unique_ptr<Round> Begin(const InputResponses& responses, absl::string_view state) override {
    work_.Begin(responses, state);
    return std::make_unique<FakeRound>(work_);
  }
  size_t SizeBytes() const override { return bytes_; }

 private:
  FakeWork& work_;
  const size_t bytes_;
};

// Keeps what a listener would be told if it were told at once.
class FakeEventBus final : public EventBus {
 public:
  explicit FakeEventBus(TaskStore& store) : store_(store) {}

  void Publish(const Event& event) override {
    if (on_publish) on_publish(event);
    const auto record = store_.Get(event.task_id);
    if (!record.ok()) return;
    const json task = json::parse(RenderTaskNotification(**record, absl::Seconds(1)));
    absl::MutexLock lock(&mutex_);
    events_.push_back({event.task_id, task});
  }
  std::unique_ptr<Subscription> Subscribe(Subscriber) override { return nullptr; }

  // The task as last published, once it has that status.
  json AwaitStatus(const std::string& id, const std::string& status) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&] { return LastLocked(id).value("status", "") == status; };
    mutex_.Await(absl::Condition(&there));
    return LastLocked(id);
  }
  json AwaitMessage(const std::string& id, const std::string& message) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&] { return LastLocked(id).value("statusMessage", "") == message; };
    mutex_.Await(absl::Condition(&there));
    return LastLocked(id);
  }
  std::vector<json> Of(const std::string& id) const {
    absl::MutexLock lock(&mutex_);
    std::vector<json> found;
    for (const Told& event : events_) {
      if (event.task_id == id) found.push_back(event.task);
    }
    return found;
  }

  std::function<void(const Event&)> on_publish;

 private:
  struct Told {
    std::string task_id;
    json task;
  };

  json LastLocked(const std::string& id) const {
    for (auto event = events_.rbegin(); event != events_.rend(); ++event) {
      if (event->task_id == id) return event->task;
    }
    return json::object();
  }

  TaskStore& store_;
  mutable absl::Mutex mutex_;
  std::vector<Told> events_;
};

// A request with its text.
struct Request {
  explicit Request(const json& params) : text(params.dump()) {
    message.kind = Message::Kind::kRequest;
    message.params = params;
    message.params_text = text;
  }
  std::string text;
  Message message;
};

OperationResult Result(const std::string& text, bool is_error = false) {
  return {R"({"content":[{"type":"text","text":")" + text + "\"}],\"resultType\":\"complete\"}", is_error};
}

tool::InputRequired Asks(const std::vector<std::string>& keys, const std::string& state = "") {
  tool::InputRequired input;
  for (const std::string& key : keys) {
    tool::InputRequest& request = (*input.mutable_requests())[key];
    request.set_method("elicitation/create");
    request.set_params_json(kForm);
  }
  input.set_state(state);
  return input;
}

tool::Progress Progress(const std::string& message) {
  tool::Progress progress;
  progress.set_message(message);
  return progress;
}

json Accepts(const std::string& name) { return {{"action", "accept"}, {"content", {{"name", name}}}}; }

class TaskManagerTest : public testing::Test {
 protected:
  TaskManagerTest() { Build({}); }
  ~TaskManagerTest() override { manager_->Shutdown(); }

  void Build(const TaskManagerOptions& options) {
    manager_ = std::make_unique<TaskManager>(options, store_, bus_, clock_, metrics_);
  }

  FakeWork& NewWork() { return works_.emplace_back(clock_); }

  RequestContext Context(const std::string& principal = "alice") {
    auto who = std::make_shared<Principal>();
    who->key = principal;
    RequestContext context;
    context.principal = std::move(who);
    context.version = ProtocolVersion::k2026_07_28;
    context.client = &client_;
    context.request_id = "r";
    return context;
  }
  TaskAnswer TryStart(FakeWork& work, const std::string& principal = "alice", size_t bytes = 0) {
    return manager_->Start(std::make_unique<FakeOperation>(work, bytes), nullptr, Context(principal));
  }
  std::string Start(FakeWork& work, const std::string& principal = "alice") {
    const TaskAnswer answer = TryStart(work, principal);
    return json::parse(std::get<std::string>(answer))["taskId"];
  }
  TaskAnswer TryGet(const std::string& id, const std::string& principal = "alice") {
    return manager_->Get(Request(json{{"taskId", id}}).message, Context(principal));
  }
  json Get(const std::string& id) { return json::parse(std::get<std::string>(TryGet(id))); }
  TaskAnswer Update(const std::string& id, const json& responses, const std::string& principal = "alice") {
    return manager_->Update(Request(json{{"taskId", id}, {"inputResponses", responses}}).message, Context(principal));
  }
  TaskAnswer Cancel(const std::string& id, const std::string& principal = "alice") {
    return manager_->Cancel(Request(json{{"taskId", id}}).message, Context(principal));
  }
  static bool IsAck(const TaskAnswer& answer) {
    const auto* text = std::get_if<std::string>(&answer);
    if (text == nullptr) return false;
    const json result = json::parse(*text);
    return result["resultType"] == "complete" && !result.contains("taskId") && !result.contains("status");
  }
  static WireErrorKind KindOf(const TaskAnswer& answer) {
    const auto* error = std::get_if<RpcError>(&answer);
    return error == nullptr ? WireErrorKind::kNotFound : error->kind;
  }

  common::FakeClock clock_;
  prometheus::Registry registry_;
  EdgeMetrics metrics_{registry_};
  MemoryTaskStore store_{{.max_bytes = 1 << 20, .max_bytes_per_principal = 1 << 20}, clock_};
  FakeEventBus bus_{store_};
  ClientDescription client_{.name = "", .version = "", .capabilities = {.elicitation_form = true}};
  std::deque<FakeWork> works_;
  std::unique_ptr<TaskManager> manager_;
};

TEST_F(TaskManagerTest, ATaskIsThereBeforeTheAnswerAndSaysNothingOfItsOutcome) {
  FakeWork& work = NewWork();
  const json created = json::parse(std::get<std::string>(TryStart(work)));
  EXPECT_EQ(created["resultType"], "task");
  EXPECT_EQ(created["status"], "working");
  EXPECT_EQ(created["ttlMs"], 3'600'000);
  EXPECT_EQ(created["pollIntervalMs"], 1'000);
  EXPECT_EQ(created["createdAt"], "2027-01-15T08:00:00.000Z");
  for (const char* key : {"task", "result", "error", "inputRequests", "requestState"}) {
    EXPECT_FALSE(created.contains(key)) << key;
  }
  const std::string id = created["taskId"];
  EXPECT_EQ(id.size(), 43) << "256 random bits";
  const json got = Get(id);
  EXPECT_EQ(got["resultType"], "complete");
  EXPECT_EQ(got["status"], "working");
  EXPECT_EQ(metrics_.tasks_working.Value(), 1);
}

TEST_F(TaskManagerTest, AResultCompletesTheTaskAlsoWhenItIsAToolError) {
  for (const bool is_error : {false, true}) {
    FakeWork& work = NewWork();
    const std::string id = Start(work);
    work.Say(Result("done", is_error));
    bus_.AwaitStatus(id, "completed");
    const json got = Get(id);
    EXPECT_EQ(got["result"]["content"][0]["text"], "done");
    EXPECT_FALSE(got.contains("error"));
    work.AwaitGone();
  }
  EXPECT_EQ(metrics_.tasks_completed_total.Value(), 2);
  EXPECT_EQ(metrics_.tasks_working.Value(), 0);
}

TEST_F(TaskManagerTest, AnErrorFailsTheTaskWithAMessage) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(RpcError{WireErrorKind::kInternal, "The tool service failed", ""});
  bus_.AwaitStatus(id, "failed");
  const json got = Get(id);
  EXPECT_EQ(got["error"], (json{{"code", -32603}, {"message", "The tool service failed"}}));
  EXPECT_EQ(got["statusMessage"], "The tool service failed");
  EXPECT_FALSE(got.contains("result"));
}

TEST_F(TaskManagerTest, ARoundThatIsUnderWayIsNotBegunAgain) {
  FakeWork& work = NewWork();
  const TaskAnswer answer =
      manager_->Start(std::make_unique<FakeOperation>(work), std::make_unique<FakeRound>(work), Context());
  const std::string id = json::parse(std::get<std::string>(answer))["taskId"];
  work.Say(Result("done"));
  bus_.AwaitStatus(id, "completed");
  EXPECT_EQ(work.rounds(), 0);
}

TEST_F(TaskManagerTest, QuestionsAreAnsweredBitByBitAndTheWorkGoesOnAfterTheLast) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Asks({"a", "b"}, "the state"));
  bus_.AwaitStatus(id, "input_required");
  EXPECT_EQ(metrics_.tasks_input_required.Value(), 1);
  json got = Get(id);
  EXPECT_EQ(got["inputRequests"]["a"], (json{{"method", "elicitation/create"}, {"params", json::parse(kForm)}}));
  EXPECT_EQ(got["inputRequests"].size(), 2);

  EXPECT_TRUE(IsAck(Update(id, {{"b", Accepts("Bob")}, {"never asked", json::object()}})));
  got = Get(id);
  EXPECT_EQ(got["status"], "input_required");
  EXPECT_FALSE(got["inputRequests"].contains("b"));
  EXPECT_TRUE(IsAck(Update(id, {{"b", Accepts("Mallory")}}))) << "answered already";
  EXPECT_EQ(work.rounds(), 1);

  EXPECT_TRUE(IsAck(Update(id, {{"a", {{"action", "decline"}}}})));
  work.AwaitRound(2);
  EXPECT_EQ(work.state(), "the state");
  EXPECT_EQ(work.responses(), (InputResponses{{"a", R"({"action":"decline"})"}, {"b", Accepts("Bob").dump()}}));
  EXPECT_EQ(Get(id)["status"], "working");
  EXPECT_FALSE(Get(id).contains("inputRequests"));
  work.Say(Result("done"));
  bus_.AwaitStatus(id, "completed");
}

TEST_F(TaskManagerTest, AnswersReachTheToolByteForByte) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Asks({"a"}));
  bus_.AwaitStatus(id, "input_required");
  Message message;
  const std::string text = absl::StrCat(R"({"taskId":")", id,
                                        R"(","inputResponses":{"\u0061": {"action":"accept","content":{"n":1.0e2}}}})");
  message.params = *ReadJson(text);
  message.params_text = text;
  EXPECT_TRUE(IsAck(manager_->Update(message, Context())));
  work.AwaitRound(2);
  EXPECT_EQ(work.responses().at("a"), R"({"action":"accept","content":{"n":1.0e2}})");
}

TEST_F(TaskManagerTest, AKeyThatTheToolUsesAgainIsAnotherForTheClient) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Asks({"name"}));
  bus_.AwaitStatus(id, "input_required");
  Update(id, {{"name", Accepts("Alice")}});
  work.AwaitRound(2);
  work.Say(Asks({"name", "name-2"}));
  bus_.AwaitStatus(id, "input_required");
  const json requests = Get(id)["inputRequests"];
  EXPECT_EQ(requests.size(), 2);
  EXPECT_FALSE(requests.contains("name"));
  EXPECT_TRUE(IsAck(Update(id, {{"name", Accepts("late")}})));
  EXPECT_EQ(Get(id)["status"], "input_required");
  json answers;
  for (const auto& [key, request] : requests.items()) answers[key] = Accepts(key);
  EXPECT_TRUE(IsAck(Update(id, answers)));
  work.AwaitRound(3);
  EXPECT_EQ(work.responses().size(), 2);
  EXPECT_EQ(work.responses().at("name"), Accepts("name-2").dump());
  EXPECT_EQ(work.responses().at("name-2"), Accepts("name-2-2").dump());
}

TEST_F(TaskManagerTest, OfAMalformedUpdateNothingIsTaken) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Asks({"a", "b"}));
  bus_.AwaitStatus(id, "input_required");
  for (const json& responses : std::vector<json>{
           nullptr,
           5,
           json::array(),
           {{"a", 5}},
           {{"a", nullptr}},
           {{"a", Accepts("x")}, {"b", {{"action", "perhaps"}}}},
           {{"a", Accepts("x")}, {"unknown", 5}},
       }) {
    EXPECT_EQ(KindOf(Update(id, responses)), WireErrorKind::kInvalidParams) << responses;
  }
  EXPECT_EQ(KindOf(manager_->Update(Request(json{{"taskId", id}}).message, Context())), WireErrorKind::kInvalidParams);
  EXPECT_EQ(Get(id)["inputRequests"].size(), 2);
  EXPECT_TRUE(IsAck(Update(id, json::object())));
}

TEST_F(TaskManagerTest, AStateAloneBeginsTheNextRoundSoon) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Asks({}, "one"));
  work.AwaitRound(2);
  EXPECT_EQ(work.state(), "one");
  EXPECT_EQ(Get(id)["status"], "working");
  EXPECT_EQ(Get(id).dump().find("one"), std::string::npos);
}

TEST_F(TaskManagerTest, WhatTheClientDidNotDeclareFailsTheTask) {
  client_.capabilities = {.sampling = true};
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  client_.capabilities.elicitation_form = true;  // of a later request: does not count
  work.Say(Asks({"a"}));
  const json task = bus_.AwaitStatus(id, "failed");
  EXPECT_EQ(task["error"]["code"], -32021);
  EXPECT_EQ(task["error"]["data"]["requiredCapabilities"], (json{{"elicitation", {{"form", json::object()}}}}));
}

TEST_F(TaskManagerTest, ACancelledTaskIsSoAtOnceAndItsWorkSoon) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.AwaitRound(1);
  EXPECT_TRUE(IsAck(Cancel(id)));
  EXPECT_EQ(Get(id)["status"], "cancelled");
  work.AwaitCancelled();
  work.AwaitGone();
  EXPECT_EQ(Get(id)["status"], "cancelled");
  EXPECT_FALSE(Get(id).contains("error"));
  EXPECT_EQ(metrics_.tasks_cancelled_total.Value(), 1);
  EXPECT_EQ(metrics_.tasks_failed_total.Value(), 0);
}

TEST_F(TaskManagerTest, ATaskThatWaitsForAnswersIsCancelledToo) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Asks({"a"}));
  bus_.AwaitStatus(id, "input_required");
  EXPECT_TRUE(IsAck(Cancel(id)));
  work.AwaitGone();
  EXPECT_TRUE(IsAck(Update(id, {{"a", Accepts("x")}})));
  EXPECT_EQ(Get(id)["status"], "cancelled");
  EXPECT_FALSE(Get(id).contains("inputRequests"));
  EXPECT_EQ(work.rounds(), 1);
  EXPECT_EQ(metrics_.tasks_input_required.Value(), 0);
}

TEST_F(TaskManagerTest, WhatHasEndedStaysAsItIs) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Result("done"));
  const json task = bus_.AwaitStatus(id, "completed");
  EXPECT_TRUE(IsAck(Cancel(id)));
  EXPECT_TRUE(IsAck(Update(id, {{"a", Accepts("x")}})));
  EXPECT_EQ(Get(id)["status"], "completed");
  EXPECT_EQ(bus_.Of(id).size(), 1);
}

TEST_F(TaskManagerTest, ForOthersATaskDoesNotExist) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  const auto all_refused = [&](const std::string& task_id, const std::string& principal) {
    const RpcError unknown = std::get<RpcError>(TryGet("no-such-task"));
    for (const TaskAnswer& answer :
         {TryGet(task_id, principal), Update(task_id, json::object(), principal), Cancel(task_id, principal)}) {
      const auto* error = std::get_if<RpcError>(&answer);
      if (error == nullptr || !(*error == unknown)) return false;
    }
    return true;
  };
  EXPECT_TRUE(all_refused(id, "mallory"));
  EXPECT_TRUE(all_refused("unknown", "alice"));
  EXPECT_TRUE(all_refused("", "alice"));
  EXPECT_TRUE(all_refused(std::string(100'000, 'x'), "alice"));
  EXPECT_EQ(KindOf(TryGet("no-such-task")), WireErrorKind::kInvalidParams);
  EXPECT_EQ(KindOf(manager_->Get(Request(json{{"taskId", 5}}).message, Context())), WireErrorKind::kInvalidParams);
  EXPECT_EQ(KindOf(manager_->Cancel(Request(json::object()).message, Context())), WireErrorKind::kInvalidParams);
  EXPECT_TRUE(manager_->Owns(id, *Context("alice").principal));
  EXPECT_FALSE(manager_->Owns(id, *Context("mallory").principal));
  EXPECT_TRUE(manager_->Notification(id, *Context("alice").principal).has_value());
  EXPECT_FALSE(manager_->Notification(id, *Context("mallory").principal).has_value());
  EXPECT_EQ(Get(id)["status"], "working");
}

TEST_F(TaskManagerTest, AnEndedTaskIsKeptForItsTimeAndThenUnknown) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.AwaitRound(1);
  work.Advance(absl::Minutes(50));
  work.Say(Result("done"));
  bus_.AwaitStatus(id, "completed");
  EXPECT_EQ(Get(id)["ttlMs"], absl::ToInt64Milliseconds(absl::Minutes(110)));
  clock_.Advance(absl::Minutes(59));
  EXPECT_EQ(Get(id)["status"], "completed");
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(KindOf(TryGet(id)), WireErrorKind::kInvalidParams);
  EXPECT_FALSE(manager_->Owns(id, *Context().principal));
}

TEST_F(TaskManagerTest, ATaskThatRunsTooLongFailsAndTheTimeOfTheUserDoesNotCount) {
  FakeWork& work = NewWork();
  Build({.max_time = absl::Minutes(10)});
  const std::string id = Start(work);
  work.Say(Progress("its time has begun"));
  bus_.AwaitMessage(id, "its time has begun");
  work.Advance(absl::Minutes(4));
  work.Say(Asks({"a"}));
  bus_.AwaitStatus(id, "input_required");
  work.Advance(absl::Minutes(30));
  Update(id, {{"a", Accepts("x")}});
  work.AwaitRound(2);
  work.Say(Progress("still at it"));
  bus_.AwaitMessage(id, "still at it");
  work.Advance(absl::Minutes(6));
  const json task = bus_.AwaitStatus(id, "failed");
  EXPECT_NE(task["statusMessage"].get<std::string>().find("10m"), std::string::npos) << task;
  work.AwaitCancelled();
}

TEST_F(TaskManagerTest, AnEndlessStreamOfEventsDoesNotOutliveTheTime) {
  FakeWork& work = NewWork();
  Build({.max_time = absl::Minutes(10)});
  const std::string id = Start(work);
  work.AwaitRound(1);
  for (int i = 0; i < 1'000; ++i) work.Say(tool::LogMessage());
  work.AwaitAllHeard();
  work.Advance(absl::Minutes(10));
  work.Say(tool::LogMessage());
  bus_.AwaitStatus(id, "failed");
}

TEST_F(TaskManagerTest, ProgressBecomesTheStatusMessageNowAndThen) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.AwaitRound(1);
  work.Say(Progress("one"));
  bus_.AwaitMessage(id, "one");
  for (const char* message : {"two", "", "three"}) work.Say(Progress(message));
  work.Say(tool::CloseStream());
  work.Say(tool::TaskStarted());
  work.AwaitAllHeard();
  EXPECT_EQ(Get(id)["statusMessage"], "one");
  work.Advance(absl::Seconds(1));
  bus_.AwaitMessage(id, "three");
  EXPECT_EQ(bus_.Of(id).size(), 2);
  EXPECT_FALSE(Get(id).contains("progress"));
  work.Advance(absl::Seconds(1));
  // 171 times 3 bytes do not fit, and no half character is left.
  std::string euros;
  for (int i = 0; i < 171; ++i) euros += "\xe2\x82\xac";
  work.Say(Progress(euros));
  bus_.AwaitMessage(id, euros.substr(0, 510));
  work.Say(Result("done"));
  EXPECT_FALSE(bus_.AwaitStatus(id, "completed").contains("statusMessage"));
}

TEST_F(TaskManagerTest, EachChangeIsPublishedInOrderAsTheTaskIsThen) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Asks({"a", "b"}, "the state"));
  bus_.AwaitStatus(id, "input_required");
  Update(id, {{"a", Accepts("x")}});
  Update(id, {{"b", Accepts("x")}});
  work.AwaitRound(2);
  work.Say(Result("done"));
  const json last = bus_.AwaitStatus(id, "completed");
  json got = Get(id);
  got.erase("resultType");
  got.erase("_meta");
  EXPECT_EQ(last, got);
  EXPECT_EQ(json::parse(manager_->Notification(id, *Context().principal).value()), got);
  std::vector<std::string> statuses;
  for (const json& task : bus_.Of(id)) {
    statuses.push_back(task["status"]);
    EXPECT_EQ(task.dump().find("the state"), std::string::npos);
    EXPECT_FALSE(task.contains("resultType"));
  }
  EXPECT_EQ(statuses, (std::vector<std::string>{"input_required", "input_required", "working", "completed"}));
}

TEST_F(TaskManagerTest, ASubscriberMayAskWhoseTaskItIs) {
  FakeWork& work = NewWork();
  const std::shared_ptr<const Principal> alice = Context().principal;
  bus_.on_publish = [&](const Event& event) { EXPECT_TRUE(manager_->Owns(event.task_id, *alice)); };
  const std::string id = Start(work);
  work.Say(Result("done"));
  bus_.AwaitStatus(id, "completed");
}

TEST_F(TaskManagerTest, MoreTasksThanThereAreThreadsAreRefused) {
  Build({.max_running = 1});
  FakeWork& work = NewWork();
  FakeWork& refused = NewWork();
  Start(work);
  const TaskAnswer answer = TryStart(refused, "bob");
  EXPECT_EQ(KindOf(answer), WireErrorKind::kOverloaded);
  refused.AwaitGone();
  EXPECT_EQ(store_.size(), 1);
  EXPECT_EQ(metrics_.overload_refused_total.Value(), 1);
}

TEST_F(TaskManagerTest, ATaskThatWaitsForAnswersHoldsNoThreadAndGetsOneAgain) {
  Build({.max_running = 1});
  FakeWork& asking = NewWork();
  FakeWork& other = NewWork();
  const std::string asking_id = Start(asking);
  asking.Say(Asks({"a"}));
  bus_.AwaitStatus(asking_id, "input_required");
  // The thread is free a moment after the status says so.
  TaskAnswer started = TryStart(other);
  while (!std::holds_alternative<std::string>(started)) started = TryStart(other);
  other.AwaitRound(1);
  const std::string other_id = json::parse(std::get<std::string>(started))["taskId"];
  EXPECT_TRUE(IsAck(Update(asking_id, {{"a", Accepts("x")}})));
  EXPECT_EQ(Get(asking_id)["status"], "working");
  EXPECT_EQ(asking.rounds(), 1) << "the only thread is taken";
  other.Say(Result("done"));
  bus_.AwaitStatus(other_id, "completed");
  asking.AwaitRound(2);
  asking.Say(Result("done"));
  bus_.AwaitStatus(asking_id, "completed");
}

TEST_F(TaskManagerTest, ATaskIsCancelledWhileItWaitsForAThread) {
  Build({.max_running = 1});
  FakeWork& asking = NewWork();
  FakeWork& other = NewWork();
  const std::string asking_id = Start(asking);
  asking.Say(Asks({"a"}));
  bus_.AwaitStatus(asking_id, "input_required");
  TaskAnswer started = TryStart(other);
  while (!std::holds_alternative<std::string>(started)) started = TryStart(other);
  Update(asking_id, {{"a", Accepts("x")}});
  EXPECT_TRUE(IsAck(Cancel(asking_id)));
  other.Say(Result("done"));
  asking.AwaitGone();
  EXPECT_EQ(Get(asking_id)["status"], "cancelled");
  EXPECT_EQ(asking.rounds(), 1);
}

TEST_F(TaskManagerTest, OnePrincipalCannotTakeAllPlaces) {
  Build({.max_live = 3, .max_live_per_principal = 2});
  std::vector<FakeWork*> works;
  for (int i = 0; i < 5; ++i) works.push_back(&NewWork());
  const std::string first = Start(*works[0]);
  Start(*works[1]);
  EXPECT_EQ(KindOf(TryStart(*works[2])), WireErrorKind::kTooManyRequests);
  Start(*works[2], "bob");
  EXPECT_EQ(KindOf(TryStart(*works[3], "carol")), WireErrorKind::kOverloaded);
  works[0]->Say(Result("done"));
  bus_.AwaitStatus(first, "completed");
  works[0]->AwaitGone();
  Start(*works[4]);
}

TEST_F(TaskManagerTest, WhatTasksKeepOfTheirRequestsIsBounded) {
  Build({.max_live_bytes = 100, .max_live_bytes_per_principal = 60});
  std::vector<FakeWork*> works;
  for (int i = 0; i < 6; ++i) works.push_back(&NewWork());
  const TaskAnswer started = TryStart(*works[0], "alice", 60);
  const std::string first = json::parse(std::get<std::string>(started))["taskId"];
  EXPECT_EQ(KindOf(TryStart(*works[1], "alice", 1)), WireErrorKind::kTooManyRequests);
  EXPECT_EQ(KindOf(TryStart(*works[2], "bob", 41)), WireErrorKind::kOverloaded);
  EXPECT_TRUE(std::holds_alternative<std::string>(TryStart(*works[3], "bob", 40)));
  EXPECT_EQ(KindOf(TryStart(*works[4], "carol", 1)), WireErrorKind::kOverloaded);
  works[0]->Say(Result("done"));
  bus_.AwaitStatus(first, "completed");
  works[0]->AwaitGone();
  EXPECT_TRUE(std::holds_alternative<std::string>(TryStart(*works[5], "alice", 60)));
}

TEST_F(TaskManagerTest, AToolThatAsksForTooMuchFails) {
  std::vector<std::string> many;
  for (size_t i = 0; i <= kMaxTaskQuestions; ++i) many.push_back(absl::StrCat("k", i));
  tool::InputRequired large = Asks({"a"});
  (*large.mutable_requests())["a"].set_params_json(std::string(kMaxTaskQuestionBytes, ' ') + kForm);
  tool::InputRequired strange = Asks({"a"});
  (*strange.mutable_requests())["a"].set_method("ping");
  for (const tool::InputRequired& input : {Asks({}), Asks(many), large, strange, Asks({""}),
                                           Asks({"a"}, std::string(TaskManager::kMaxStateBytes + 1, 's'))}) {
    FakeWork& work = NewWork();
    const std::string id = Start(work);
    work.Say(input);
    EXPECT_EQ(bus_.AwaitStatus(id, "failed")["error"]["code"], -32603);
    work.AwaitGone();
  }
}

TEST_F(TaskManagerTest, AToolThatAsksWithoutEndFails) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  for (int i = 1; i < TaskManager::kMaxRounds; ++i) {
    work.Say(Asks({absl::StrCat("k", i)}));
    bus_.AwaitStatus(id, "input_required");
    Update(id, {{absl::StrCat("k", i), Accepts("x")}});
  }
  work.Say(Asks({"once more"}));
  bus_.AwaitStatus(id, "failed");
  EXPECT_EQ(work.rounds(), TaskManager::kMaxRounds);
}

TEST_F(TaskManagerTest, AToolThatAsksNothingMayTakeManyRoundsWithPauses) {
  Build({.poll_interval = absl::Milliseconds(4), .first_pause = absl::Milliseconds(1)});
  constexpr int kRounds = 2 * TaskManager::kMaxRounds;
  FakeWork& work = NewWork();
  const absl::Time start = absl::Now();
  const std::string id = Start(work);
  for (int i = 0; i < kRounds; ++i) work.Say(Asks({}, "again"));
  work.Say(Result("done"));
  bus_.AwaitStatus(id, "completed");
  EXPECT_EQ(work.rounds(), kRounds + 1);
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(4 * (kRounds - 2)));
}

TEST_F(TaskManagerTest, PausesCountAsTimeOfTheTask) {
  Build({.max_time = absl::Milliseconds(20), .poll_interval = absl::Hours(1), .first_pause = absl::Hours(1)});
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Asks({}, "again"));
  bus_.AwaitStatus(id, "failed");
}

TEST_F(TaskManagerTest, APauseEndsWithTheTask) {
  Build({.poll_interval = absl::Hours(1), .first_pause = absl::Hours(1)});
  FakeWork& cancelled = NewWork();
  FakeWork& stopped = NewWork();
  const std::string id = Start(cancelled);
  Start(stopped);
  for (FakeWork* work : {&cancelled, &stopped}) {
    work->Say(Asks({}, "again"));
    work->AwaitAllHeard();
  }
  EXPECT_TRUE(IsAck(Cancel(id)));
  cancelled.AwaitGone();
  EXPECT_EQ(cancelled.rounds(), 1);
  manager_->Shutdown();
  stopped.AwaitGone();
  EXPECT_EQ(stopped.rounds(), 1);
}

TEST_F(TaskManagerTest, AResultThatIsTooLargeToKeepFailsTheTask) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Result(std::string(2 << 20, 'x')));
  const json task = bus_.AwaitStatus(id, "failed");
  EXPECT_NE(task["statusMessage"].get<std::string>().find("too large"), std::string::npos);
}

TEST_F(TaskManagerTest, AtShutdownTasksEndAsFailedAndNoneBegin) {
  FakeWork& running = NewWork();
  FakeWork& waiting = NewWork();
  FakeWork& late = NewWork();
  const std::string running_id = Start(running);
  const std::string waiting_id = Start(waiting);
  waiting.Say(Asks({"a"}));
  bus_.AwaitStatus(waiting_id, "input_required");
  manager_->Shutdown();
  for (const std::string& id : {running_id, waiting_id}) {
    EXPECT_EQ(Get(id)["status"], "failed");
    EXPECT_NE(Get(id)["statusMessage"].get<std::string>().find("stopped"), std::string::npos);
  }
  running.AwaitGone();
  waiting.AwaitGone();
  EXPECT_EQ(KindOf(TryStart(late)), WireErrorKind::kOverloaded);
  EXPECT_EQ(metrics_.tasks_working.Value() + metrics_.tasks_input_required.Value(), 0);
}

TEST_F(TaskManagerTest, ATaskWhoseUserNeverAnswersIsLetGo) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Asks({"a"}));
  bus_.AwaitStatus(id, "input_required");
  manager_->Sweep();
  EXPECT_EQ(metrics_.tasks_input_required.Value(), 1);
  clock_.Advance(absl::Hours(1));
  manager_->Sweep();
  work.AwaitGone();
  EXPECT_EQ(metrics_.tasks_input_required.Value(), 0);
  EXPECT_EQ(KindOf(Update(id, {{"a", Accepts("x")}})), WireErrorKind::kInvalidParams);
}

TEST_F(TaskManagerTest, WhatAnotherReplicaDidIsFollowed) {
  TaskManager other({}, store_, bus_, clock_, metrics_);
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.Say(Asks({"a"}));
  bus_.AwaitStatus(id, "input_required");
  const json answers = {{"taskId", id}, {"inputResponses", {{"a", Accepts("x")}}}};
  EXPECT_TRUE(IsAck(other.Update(Request(answers).message, Context())));
  EXPECT_EQ(Get(id)["status"], "working");
  EXPECT_EQ(work.rounds(), 1);
  manager_->Sweep();
  work.AwaitRound(2);
  EXPECT_EQ(work.responses().at("a"), Accepts("x").dump());
  EXPECT_TRUE(IsAck(other.Cancel(Request(json{{"taskId", id}}).message, Context())));
  EXPECT_EQ(Get(id)["status"], "cancelled");
  manager_->Sweep();
  work.AwaitGone();
}

TEST_F(TaskManagerTest, WorkWhoseRecordIsGoneEndsWithItsNextMessage) {
  FakeWork& work = NewWork();
  const std::string id = Start(work);
  work.AwaitRound(1);
  ASSERT_TRUE(store_.Erase(id).ok());
  work.Say(Progress("nobody reads this"));
  work.AwaitCancelled();
  work.AwaitGone();
  EXPECT_EQ(KindOf(TryGet(id)), WireErrorKind::kInvalidParams);
}

TEST_F(TaskManagerTest, CancelAndTheEndMayMeet) {
  for (int i = 0; i < 200; ++i) {
    FakeWork& work = NewWork();
    const std::string id = Start(work);
    auto* barrier = new absl::Barrier(2);
    std::thread canceller([&] {
      if (barrier->Block()) delete barrier;
      EXPECT_TRUE(IsAck(Cancel(id)));
    });
    if (barrier->Block()) delete barrier;
    work.Say(Result("done"));
    canceller.join();
    work.AwaitGone();
    const std::string status = Get(id)["status"];
    EXPECT_TRUE(status == "completed" || status == "cancelled") << status;
    ASSERT_EQ(bus_.Of(id).size(), 1) << "there is one end";
    EXPECT_EQ(bus_.Of(id)[0]["status"], status);
  }
  EXPECT_EQ(metrics_.tasks_working.Value(), 0);
}

TEST_F(TaskManagerTest, AnswersMayMeet) {
  for (int i = 0; i < 200; ++i) {
    FakeWork& work = NewWork();
    const std::string id = Start(work);
    work.Say(Asks({"a", "b"}));
    bus_.AwaitStatus(id, "input_required");
    std::vector<std::thread> clients;
    for (const char* key : {"a", "b", "a", "b"}) {
      clients.emplace_back([this, id, key] { EXPECT_TRUE(IsAck(Update(id, {{key, Accepts("x")}}))); });
    }
    for (std::thread& client : clients) client.join();
    work.AwaitRound(2);
    work.Say(Result("done"));
    bus_.AwaitStatus(id, "completed");
    work.AwaitGone();
    EXPECT_EQ(work.rounds(), 2);
    EXPECT_EQ(work.responses().size(), 2);
  }
}

TEST_F(TaskManagerTest, StartsMayMeetShutdown) {
  for (int i = 0; i < 50; ++i) {
    Build({});
    std::vector<FakeWork*> works;
    for (int j = 0; j < 4; ++j) works.push_back(&NewWork());
    std::vector<std::thread> clients;
    for (FakeWork* work : works) clients.emplace_back([this, work] { TryStart(*work); });
    manager_->Shutdown();
    for (std::thread& client : clients) client.join();
    for (FakeWork* work : works) work->AwaitGone();
  }
  EXPECT_EQ(metrics_.tasks_working.Value(), 0);
}

}  // namespace
}  // namespace mcp_edge
