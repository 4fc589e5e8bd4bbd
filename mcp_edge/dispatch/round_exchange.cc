#include "mcp_edge/dispatch/round_exchange.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "mcp_edge/dispatch/answers.h"
#include "mcp_edge/dispatch/client_answer.h"
#include "mcp_edge/dispatch/round_input.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/client_question.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/protocol/rpc_errors.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

// Bounds of tool.proto, and some for what it leaves open.
constexpr size_t kMaxStateBytes = 64 << 10;
// Of all questions of a round together, with their keys. A task has the same limit.
constexpr size_t kMaxQuestionBytes = 256 << 10;
constexpr absl::Duration kMaxRetryDelay = absl::Minutes(1);
constexpr absl::Duration kDefaultRetryDelay = absl::Milliseconds(500);
// Between rounds of a service that asks nothing but wants to be called again.
constexpr absl::Duration kPause = absl::Milliseconds(100);

absl::Status CheckInputRequired(const tool::InputRequired& asked) {
  if (asked.requests().empty() && asked.state().empty()) {
    return absl::InternalError("input_required has neither a request nor a state");
  }
  if (asked.state().size() > kMaxStateBytes) {
    return absl::InternalError(
        absl::StrCat("the state has ", asked.state().size(), " bytes, more than ", kMaxStateBytes));
  }
  if (asked.requests().size() > kMaxInputResponses) {
    return absl::InternalError(
        absl::StrCat("input_required has ", asked.requests().size(), " requests, more than ", kMaxInputResponses));
  }
  size_t bytes = 0;
  for (const auto& [key, request] : asked.requests()) {
    if (key.empty() || key.size() > kMaxInputResponseKeyLength) {
      return absl::InternalError(
          absl::StrCat("the key of a request must have 1 to ", kMaxInputResponseKeyLength, " bytes"));
    }
    bytes += key.size() + request.params_json().size();
    if (bytes > kMaxQuestionBytes) {
      return absl::InternalError(absl::StrCat("the requests together have more than ", kMaxQuestionBytes, " bytes"));
    }
  }
  return absl::OkStatus();
}

absl::Duration RetryDelay(const tool::CloseStream& close) {
  if (!close.has_retry_delay()) return kDefaultRetryDelay;
  return std::clamp(common::FromProto(close.retry_delay()), absl::ZeroDuration(), kMaxRetryDelay);
}

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace

RoundExchange::RoundExchange(std::unique_ptr<ServiceOperation> operation, ExchangeTerms terms,
                             const RequestContext& context, const Sealer& sealer, Tasks* tasks,
                             const common::Clock& clock)
    : operation_(std::move(operation)),
      terms_(std::move(terms)),
      context_(context),
      sealer_(sealer),
      tasks_(tasks),
      clock_(clock) {}

RoundExchange::~RoundExchange() {
  for (const Question& question : questions_) {
    if (!question.id_json.empty()) context_.session->client_requests().Forget(question.id_json);
  }
}

Step RoundExchange::Next() {
  while (ready_.empty()) Advance(absl::InfiniteFuture());
  Step step = std::move(ready_.front());
  ready_.erase(ready_.begin());
  return step;
}

bool RoundExchange::Wait(absl::Time until) {
  while (ready_.empty()) {
    if (!Advance(until)) return false;
  }
  return true;
}

void RoundExchange::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  if (round_ != nullptr) round_->Cancel();
}

bool RoundExchange::Advance(absl::Time until) {
  switch (phase_) {
    case Phase::kBegin: {
      const absl::Time begin_time = std::min(until, begin_time_);
      bool cancelled = false;
      {
        absl::MutexLock lock(&mutex_);
        if (begin_time != absl::InfinitePast()) mutex_.AwaitWithDeadline(absl::Condition(&cancelled_), begin_time);
        cancelled = cancelled_;
      }
      if (cancelled) {
        EndCancelled();
      } else if (until < begin_time_) {
        return false;
      } else if (terms_.task_start == TaskStart::kAtOnce) {
        // Of answers and state the task knows only through its first round.
        const bool repeats = !terms_.responses.empty() || !terms_.state.empty();
        HandOver(repeats ? operation_->Begin(terms_.responses, terms_.state) : nullptr);
      } else {
        BeginRound();
      }
      return true;
    }
    case Phase::kRunning:
      return AdvanceRound(until);
    case Phase::kAsking:
      return AdvanceQuestions(until);
    case Phase::kEnded:
      break;
  }
  // Against the contract of Exchange: somebody calls after the last step.
  End(RpcError{WireErrorKind::kInternal, "The request has ended", ""});
  return true;
}

void RoundExchange::BeginRound() {
  if (++rounds_ > kMaxRounds) {
    Handle(operation_->Refuse(absl::StrCat("The tool wanted to be called more than ", kMaxRounds,
                                           " times with ever new answers; it was given up.")));
    return;
  }
  if (terms_.task_start == TaskStart::kAnnounced) round_deadline_ = clock_.Now() + terms_.call_timeout;
  std::unique_ptr<Round> round = operation_->Begin(terms_.responses, terms_.state);
  absl::MutexLock lock(&mutex_);
  round_ = std::move(round);
  if (cancelled_) round_->Cancel();
  phase_ = Phase::kRunning;
}

std::unique_ptr<Round> RoundExchange::TakeRound() {
  absl::MutexLock lock(&mutex_);
  return std::move(round_);
}

bool RoundExchange::AdvanceRound(absl::Time until) {
  const bool has_event = round_->Wait(std::min(until, round_deadline_));
  // Also a tool that says much, but not what is wanted, has no more time than that.
  if ((!has_event && until >= round_deadline_) || clock_.Now() >= round_deadline_) {
    TakeRound();
    Handle(operation_->Refuse("The tool did not answer in time."));
    return true;
  }
  if (!has_event) return false;
  Handle(round_->Next());
  return true;
}

void RoundExchange::Handle(RoundEvent event) {
  std::visit(Overloaded{
                 [&](const tool::Progress& progress) { Tell(progress); },
                 [&](const tool::LogMessage& message) { Tell(message); },
                 [&](const tool::CloseStream& close) {
                   if (!HasStream()) return;
                   Step step;
                   step.last = false;
                   step.close_retry = RetryDelay(close);
                   ready_.push_back(std::move(step));
                 },
                 [&](const tool::TaskStarted&) {
                   if (terms_.task_start == TaskStart::kAnnounced) HandOver(TakeRound());
                 },
                 [&](const tool::InputRequired& asked) { Ask(asked); },
                 [&](const OperationResult& result) { End(ResultStep(terms_.id_json, result.json)); },
                 [&](const RpcError& error) { End(error); },
             },
             event);
}

void RoundExchange::Tell(const tool::Progress& progress) {
  if (terms_.progress_token.empty() || !std::isfinite(progress.progress())) return;
  if (progress.progress() <= last_progress_) return;
  last_progress_ = progress.progress();
  Say(NotificationText("notifications/progress", RenderProgress(progress, terms_.progress_token, context_.version)));
}

void RoundExchange::Tell(const tool::LogMessage& message) {
  const tool::LogLevel least = modern()      ? terms_.log_level
                               : HasStream() ? context_.session->log_level()
                                             : tool::LOG_LEVEL_UNSPECIFIED;
  if (least == tool::LOG_LEVEL_UNSPECIFIED || message.level() < least) return;
  const absl::StatusOr<std::string> params = RenderLogMessage(message);
  if (params.ok()) return Say(NotificationText("notifications/message", *params));
  // The call itself may still be good. Once is enough for the author.
  if (std::exchange(logged_broken_message_, true)) return;
  common::Log(common::Severity::kWarning, "log_message_dropped",
              {{"request_id", context_.request_id}, {"reason", params.status().message()}});
}

void RoundExchange::HandOver(std::unique_ptr<Round> round) {
  const TaskAnswer answer = tasks_->Start(std::move(operation_), std::move(round), context_);
  if (const auto* const error = std::get_if<RpcError>(&answer); error != nullptr) return End(*error);
  End(ResultStep(terms_.id_json, std::get<std::string>(answer)));
}

void RoundExchange::Ask(const tool::InputRequired& asked) {
  TakeRound();
  if (const absl::Status status = CheckInputRequired(asked); !status.ok()) return End(operation_->Broken(status));
  modern() ? AskModern(asked) : AskOnStream(asked);
}

void RoundExchange::AskModern(const tool::InputRequired& asked) {
  const std::string missing = MissingCapabilities(asked, context_.client->capabilities);
  if (!missing.empty()) return End(MissingCapabilityError(missing));
  std::string sealed;
  if (!asked.state().empty()) {
    sealed = SealState(asked.state(), *context_.principal, *operation_, sealer_, clock_.Now());
  }
  const absl::StatusOr<std::string> result = RenderInputRequiredResult(asked, sealed);
  if (!result.ok()) return End(operation_->Broken(result.status()));
  End(ResultStep(terms_.id_json, *result));
}

void RoundExchange::AskOnStream(const tool::InputRequired& asked) {
  terms_.state = asked.state();
  terms_.responses.clear();
  if (asked.requests().empty()) {  // it only wants to be called again
    begin_time_ = clock_.Now() + kPause;
    phase_ = Phase::kBegin;
    return;
  }
  const std::string missing = MissingCapabilities(asked, context_.client->capabilities);
  if (!missing.empty()) {
    return Handle(operation_->Refuse(
        absl::StrCat("This must ask the user or the client, which has not declared that it can be asked. It would have "
                     "to have the capabilities ",
                     missing, ".")));
  }
  std::vector<Question> questions;
  bool only_urls = FeaturesOf(context_.version).rich_forms_and_urls;
  // The order of a protobuf map is another each time.
  const std::map<std::string, tool::InputRequest> requests(asked.requests().begin(), asked.requests().end());
  for (const auto& [key, request] : requests) {
    // Unique for the client, and says nothing: the random name of the request, and a number.
    const std::string elicitation_id = absl::StrCat(context_.request_id, "-", rounds_, "-", questions.size());
    absl::StatusOr<std::string> params =
        RenderClientRequest(request.method(), request.params_json(), context_.version, elicitation_id);
    if (absl::IsUnimplemented(params.status())) return Handle(operation_->Refuse(params.status().message()));
    if (!params.ok()) return End(operation_->Broken(params.status()));
    only_urls = only_urls && RawMember(*params, "mode") == "\"url\"";
    questions.push_back({key, request.method(), *std::move(params)});
  }
  if (!HasStream()) {
    if (!only_urls) {
      return Handle(
          operation_->Refuse("This must ask the user or the client, which cannot be reached while it waits for the "
                             "answer to this request: "
                             "it must accept text/event-stream, and make the request outside of a batch."));
    }
    std::vector<std::string> urls;
    for (Question& question : questions) urls.push_back(std::move(question.params_json));
    return End(UrlElicitationRequiredError(urls));
  }
  {
    absl::MutexLock lock(&mutex_);
    questions_ = std::move(questions);
    answered_ = 0;
  }
  asked_ = 0;
  answer_deadline_ = clock_.Now() + terms_.answer_timeout;
  phase_ = Phase::kAsking;
}

bool RoundExchange::AdvanceQuestions(absl::Time until) {
  if (asked_ < questions_.size()) {
    SendQuestion(asked_++);
    return true;
  }
  bool cancelled = false;
  {
    absl::MutexLock lock(&mutex_);
    const auto done = [this]()
                          ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return cancelled_ || answered_ == questions_.size(); };
    const bool is_done = mutex_.AwaitWithDeadline(absl::Condition(&done), std::min(until, answer_deadline_));
    if (!is_done && until < answer_deadline_) return false;
    cancelled = cancelled_;
  }
  cancelled ? EndCancelled() : UseAnswers();
  return true;
}

void RoundExchange::SendQuestion(size_t index) {
  Question& question = questions_[index];
  question.id_json = context_.session->client_requests().Expect([this, index](ClientAnswer answer) {
    absl::MutexLock lock(&mutex_);
    questions_[index].answer = std::move(answer);
    ++answered_;
  });
  Say(RequestText(question.id_json, question.method, question.params_json));
}

void RoundExchange::UseAnswers() {
  DropQuestions("no answer in time");
  // Nobody writes answers any more.
  for (const Question& question : questions_) {
    if (!question.answer.has_value()) {
      return Handle(operation_->Refuse(absl::StrCat("The client did not answer ", question.method, " in time.")));
    }
    absl::StatusOr<std::string> response = UseClientAnswer(question.method, question.params_json, *question.answer);
    if (absl::IsInternal(response.status())) return End(operation_->Broken(response.status()));
    if (!response.ok()) return Handle(operation_->Refuse(response.status().message()));
    terms_.responses.emplace(question.key, *std::move(response));
  }
  begin_time_ = absl::InfinitePast();
  phase_ = Phase::kBegin;
}

void RoundExchange::DropQuestions(absl::string_view reason) {
  for (Question& question : questions_) {
    if (question.id_json.empty()) continue;
    context_.session->client_requests().Forget(question.id_json);
    if (!question.answer.has_value()) {
      std::string params = absl::StrCat("{\"requestId\":", question.id_json, ",\"reason\":");
      common::AppendJsonString(reason, params);
      params += '}';
      Say(NotificationText("notifications/cancelled", params));
    }
    question.id_json.clear();
  }
}

void RoundExchange::Say(std::string message) {
  Step step;
  step.message = std::move(message);
  step.last = false;
  ready_.push_back(std::move(step));
}

void RoundExchange::End(Step step) {
  phase_ = Phase::kEnded;
  ready_.push_back(std::move(step));
}

void RoundExchange::End(const RpcError& error) { End(ErrorStep(terms_.id_json, error)); }

void RoundExchange::EndCancelled() {
  DropQuestions("the request that it belongs to was cancelled");
  End(RpcError{WireErrorKind::kCancelled, "cancelled", ""});
}

}  // namespace mcp_edge
