// What every request of the contract has in common for the function that answers it: who calls, for how long, and a way
// to ask them something.
//
// Knows the messages of the contract (proto/gatehouse/tool/v1/tool.proto) and no transport, so that a handler can be
// tested by calling it with a FakeToolContext.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_REQUEST_CONTEXT_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_REQUEST_CONTEXT_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "nlohmann/json.hpp"

namespace tool_service {

using gatehouse::tool::v1::CallContext;
using gatehouse::tool::v1::InputRequired;
using gatehouse::tool::v1::Principal;

// What the user said.
struct UserAnswer {
  enum class Action {
    kAccept,
    kDecline,  // said no
    kCancel,   // did not say: closed the question
  };
  Action action;
  // What was filled in: an object that fits the schema of the question. Empty unless accepted.
  nlohmann::json content;

  bool accepted() const { return action == Action::kAccept; }
};

// What the client's language model said (MCP, CreateMessageResult).
struct ModelAnswer {
  // The text of it: of several blocks, one after the other.
  std::string text;
  // All of it: one content block, or an array of them.
  nlohmann::json content;
  std::string model;
  // Such as "endTurn". May be empty.
  std::string stop_reason;
};

// A folder that the user lets the client work in.
struct Root {
  // A file URI.
  std::string uri;
  // May be empty.
  std::string name;
};

// One request, as its handler sees it. Valid until the handler returns. Every method may be called from any thread.
//
// Asking. The questions look like calls that return an answer, or nothing yet:
//
//   const auto name = context.AskUser("user_name", "What is your name?", kNameSchema);
//   if (!name) return context.NeedInput();
//   if (!name->accepted()) return TextResult("As you like.");
//
// A handler that has no answer yet returns NeedInput(), which sends every question asked so far, and is called again
// from its beginning when there are answers. Answers once given are kept (sealed by the edge, at the client), so that
// questions may follow one another over several rounds: a handler asks for all that it needs, each time. What it did
// before a question it does again, so it asks first and acts afterwards. An answer that is no answer, or does not fit
// its question, counts as none: it is asked again.
//
// Keys name the questions of one handler: at most 128 bytes, each for one question only.
class RequestContext {
 public:
  RequestContext();
  virtual ~RequestContext();

  RequestContext(const RequestContext&) = delete;
  RequestContext& operator=(const RequestContext&) = delete;

  // Who calls and with what: the client's name, its capabilities, the log level it wants, and so on.
  virtual const CallContext& caller() const = 0;

  // The verified caller, or null when the edge named none.
  const Principal* principal() const { return caller().has_principal() ? &caller().principal() : nullptr; }

  // When the caller stops waiting; InfiniteFuture() when it never does.
  virtual absl::Time deadline() const = 0;

  // The value of a gRPC request header, such as "traceparent" (W3C Trace Context); empty when there is none.
  virtual absl::string_view header(absl::string_view name) const = 0;

  // True once nobody waits for the outcome: the client went away or the deadline passed. A handler that works for
  // longer than a moment asks from time to time, and returns absl::CancelledError() when it is so.
  virtual bool cancelled() const = 0;

  // Waits for `at_most`, or until the call is cancelled. Returns cancelled(). Not for handlers that run inline.
  virtual bool WaitForCancellation(absl::Duration at_most) const = 0;

  // Asks the user to fill in a form. `schema_json`: a flat JSON Schema object of strings, numbers, booleans and choices
  // (MCP, client/elicitation). Not for secrets.
  std::optional<UserAnswer> AskUser(absl::string_view key, absl::string_view message, absl::string_view schema_json);

  // Asks the user to open `url`, where something goes on that the client must not see. An accepted answer says that
  // they agreed to open it, not that they are done there, and has no content.
  std::optional<UserAnswer> AskUserToOpen(absl::string_view key, absl::string_view message, absl::string_view url);

  // Asks the client's language model. Deprecated in MCP 2026-07-28.
  std::optional<ModelAnswer> AskModel(absl::string_view key, absl::string_view prompt, int max_tokens);

  // The same with all that a CreateMessageRequest can have (MCP, client/sampling).
  std::optional<ModelAnswer> AskModel(absl::string_view key, const nlohmann::json& params);

  // Asks for the folders that the user lets the client work in. Deprecated in MCP 2026-07-28.
  std::optional<std::vector<Root>> ListRoots(absl::string_view key);

  // What the client says it can do. To ask nevertheless is an error that the edge answers.
  bool CanAskUser() const;
  bool CanAskUserToOpen() const;
  bool CanAskModel() const;
  bool CanListRoots() const;

  // Bytes that come back in the next round, as long as no others are saved: what the questions and answers do not say
  // by themselves. Clients can neither read nor change them.
  std::string state() const;
  void SaveState(absl::string_view state);

  // Ends the round: the questions that have no answer yet, and what must come back with the answers. A state without
  // questions makes the client come again at once.
  //
  // Errors: kInternal, nothing was asked and nothing saved, or a question is malformed; kResourceExhausted, the answers
  // and the state are larger than 64 KiB.
  absl::StatusOr<InputRequired> NeedInput() const;

 protected:
  using Responses = google::protobuf::Map<std::string, std::string>;

  // `input_responses_json` and `request_state` of the request.
  virtual const Responses& responses() const = 0;
  virtual const std::string& request_state() const = 0;

  // Forgets what was asked and answered: for fakes that begin another round.
  void ForgetQuestions();

 private:
  struct Asking;

  // Looks for an answer that `fits`; asks for one if there is none.
  std::optional<nlohmann::json> Ask(absl::string_view key, absl::string_view method, std::string params_json,
                                    const std::function<bool(const nlohmann::json&)>& fits);
  Asking& asking() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(asking_mutex_);

  mutable absl::Mutex asking_mutex_;
  mutable std::unique_ptr<Asking> asking_ ABSL_GUARDED_BY(asking_mutex_);  // null until there is a question
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_REQUEST_CONTEXT_H_
