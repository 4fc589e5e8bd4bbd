#include "mcp_edge/dispatch/dispatcher.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "common/json_text.h"
#include "common/log.h"
#include "gatehouse/tool/v1/tool.pb.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/tools/tool_call.h"
#include "mcp_edge/tools/tool_service_client.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;
using nlohmann::json;

Step ErrorStep(absl::string_view id_json, const RpcError& error) {
  Step step;
  step.message = ErrorResponse(id_json, WireErrorOf(error.kind).json_rpc, error.message, error.data_json);
  step.error = error.kind;
  return step;
}

Step ResultStep(absl::string_view id_json, absl::string_view result_json) {
  Step step;
  step.message = ResultResponse(id_json, result_json);
  return step;
}

// An exchange whose only step is known.
class Answer final : public Exchange {
 public:
  explicit Answer(Step step) : step_(std::move(step)) {}
  Step Next() override { return std::move(step_); }
  bool Wait(absl::Time) override { return true; }
  void Cancel() override {}

 private:
  Step step_;
};

std::unique_ptr<Exchange> AnswerError(const Message& message, RpcError error) {
  return std::make_unique<Answer>(ErrorStep(message.id_json, error));
}

std::unique_ptr<Exchange> AnswerResult(const Message& message, absl::string_view result_json) {
  return std::make_unique<Answer>(ResultStep(message.id_json, result_json));
}

// What the model is told when a tool service answered with a status rather than a result: the table in tool.proto.
// Nothing: the status is the edge's or the service's fault, and no business of the model.
std::optional<std::string> ToolErrorText(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      return "The tool did not answer in time.";
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return status.message().empty() ? absl::StrCat("The tool failed: ", absl::StatusCodeToString(status.code()))
                                      : std::string(status.message());
    default:
      return std::nullopt;
  }
}

// A tool call from its first event to its response.
class ToolExchange final : public Exchange {
 public:
  // `timeout`: of the call, from the first Next() on.
  ToolExchange(const ToolEntry& entry, std::shared_ptr<const CatalogSnapshot> snapshot, tool::CallToolRequest request,
               absl::Duration timeout, const Message& message, const RequestContext& context,
               const common::Clock& clock, EdgeMetrics& metrics)
      : entry_(entry),
        snapshot_(std::move(snapshot)),
        request_(std::move(request)),
        timeout_(timeout),
        trace_(context.trace),
        id_json_(message.id_json),
        progress_token_(ProgressToken(message)),
        version_(context.version),
        request_id_(context.request_id),
        clock_(clock),
        metrics_(metrics) {}

  bool Wait(absl::Time until) override { return !Started() || call_->Wait(until); }

  Step Next() override {
    if (!Started()) return Failed(absl::CancelledError());
    while (true) {
      absl::StatusOr<tool::CallToolEvent> event = call_->Next();
      if (!event.ok()) return Failed(event.status());
      switch (event->event_case()) {
        case tool::CallToolEvent::kProgress:
          if (!progress_token_.empty() && event->progress().progress() > last_progress_) {
            last_progress_ = event->progress().progress();
            Step step;
            step.message = NotificationText("notifications/progress",
                                            RenderProgress(event->progress(), progress_token_, version_));
            step.last = false;
            return step;
          }
          break;
        case tool::CallToolEvent::kResult:
          return Finished(event->result());
        case tool::CallToolEvent::kInputRequired:
          // No client has been told that the edge can ask it, so none can be asked.
          metrics_.tool_calls_tool_error_total.Increment();
          return ResultStep(id_json_,
                            RenderToolError("The tool needs an answer from the user, and this client cannot be "
                                            "asked for one.",
                                            version_));
        default:
          break;  // log messages: no client can have asked for them, as `logging` is not declared
      }
    }
  }

  void Cancel() override {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    if (call_ != nullptr) call_->Cancel();
  }

 private:
  // Starts the call, if that has not been done. False: it was cancelled before.
  bool Started() {
    if (call_ != nullptr) return true;
    absl::MutexLock lock(&mutex_);
    if (cancelled_) return false;
    call_ = entry_.service->StartCall(request_, clock_.Now() + timeout_, trace_);
    return true;
  }

  Step Finished(const tool::CallToolResult& result) {
    absl::StatusOr<std::string> rendered = RenderCallToolResult(result, version_);
    if (!rendered.ok()) return Failed(rendered.status());
    (result.is_error() ? metrics_.tool_calls_tool_error_total : metrics_.tool_calls_result_total).Increment();
    return ResultStep(id_json_, *rendered);
  }

  Step Failed(const absl::Status& status) {
    if (cancelled_) {
      metrics_.tool_calls_cancelled_total.Increment();
      return ErrorStep(id_json_, {WireErrorKind::kCancelled, "cancelled", ""});
    }
    const std::optional<std::string> text = ToolErrorText(status);
    common::Log(common::Severity::kWarning, "tool_call_failed",
                {{"tool", entry_.name},
                 {"tool_service", entry_.service->name()},
                 {"request_id", request_id_},
                 {"code", absl::StatusCodeToString(status.code())},
                 {"reason", status.message()}});
    if (text.has_value()) {
      metrics_.tool_calls_tool_error_total.Increment();
      return ResultStep(id_json_, RenderToolError(*text, version_));
    }
    metrics_.tool_calls_failed_total.Increment();
    return ErrorStep(id_json_, {WireErrorKind::kInternal,
                                // A call that somebody else cancelled was lost with its server.
                                absl::IsUnavailable(status) || absl::IsCancelled(status)
                                    ? "The tool service is not available now; try again later"
                                    : "The tool service failed",
                                ""});
  }

  const ToolEntry& entry_;
  const std::shared_ptr<const CatalogSnapshot> snapshot_;  // keeps entry_
  const tool::CallToolRequest request_;
  const absl::Duration timeout_;
  const TraceContext trace_;
  const std::string id_json_;
  const std::string progress_token_;
  const ProtocolVersion version_;
  const std::string request_id_;
  const common::Clock& clock_;
  EdgeMetrics& metrics_;
  absl::Mutex mutex_;
  std::unique_ptr<ToolCall> call_;  // set once, by the thread of Next(), with the mutex held; read there without
  std::atomic<bool> cancelled_{false};
  double last_progress_ = -1;
};

// The scopes that would let `principal` use what needs `sets`, separated by spaces; nothing when it may already.
std::optional<std::string> NeededScopes(const Principal& principal, const std::vector<ScopeSet>& sets) {
  if (sets.empty()) return std::nullopt;
  for (const ScopeSet& set : sets) {
    const bool holds_all =
        std::all_of(set.begin(), set.end(), [&](const std::string& scope) { return principal.HasScope(scope); });
    if (holds_all) return std::nullopt;
  }
  // What the token has is asked for again, so that the new token can do no less (MCP 2025-11-25, scope challenges).
  std::vector<std::string> needed = sets.front();
  for (const std::string& scope : principal.scopes) {
    if (std::find(needed.begin(), needed.end(), scope) == needed.end()) needed.push_back(scope);
  }
  return absl::StrJoin(needed, " ");
}

}  // namespace

Dispatcher::Dispatcher(const DispatcherOptions& options, const Catalog& catalog, const common::Clock& clock,
                       EdgeMetrics& metrics)
    : options_(options), catalog_(catalog), clock_(clock), metrics_(metrics) {}

std::unique_ptr<Exchange> Dispatcher::Start(const Message& message, const RequestContext& context,
                                            const MirrorHeaders* headers) {
  const bool modern = FeaturesOf(context.version).modern;
  const std::string& method = message.method;
  const bool lists = method == "tools/list";
  const bool calls = method == "tools/call";
  const bool discovers = modern && method == "server/discover";
  const bool pings = !modern && method == "ping";
  if (!lists && !calls && !discovers && !pings) {
    return AnswerError(message, {WireErrorKind::kMethodNotFound, "Method not found", ""});
  }
  if (modern && headers != nullptr) {
    if (std::optional<RpcError> error = CheckMirroredName(*headers, message); error.has_value()) {
      return AnswerError(message, *std::move(error));
    }
  }
  if (lists) return ListTools(message, context);
  if (calls) return CallTool(message, context);
  if (pings) return AnswerResult(message, RenderResult("", context.version));
  const std::shared_ptr<const CatalogSnapshot> snapshot = catalog_.Current();
  return AnswerResult(message, RenderDiscoverResult(snapshot->instructions(), CacheTermsOf(*snapshot)));
}

std::string Dispatcher::InitializeResult(ProtocolVersion version) const {
  return RenderInitializeResult(version, catalog_.Current()->instructions());
}

std::unique_ptr<Exchange> Dispatcher::ListTools(const Message& message, const RequestContext& context) {
  std::string cursor;
  if (const auto found = message.params.find("cursor"); found != message.params.end()) {
    if (!found->is_string() || found->get_ref<const std::string&>().empty()) {
      return AnswerError(message, {WireErrorKind::kInvalidParams, "cursor is not one that was given out", ""});
    }
    cursor = found->get_ref<const std::string&>();
  }
  const std::shared_ptr<const CatalogSnapshot> snapshot = catalog_.Current();
  const std::shared_ptr<const std::string> page =
      tool_list_.Page(*snapshot, context.version, cursor, CacheTermsOf(*snapshot));
  if (page == nullptr) {
    return AnswerError(message,
                       {WireErrorKind::kInvalidParams, "cursor is not one that was given out, or expired", ""});
  }
  return AnswerResult(message, *page);
}

std::unique_ptr<Exchange> Dispatcher::CallTool(const Message& message, const RequestContext& context) {
  const auto name = message.params.find("name");
  if (name == message.params.end() || !name->is_string()) {
    return AnswerError(message, {WireErrorKind::kInvalidParams, "params.name must be a string", ""});
  }
  const auto arguments = message.params.find("arguments");
  if (arguments != message.params.end() && !arguments->is_object()) {
    return AnswerError(message, {WireErrorKind::kInvalidParams, "params.arguments must be an object", ""});
  }
  std::shared_ptr<const CatalogSnapshot> snapshot = catalog_.Current();
  const ToolEntry* entry = snapshot->FindTool(name->get_ref<const std::string&>());
  if (entry == nullptr) {
    return AnswerError(message,
                       {WireErrorKind::kInvalidParams,
                        absl::StrCat("Unknown tool: ", name->get_ref<const std::string&>().substr(0, 128)), ""});
  }
  if (std::optional<std::string> needed = NeededScopes(*context.principal, entry->required_scopes);
      needed.has_value()) {
    Step step = ErrorStep(message.id_json,
                          {WireErrorKind::kInsufficientScope, "The token lacks a scope that this tool needs", ""});
    step.needed_scopes = *std::move(needed);
    return std::make_unique<Answer>(std::move(step));
  }
  if (!HasCapabilities(*context.client, entry->required_client_capabilities)) {
    if (!FeaturesOf(context.version).modern) {
      return AnswerResult(
          message,
          RenderToolError("This tool needs a client that can do more than this one says it can.", context.version));
    }
    return AnswerError(message,
                       {WireErrorKind::kMissingClientCapability, "Missing required client capability",
                        absl::StrCat("{\"requiredCapabilities\":", entry->required_client_capabilities.dump(), "}")});
  }
  tool::CallToolRequest request;
  request.set_name(entry->tool.name());
  if (arguments != message.params.end()) {
    const absl::string_view text = RawMember(message.params_text, "arguments");
    request.set_arguments_json(text.data(), text.size());
  }
  tool::CallContext& call_context = *request.mutable_context();
  *call_context.mutable_principal() = context.principal->for_tools;
  call_context.set_client_name(context.client->name);
  call_context.set_client_version(context.client->version);
  call_context.set_client_capabilities_json(context.client->capabilities_json);
  call_context.set_request_id(context.request_id);
  call_context.set_wants_progress(!ProgressToken(message).empty());
  const absl::Duration timeout =
      std::min(entry->timeout.value_or(options_.default_tool_timeout), options_.max_tool_timeout);
  return std::make_unique<ToolExchange>(*entry, std::move(snapshot), std::move(request), timeout, message, context,
                                        clock_, metrics_);
}

CacheTerms Dispatcher::CacheTermsOf(const CatalogSnapshot& snapshot) const {
  return {std::min(snapshot.cache_ttl(), options_.list_ttl), snapshot.cache_scope() == tool::CACHE_SCOPE_PUBLIC};
}

}  // namespace mcp_edge
