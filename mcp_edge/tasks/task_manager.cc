#include "mcp_edge/tasks/task_manager.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "common/log.h"
#include "common/secure_random.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/client_question.h"
#include "mcp_edge/protocol/rpc_errors.h"
#include "mcp_edge/tasks/task_questions.h"
#include "mcp_edge/tasks/task_rendering.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;
using common::Severity;
using nlohmann::json;

constexpr size_t kMaxIdBytes = 64;

// `key` if it is not among `used`, else with a number that makes it so; it then is.
std::string UnusedKey(const std::string& key, std::set<std::string>& used) {
  std::string unused = key;
  for (int number = 2; !used.insert(unused).second; ++number) unused = absl::StrCat(key, "-", number);
  return unused;
}

// What a client sees when a task cannot be found, begun or changed.
RpcError ToRpcError(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return InvalidParamsError(status.message());
    case absl::StatusCode::kNotFound:
      return InvalidParamsError("Unknown task: there never was one of this id, or it has expired");
    case absl::StatusCode::kResourceExhausted:
      return {WireErrorKind::kTooManyRequests, "Too many tasks of this user; wait until some have ended or expired",
              ""};
    default:
      return {WireErrorKind::kOverloaded, "No task can be taken now; try again later", ""};
  }
}

}  // namespace

struct TaskManager::LiveTask {
  LiveTask(absl::string_view new_id, const RequestContext& context, std::unique_ptr<Operation> work,
           std::unique_ptr<Round> first_round, const TaskManagerOptions& options)
      : id(new_id),
        principal_key(context.principal->key),
        request_id(context.request_id),
        capabilities(context.client->capabilities),
        operation(std::move(work)),
        bytes(operation->SizeBytes()),
        time_left(options.max_time),
        pause(options.first_pause),
        round(std::move(first_round)) {}

  const std::string id;
  const std::string principal_key;
  // Of the request that began it, to which the client's capabilities belong (MCP 2026-07-28, clientCapabilities).
  const std::string request_id;
  const ClientCapabilities capabilities;
  const std::unique_ptr<Operation> operation;
  const size_t bytes;  // that it keeps

  // Only for the thread that runs it.
  absl::Duration time_left;
  bool begun = false;
  int asking_rounds = 0;
  absl::Duration pause;  // the next one
  absl::Time next_news_time = absl::InfinitePast();

  absl::Mutex mutex;  // held while its record is changed and the change published, which keeps changes in order
  // Set by the thread that runs it, with the mutex held; read there without.
  std::unique_ptr<Round> round;
  // It waits for answers, and no thread runs it.
  bool waiting ABSL_GUARDED_BY(mutex) = false;
  // Its record has a terminal status, or is gone: nothing more is to be done.
  bool ended ABSL_GUARDED_BY(mutex) = false;
  // What the metrics have it as; nothing before it is remembered.
  std::optional<TaskStatus> counted_as ABSL_GUARDED_BY(mutex);
};

TaskManager::TaskManager(const TaskManagerOptions& options, TaskStore& store, EventBus& bus, const common::Clock& clock,
                         EdgeMetrics& metrics)
    : options_(options),
      store_(store),
      bus_(bus),
      clock_(clock),
      metrics_(metrics),
      // A thread that has run its last task still counts for a moment.
      threads_(2 * options.max_running) {}

TaskManager::~TaskManager() { Shutdown(); }

// ---------------------------------------------------------------------------------------------------------------------
// What clients ask for

TaskAnswer TaskManager::Start(std::unique_ptr<Operation> operation, std::unique_ptr<Round> round,
                              const RequestContext& context) {
  TaskRecord record;
  record.id = common::UnguessableId();
  record.principal_key = context.principal->key;
  record.create_time = record.update_time = clock_.Now();
  record.expire_time = record.create_time + options_.ttl;
  const auto task = std::make_shared<LiveTask>(record.id, context, std::move(operation), std::move(round), options_);
  std::string answer = RenderCreateTaskResult(record, options_.poll_interval);
  absl::Status status = Admit(task);
  if (status.ok()) {
    status = store_.Create(std::move(record));
    if (status.ok()) {
      {
        absl::MutexLock lock(&task->mutex);
        Count(*task, TaskStatus::kWorking);
      }
      if (!Enqueue(task)) {
        store_.Erase(task->id).IgnoreError();  // nobody knows of it
        status = absl::UnavailableError("shutting down");
      }
    }
    if (!status.ok()) Drop(*task);
  }
  if (!status.ok()) {
    metrics_.overload_refused_total.Increment();
    common::Log(Severity::kWarning, "task_refused", {{"request_id", context.request_id}, {"reason", status.message()}});
    return ToRpcError(status);
  }
  return answer;
}

TaskAnswer TaskManager::Get(const Message& message, const RequestContext& context) {
  const RecordOrStatus record = Find(message, context);
  if (!record.ok()) return ToRpcError(record.status());
  return RenderGetTaskResult(**record, options_.poll_interval);
}

TaskAnswer TaskManager::Update(const Message& message, const RequestContext& context) {
  RecordOrStatus record = Find(message, context);
  if (!record.ok()) return ToRpcError(record.status());
  const auto responses = message.params.find("inputResponses");
  if (responses == message.params.end() || !responses->is_object()) {
    return InvalidParamsError("params.inputResponses must be an object");
  }
  if (!std::all_of(responses->begin(), responses->end(), [](const json& response) { return response.is_object(); })) {
    return InvalidParamsError("params.inputResponses must hold objects");
  }
  // By the client's keys: the answers to questions that are open, as they were sent.
  std::map<std::string, std::string> answers;
  for (const auto& [key, answer] : RawMembers(RawMember(message.params_text, "inputResponses"))) {
    const auto question = std::find_if((*record)->questions.begin(), (*record)->questions.end(),
                                       [&key = key](const TaskQuestion& candidate) { return candidate.key == key; });
    if (question == (*record)->questions.end()) continue;
    if (const std::optional<std::string> problem = CheckTaskAnswer(*question, answer); problem.has_value()) {
      return InvalidParamsError(*problem);
    }
    answers.emplace(key, answer);
  }
  if (answers.empty()) return RenderTaskAcknowledgement();

  bool complete = false;
  const auto take_answers = [&](TaskRecord& changed) {
    complete = false;
    std::vector<TaskQuestion> open;
    for (TaskQuestion& question : changed.questions) {
      if (const auto answer = answers.find(question.key); answer != answers.end()) {
        changed.answers[question.tool_key] = answer->second;
      } else {
        open.push_back(std::move(question));
      }
    }
    const bool any = open.size() < changed.questions.size();
    changed.questions = std::move(open);
    if (!any) return false;  // another request was faster
    complete = changed.questions.empty();
    if (complete) {
      changed.status = TaskStatus::kWorking;
      changed.expire_time = clock_.Now() + options_.ttl;
    }
    return true;
  };
  const LiveTaskPtr task = FindLive((*record)->id);
  bool resumes = false;
  if (task == nullptr) {
    record = Change((*record)->id, nullptr, take_answers);
  } else {
    absl::MutexLock lock(&task->mutex);
    record = Change(task->id, task.get(), take_answers);
    resumes = record.ok() && complete && task->waiting;
    if (resumes) task->waiting = false;
  }
  if (absl::IsResourceExhausted(record.status())) {
    return RpcError{WireErrorKind::kOverloaded, "These answers are too large to be kept now", ""};
  }
  if (!record.ok()) return ToRpcError(record.status());
  if (resumes) Enqueue(task);
  return RenderTaskAcknowledgement();
}

TaskAnswer TaskManager::Cancel(const Message& message, const RequestContext& context) {
  RecordOrStatus record = Find(message, context);
  if (!record.ok()) return ToRpcError(record.status());
  if (IsTerminal((*record)->status)) return RenderTaskAcknowledgement();
  const auto cancel = [&](TaskRecord& changed) {
    Finish(TaskStatus::kCancelled, "", "", changed);
    return true;
  };
  const LiveTaskPtr task = FindLive((*record)->id);
  bool drops = false;
  if (task == nullptr) {
    record = Change((*record)->id, nullptr, cancel);
  } else {
    absl::MutexLock lock(&task->mutex);
    record = Change(task->id, task.get(), cancel);
    if (task->ended) {
      drops = std::exchange(task->waiting, false);
      if (task->round != nullptr) task->round->Cancel();
    }
  }
  if (drops) Drop(*task);
  // One that expires at this very moment is gone, as was asked for.
  if (!record.ok() && !absl::IsNotFound(record.status())) return ToRpcError(record.status());
  return RenderTaskAcknowledgement();
}

bool TaskManager::Owns(absl::string_view task_id, const Principal& principal) {
  const RecordOrStatus record = store_.Get(task_id);
  return record.ok() && (*record)->principal_key == principal.key;
}

std::optional<std::string> TaskManager::Notification(absl::string_view task_id, const Principal& principal) {
  const RecordOrStatus record = store_.Get(task_id);
  if (!record.ok() || (*record)->principal_key != principal.key) return std::nullopt;
  return RenderTaskNotification(**record, options_.poll_interval);
}

TaskManager::RecordOrStatus TaskManager::Find(const Message& message, const RequestContext& context) {
  const auto id = message.params.find("taskId");
  if (id == message.params.end() || !id->is_string()) {
    return absl::InvalidArgumentError("params.taskId must be a string");
  }
  const std::string& text = id->get_ref<const std::string&>();
  if (text.size() > kMaxIdBytes) return absl::NotFoundError("no such task");
  RecordOrStatus record = store_.Get(text);
  if (record.ok() && (*record)->principal_key != context.principal->key) return absl::NotFoundError("no such task");
  return record;
}

// ---------------------------------------------------------------------------------------------------------------------
// Which tasks are live, and on which threads

TaskManager::LiveTaskPtr TaskManager::FindLive(absl::string_view id) {
  absl::MutexLock lock(&mutex_);
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : found->second;
}

absl::Status TaskManager::Admit(const LiveTaskPtr& task) {
  absl::MutexLock lock(&mutex_);
  if (shut_down_) return absl::UnavailableError("shutting down");
  if (workers_ + queue_.size() >= options_.max_running) {
    return absl::UnavailableError(absl::StrCat(options_.max_running, " tasks run already"));
  }
  if (live_usage_.tasks >= options_.max_live || live_usage_.bytes + task->bytes > options_.max_live_bytes) {
    return absl::UnavailableError(absl::StrCat(live_usage_.tasks, " tasks, which keep ", live_usage_.bytes,
                                               " bytes of their requests, have not ended yet"));
  }
  const auto found = live_by_principal_.find(task->principal_key);
  const Usage own = found == live_by_principal_.end() ? Usage() : found->second;
  if (own.tasks >= options_.max_live_per_principal || own.bytes + task->bytes > options_.max_live_bytes_per_principal) {
    return absl::ResourceExhaustedError(absl::StrCat(own.tasks, " tasks of the principal, which keep ", own.bytes,
                                                     " bytes of their requests, have not ended yet"));
  }
  ++live_usage_.tasks;
  live_usage_.bytes += task->bytes;
  live_by_principal_[task->principal_key] = {own.tasks + 1, own.bytes + task->bytes};
  live_.emplace(task->id, task);
  return absl::OkStatus();
}

void TaskManager::Drop(LiveTask& task) {
  {
    absl::MutexLock lock(&task.mutex);
    Count(task, std::nullopt);
  }
  LiveTaskPtr kept;  // the task is destroyed without the lock
  absl::MutexLock lock(&mutex_);
  const auto found = live_.find(task.id);
  if (found == live_.end()) return;
  kept = std::move(found->second);
  live_.erase(found);
  --live_usage_.tasks;
  live_usage_.bytes -= task.bytes;
  const auto own = live_by_principal_.find(task.principal_key);
  own->second.bytes -= task.bytes;
  if (--own->second.tasks == 0) live_by_principal_.erase(own);
}

bool TaskManager::Enqueue(LiveTaskPtr task) {
  absl::MutexLock lock(&mutex_);
  if (shut_down_) return false;
  queue_.push_back(std::move(task));
  StartWorkerLocked();
  return true;
}

bool TaskManager::StartWorkerLocked() {
  if (workers_ >= options_.max_running || !threads_.Run([this] { Work(); })) return false;
  ++workers_;
  return true;
}

void TaskManager::Work() {
  while (true) {
    LiveTaskPtr task;
    {
      absl::MutexLock lock(&mutex_);
      if (queue_.empty()) {
        --workers_;
        return;
      }
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    if (RunRounds(*task)) Drop(*task);
  }
}

void TaskManager::Sweep() {
  std::vector<LiveTaskPtr> tasks;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, task] : live_) tasks.push_back(task);
    // However many threads there are, all may be busy for long; one too many finds nothing to do and goes.
    for (size_t waiting = queue_.size(); waiting > 0 && StartWorkerLocked(); --waiting) {
    }
  }
  for (const LiveTaskPtr& task : tasks) {
    bool drops = false;
    bool resumes = false;
    {
      absl::MutexLock lock(&task->mutex);
      // What is not remembered yet is not missing.
      if (!task->counted_as.has_value() || task->ended) continue;
      const RecordOrStatus record = store_.Get(task->id);
      if (record.ok() && !IsTerminal((*record)->status)) {
        Count(*task, (*record)->status);
        resumes = task->waiting && (*record)->status == TaskStatus::kWorking;
        if (resumes) task->waiting = false;
      } else if (record.ok() || absl::IsNotFound(record.status())) {
        task->ended = true;
        drops = std::exchange(task->waiting, false);
        if (task->round != nullptr) task->round->Cancel();
      }
    }
    if (drops) Drop(*task);
    if (resumes) Enqueue(task);
  }
}

void TaskManager::Shutdown() {
  std::vector<LiveTaskPtr> tasks;
  {
    absl::MutexLock lock(&mutex_);
    shut_down_ = true;
    queue_.clear();
    for (const auto& [id, task] : live_) tasks.push_back(task);
  }
  for (const LiveTaskPtr& task : tasks) {
    Fail(*task, {WireErrorKind::kUnavailable, "The server was stopped before the task had ended", ""});
    absl::MutexLock lock(&task->mutex);
    if (task->round != nullptr) task->round->Cancel();
  }
  threads_.Shutdown();
  for (const LiveTaskPtr& task : tasks) Drop(*task);
}

// ---------------------------------------------------------------------------------------------------------------------
// The life of a task

bool TaskManager::RunRounds(LiveTask& task) {
  while (BeginRound(task)) {
    const RoundEvent end = Drive(task);
    std::unique_ptr<Round> round;
    {
      absl::MutexLock lock(&task.mutex);
      round = std::move(task.round);
    }
    round.reset();
    if (const auto* input = std::get_if<tool::InputRequired>(&end)) {
      switch (Ask(task, *input)) {
        case AfterAsking::kGoesOn:
          if (!Pause(task)) return true;
          continue;
        case AfterAsking::kWaits:
          return false;
        case AfterAsking::kEnded:
          return true;
      }
    }
    if (const auto* result = std::get_if<OperationResult>(&end)) {
      End(task, TaskStatus::kCompleted, result->json, "");
    } else {
      Fail(task, std::get<RpcError>(end));
    }
    return true;
  }
  return true;
}

bool TaskManager::BeginRound(LiveTask& task) {
  const bool begun_already = !std::exchange(task.begun, true) && task.round != nullptr;
  const RecordOrStatus record = store_.Get(task.id);
  if (!record.ok() && !absl::IsNotFound(record.status())) {
    Fail(task, {WireErrorKind::kInternal, "The task could not be read any more", ""});
  }
  absl::MutexLock lock(&task.mutex);
  if (!record.ok()) task.ended = true;
  if (task.ended) return false;
  if (!begun_already) task.round = task.operation->Begin((*record)->answers, (*record)->state);
  return true;
}

RoundEvent TaskManager::Drive(LiveTask& task) {
  const absl::Time start_time = clock_.Now();
  const absl::Time deadline = start_time + task.time_left;
  std::string news;  // a message that has to wait a little
  while (true) {
    const bool has_event = task.round->Wait(news.empty() ? deadline : std::min(deadline, task.next_news_time));
    const absl::Time now = clock_.Now();
    if (now >= deadline) {
      task.round->Cancel();
      return RpcError{WireErrorKind::kInternal,
                      absl::StrCat("The task took longer than ", absl::FormatDuration(options_.max_time)), ""};
    }
    if (has_event) {
      RoundEvent event = task.round->Next();
      if (const auto* progress = std::get_if<tool::Progress>(&event)) {
        if (!progress->message().empty()) news = common::CutUtf8(progress->message(), kMaxStatusMessageBytes);
      } else if (std::holds_alternative<tool::InputRequired>(event) || std::holds_alternative<OperationResult>(event) ||
                 std::holds_alternative<RpcError>(event)) {
        task.time_left -= clock_.Now() - start_time;
        return event;
      }
    }
    if (!news.empty() && now >= task.next_news_time) {
      task.next_news_time = now + options_.poll_interval;
      absl::MutexLock lock(&task.mutex);
      // That a message is not kept does no harm.
      Change(task.id, &task, [&](TaskRecord& changed) {
        if (changed.status_message == news) return false;
        changed.status_message = news;
        return true;
      }).IgnoreError();
      if (task.ended) task.round->Cancel();  // elsewhere, or its record is gone
      news.clear();
    }
  }
}

bool TaskManager::Pause(LiveTask& task) {
  const absl::Duration pause =
      std::min({task.pause, options_.poll_interval, std::max(task.time_left, absl::ZeroDuration())});
  task.pause = 2 * pause;
  task.time_left -= pause;
  absl::MutexLock lock(&task.mutex);
  return !task.mutex.AwaitWithTimeout(absl::Condition(&task.ended), pause);
}

TaskManager::AfterAsking TaskManager::Ask(LiveTask& task, const tool::InputRequired& input) {
  const auto refuse = [&](RpcError error) {
    Fail(task, error);
    return AfterAsking::kEnded;
  };
  // The reason is for the author of the tool.
  const auto broken = [&](absl::string_view reason) {
    common::Log(Severity::kWarning, "task_failed", {{"request_id", task.request_id}, {"reason", reason}});
    return refuse({WireErrorKind::kInternal, "The tool asked for input in a way that it may not", ""});
  };
  if (!input.requests().empty()) {
    task.pause = options_.first_pause;
    ++task.asking_rounds;
  }
  if (task.asking_rounds >= kMaxRounds) return broken("it asked for input too often");
  if (input.state().size() > kMaxStateBytes) return broken("its state is too large");
  if (input.requests().empty() && input.state().empty()) return broken("it asked for nothing");
  const absl::StatusOr<std::vector<TaskQuestion>> questions = ReadTaskQuestions(input);
  if (!questions.ok()) return broken(questions.status().message());
  const std::string missing = MissingCapabilities(input, task.capabilities);
  if (!missing.empty()) return refuse(MissingCapabilityError(missing));

  absl::Status status;
  {
    absl::MutexLock lock(&task.mutex);
    if (task.ended) return AfterAsking::kEnded;
    status = Change(task.id, &task, [&](TaskRecord& changed) {
               changed.answers.clear();
               changed.state = input.state();
               changed.status_message.clear();
               changed.questions = *questions;
               for (TaskQuestion& question : changed.questions) {
                 question.key = UnusedKey(question.tool_key, changed.used_keys);
               }
               if (!questions->empty()) {
                 changed.status = TaskStatus::kInputRequired;
                 changed.expire_time = clock_.Now() + options_.ttl;
               }
               return true;
             }).status();
    if (task.ended) return AfterAsking::kEnded;
    // From here on the thread that brings the last answer may have the task.
    if (status.ok() && !questions->empty()) {
      task.waiting = true;
      return AfterAsking::kWaits;
    }
  }
  if (!status.ok()) return refuse({WireErrorKind::kInternal, "What the tool asked for could not be kept", ""});
  return AfterAsking::kGoesOn;
}

void TaskManager::Fail(LiveTask& task, const RpcError& error) {
  End(task, TaskStatus::kFailed, RenderTaskError(error), error.message);
}

void TaskManager::End(LiveTask& task, TaskStatus status, const std::string& outcome_json,
                      absl::string_view status_message) {
  absl::MutexLock lock(&task.mutex);
  if (task.ended) return;
  absl::Status kept = Change(task.id, &task, [&](TaskRecord& changed) {
                        Finish(status, outcome_json, status_message, changed);
                        return true;
                      }).status();
  if (absl::IsResourceExhausted(kept)) {
    const RpcError error = {WireErrorKind::kInternal, "What came of the task is too large to be kept now", ""};
    kept = Change(task.id, &task, [&](TaskRecord& changed) {
             Finish(TaskStatus::kFailed, RenderTaskError(error), error.message, changed);
             return true;
           }).status();
  }
  if (!kept.ok() && !absl::IsNotFound(kept)) {
    common::Log(Severity::kError, "task_lost", {{"request_id", task.request_id}, {"reason", kept.message()}});
  }
  task.ended = true;
}

void TaskManager::Finish(TaskStatus status, const std::string& outcome_json, absl::string_view status_message,
                         TaskRecord& record) {
  record.status = status;
  record.status_message = std::string(status_message);
  record.outcome_json = outcome_json;
  record.expire_time = clock_.Now() + options_.ttl;
  // Of no use any more.
  record.questions.clear();
  record.answers.clear();
  record.state.clear();
  record.used_keys.clear();
}

TaskManager::RecordOrStatus TaskManager::Change(absl::string_view id, LiveTask* task, const TaskStore::Change& change) {
  bool changed = false;
  RecordOrStatus record = store_.Update(id, [&](TaskRecord& current) {
    changed = !IsTerminal(current.status) && change(current);
    if (changed) current.update_time = clock_.Now();
    return changed;
  });
  const bool ended = record.ok() ? IsTerminal((*record)->status) : absl::IsNotFound(record.status());
  if (task != nullptr) {
    task->mutex.AssertHeld();
    if (ended) task->ended = true;
    if (record.ok()) Count(*task, (*record)->status);
  }
  if (!record.ok() || !changed) return record;
  switch ((*record)->status) {
    case TaskStatus::kCompleted:
      metrics_.tasks_completed_total.Increment();
      break;
    case TaskStatus::kFailed:
      metrics_.tasks_failed_total.Increment();
      break;
    case TaskStatus::kCancelled:
      metrics_.tasks_cancelled_total.Increment();
      break;
    case TaskStatus::kWorking:
    case TaskStatus::kInputRequired:
      break;
  }
  Event event;
  event.kind = Event::Kind::kTaskChanged;
  event.task_id = (*record)->id;
  bus_.Publish(event);
  return record;
}

void TaskManager::Count(LiveTask& task, std::optional<TaskStatus> status) {
  if (status.has_value() && IsTerminal(*status)) status = std::nullopt;
  if (status == task.counted_as) return;
  const auto gauge = [&](TaskStatus of) -> prometheus::Gauge& {
    return of == TaskStatus::kWorking ? metrics_.tasks_working : metrics_.tasks_input_required;
  };
  if (task.counted_as.has_value()) gauge(*task.counted_as).Decrement();
  if (status.has_value()) gauge(*status).Increment();
  task.counted_as = status;
}

}  // namespace mcp_edge
