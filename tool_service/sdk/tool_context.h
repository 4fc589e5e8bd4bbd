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

namespace tool_service {

// The messages of the contract that an author meets, under short names.
using gatehouse::tool::v1::CacheHint;
using gatehouse::tool::v1::CallToolEvent;
using gatehouse::tool::v1::CallToolRequest;
using gatehouse::tool::v1::CallToolResult;
using gatehouse::tool::v1::Catalog;
using gatehouse::tool::v1::InputRequired;
using gatehouse::tool::v1::LogLevel;
using gatehouse::tool::v1::Principal;
using gatehouse::tool::v1::Tool;

// One call, as its handler sees it. Valid until the handler returns. Every method may be called from any thread.
class ToolContext {
 public:
  virtual ~ToolContext() = default;

  // The whole request: the client's name and capabilities, answers to an earlier `InputRequired`, and so on.
  virtual const CallToolRequest& request() const = 0;

  // The verified caller, or null when the edge named none.
  const Principal* principal() const {
    return request().context().has_principal() ? &request().context().principal() : nullptr;
  }

  // When the caller stops waiting; InfiniteFuture() when it never does.
  virtual absl::Time deadline() const = 0;

  // The value of a gRPC request header, such as "traceparent" (W3C Trace Context); empty when there is none.
  virtual absl::string_view header(absl::string_view name) const = 0;

  // True once nobody waits for the outcome: the client went away or the deadline passed. A handler that works for
  // longer than a moment asks from time to time, and returns absl::CancelledError() when it is so.
  virtual bool cancelled() const = 0;

  // Waits for `at_most`, or until the call is cancelled. Returns cancelled(). Not for handlers that run inline.
  virtual bool WaitForCancellation(absl::Duration at_most) const = 0;

  // Tells the client how far the work is. `progress` grows from call to call; `total` is what it grows to. Does nothing
  // if the client did not ask for it. Never blocks: an event for which there is no room is dropped and counted.
  void ReportProgress(double progress, std::optional<double> total = std::nullopt, absl::string_view message = "");

  // Sends the client a log message: `data_json` is any JSON value, and holds nothing that the caller may not see. Does
  // nothing if the client asked for none of this level. Never blocks, as above.
  void Log(LogLevel level, absl::string_view data_json, absl::string_view logger = "");

 protected:
  // Sends an event that the client wants.
  virtual void Emit(CallToolEvent event) = 0;
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
