// A call without a network, for tests of handlers.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_FAKE_TOOL_CONTEXT_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_FAKE_TOOL_CONTEXT_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "tool_service/sdk/tool_context.h"

namespace tool_service {

// A ToolContext that keeps what the handler emits; being a RequestContext too, it also serves the functions that read
// resources and fill in prompts. The client it stands for wants progress and every log message, unless the test says
// otherwise through mutable_request().
//
// To answer a question, call the handler, then BeginNextRound() with what came of it, then Answer(), and call it again.
class FakeToolContext final : public ToolContext {
 public:
  FakeToolContext() {
    request_.mutable_context()->set_wants_progress(true);
    request_.mutable_context()->set_log_level(LogLevel::LOG_LEVEL_DEBUG);
  }

  CallToolRequest& mutable_request() { return request_; }
  Principal& mutable_principal() { return *request_.mutable_context()->mutable_principal(); }
  void set_deadline(absl::Time deadline) { deadline_ = deadline; }
  void set_header(const std::string& name, std::string value) { headers_[name] = std::move(value); }

  void Cancel() {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
  }

  // What was emitted so far, in order.
  std::vector<CallToolEvent> events() const {
    absl::MutexLock lock(&mutex_);
    return events_;
  }

  // The next call of the same tool, as the edge makes it: with the state that came of the last one, and no answers yet.
  void BeginNextRound(const InputRequired& required) {
    request_.clear_input_responses_json();
    request_.set_request_state(required.state());
    ForgetQuestions();
  }

  // Gives an answer: a JSON object as MCP defines it for the question.
  void Answer(const std::string& key, const std::string& answer_json) {
    (*request_.mutable_input_responses_json())[key] = answer_json;
    ForgetQuestions();
  }

  // The user fills in the form: `content_json` is an object.
  void AnswerUser(const std::string& key, const std::string& content_json) {
    Answer(key, R"({"action":"accept","content":)" + content_json + "}");
  }

  const CallToolRequest& request() const override { return request_; }
  absl::Time deadline() const override { return deadline_; }

  absl::string_view header(absl::string_view name) const override {
    const auto found = headers_.find(std::string(name));
    return found == headers_.end() ? absl::string_view() : absl::string_view(found->second);
  }

  bool cancelled() const override {
    absl::MutexLock lock(&mutex_);
    return cancelled_;
  }

  bool WaitForCancellation(absl::Duration at_most) const override {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&cancelled_), at_most);
  }

 protected:
  void Emit(CallToolEvent event, bool) override {
    absl::MutexLock lock(&mutex_);
    events_.push_back(std::move(event));
  }

 private:
  CallToolRequest request_;
  absl::Time deadline_ = absl::InfiniteFuture();
  std::map<std::string, std::string> headers_;
  mutable absl::Mutex mutex_;
  bool cancelled_ = false;
  std::vector<CallToolEvent> events_;
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_FAKE_TOOL_CONTEXT_H_
