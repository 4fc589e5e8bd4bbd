#include "mcp_edge/transport/batch_exchange.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "mcp_edge/dispatch/answers.h"
#include "mcp_edge/transport/legacy_messages.h"

namespace mcp_edge {
namespace {

std::string ErrorText(const Message& message, const RpcError& error) {
  return ErrorStep(message.id_json, error).message;
}

}  // namespace

BatchExchange::~BatchExchange() {
  if (running_ != nullptr) session_.Finish(running_id_);
}

Step BatchExchange::Next() {
  Wait(absl::InfiniteFuture());
  Step step = std::move(ready_.front());
  ready_.pop_front();
  return step;
}

bool BatchExchange::Wait(absl::Time until) {
  while (ready_.empty()) {
    if (!Advance(until)) return false;
  }
  return true;
}

void BatchExchange::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  if (running_ != nullptr) running_->Cancel();
}

bool BatchExchange::Advance(absl::Time until) {
  if (running_ == nullptr) {
    if (next_ == requests_.body.messages.size()) {
      End();
    } else {
      const size_t i = next_++;
      Begin(requests_.body.messages[i], requests_.traces[i]);
    }
    return true;
  }
  if (!running_->Wait(until)) return false;
  Step step = running_->Next();
  if (!step.last) {
    if (requests_.can_stream && !step.message.empty()) Say(std::move(step));
    return true;
  }
  session_.Finish(running_id_);
  {
    absl::MutexLock lock(&mutex_);
    running_.reset();
  }
  if (!step.message.empty()) Respond(std::move(step.message));
  return true;
}

void BatchExchange::Begin(const Message& message, const TraceContext& trace) {
  if (message.kind == Message::Kind::kInvalid || message.method == "initialize") {
    return Respond(ErrorText(
        message, {WireErrorKind::kInvalidRequest,
                  absl::StrCat("Invalid request: ",
                               message.problem.empty() ? "initialize has no place in a batch" : message.problem),
                  ""}));
  }
  if (message.kind != Message::Kind::kRequest) return HandleLegacyNotice(message, session_);
  if (response_bytes_ > kMaxArrayBytes) {
    return Respond(ErrorText(
        message, {WireErrorKind::kInternal, "The responses before this one are too large; send it by itself", ""}));
  }
  const RequestContext context = {requests_.principal,  session_.record().version, &session_.record().client, trace,
                                  requests_.request_id, &session_.state(),         requests_.can_stream};
  std::unique_ptr<Exchange> exchange = dispatcher_.Start(message, context, nullptr);
  const Session::Begun begun = session_.Begin(message.id_json, [running = exchange.get()] { running->Cancel(); });
  if (begun != Session::Begun::kYes) return Respond(ErrorText(message, NotBegunError(begun)));
  running_id_ = message.id_json;
  absl::MutexLock lock(&mutex_);
  running_ = std::move(exchange);
  if (cancelled_) running_->Cancel();
}

void BatchExchange::Say(Step step) {
  if (!streaming_) {
    streaming_ = true;
    for (std::string& response : std::exchange(responses_, {})) Respond(std::move(response));
    response_bytes_ = 0;
  }
  ready_.push_back(std::move(step));
}

void BatchExchange::Respond(std::string response) {
  if (streaming_) {
    Step step;
    step.message = std::move(response);
    step.last = false;
    ready_.push_back(std::move(step));
  } else {
    response_bytes_ += response.size();
    responses_.push_back(std::move(response));
  }
}

void BatchExchange::End() {
  Step step;
  if (!streaming_) step.message = absl::StrCat("[", absl::StrJoin(responses_, ","), "]");
  ready_.push_back(std::move(step));
}

}  // namespace mcp_edge
