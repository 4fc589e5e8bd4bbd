// What a tool is made of: the function that does the work, what it sees of one call, and what comes of it.
//
// Knows the messages of the contract (proto/gatehouse/tool/v1/tool.proto) and no transport, so that a handler can be
// tested by calling it with a FakeToolContext.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_TOOL_CONTEXT_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_TOOL_CONTEXT_H_

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "tool_service/sdk/request_context.h"

namespace tool_service {

// The messages of the contract that an author meets, under short names.
using gatehouse::tool::v1::CacheHint;
using gatehouse::tool::v1::CallToolEvent;
using gatehouse::tool::v1::CallToolRequest;
using gatehouse::tool::v1::CallToolResult;
using gatehouse::tool::v1::Catalog;
using gatehouse::tool::v1::LogLevel;
using gatehouse::tool::v1::TaskSupport;
using gatehouse::tool::v1::Tool;

// One call of a tool, as its handler sees it.
class ToolContext : public RequestContext {
 public:
  // The whole request.
  virtual const CallToolRequest& request() const = 0;

  const CallContext& caller() const override { return request().context(); }

  // Tells the client how far the work is. `progress` grows from call to call; `total` is what it grows to. Does nothing
  // if the client did not ask for it. Never blocks: an event for which there is no room is dropped and counted.
  void ReportProgress(double progress, std::optional<double> total = std::nullopt, absl::string_view message = "");

  // Sends the client a log message: `data_json` is any JSON value, and holds nothing that the caller may not see. Does
  // nothing if the client asked for none of this level. Never blocks, as above.
  void Log(LogLevel level, absl::string_view data_json, absl::string_view logger = "");

  // The same with plain text.
  void LogText(LogLevel level, absl::string_view text, absl::string_view logger = "");

  // Says that the rest of the call is a task, once everything has been asked that must be asked before. Only for tools
  // with `announces_task_start`. Returns whether it is a task now; if not (the client has no tasks), the call simply
  // goes on.
  bool StartTask();

  // Lets the client close its connection and come back after `retry_delay` (at most a minute; absent: the edge's
  // default) for the rest: of use to calls that take long. Does nothing for clients that cannot.
  void CloseStream(std::optional<absl::Duration> retry_delay = std::nullopt);

 protected:
  // Sends an event that the client wants. `may_drop`: the call is the same without it.
  virtual void Emit(CallToolEvent event, bool may_drop) = 0;

  const Responses& responses() const override { return request().input_responses_json(); }
  const std::string& request_state() const override { return request().request_state(); }
};

// How a call ends well: with a result (which may be the tool's own failure, `is_error`), or with the need to ask the
// client something, after which the same call is made again.
using Outcome = std::variant<CallToolResult, InputRequired>;

// Does the work of one call. `arguments_json` is a JSON object as the client sent it, or empty; see ParseArguments().
// Called by many threads at once.
//
// A failure that the model can do something about is a CallToolResult with `is_error`. An error status means that the
// tool could not be run at all; tool.proto says what the client sees of each code.
using Handler = std::function<absl::StatusOr<Outcome>(ToolContext& context, absl::string_view arguments_json)>;

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_TOOL_CONTEXT_H_
