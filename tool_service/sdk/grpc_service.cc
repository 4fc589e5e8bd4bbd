#include "tool_service/sdk/grpc_service.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <list>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"

namespace tool_service {
namespace {

// How many progress and log events of a call may wait for a client that reads slowly.
constexpr size_t kMaxWaitingEvents = 256;

grpc::Status ToGrpcStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

// Whether an error status is the fault of the caller or the client rather than of the tool.
bool IsRefusal(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnauthenticated:
      return true;
    default:
      return false;
  }
}

// One running call. Deletes itself when gRPC is done with it.
//
// At most one write is under way; the events that come meanwhile wait in `waiting_`, and the outcome after them. The
// outcome leaves together with the status in one batch. No lock is held while gRPC is called.
class ToolCall final : public grpc::ServerWriteReactor<CallToolEvent>, public ToolContext {
 public:
  ToolCall(grpc::CallbackServerContext& context, const CallToolRequest& request, Metrics& metrics)
      : context_(context), request_(request), metrics_(metrics), start_time_(absl::Now()) {
    metrics_.calls_in_flight.Increment();
  }

  // Ends a call of a tool that is not there.
  void FinishUnknown() {
    metrics_.unknown_tool.Increment();
    FinishWith(absl::NotFoundError(absl::StrCat("there is no tool named \"", request_.name(), "\"")));
  }

  // Ends a call for which there is no thread.
  void FinishOverloaded(const RegisteredTool& tool, const Service& service, const Executor& executor) {
    metrics_.ForTool(tool.tool.name()).overloaded.Increment();
    common::Log(common::Severity::kWarning, "tool_overloaded",
                {{"tool", tool.tool.name()}, {"request_id", request_.context().request_id()}});
    FinishWith(absl::ResourceExhaustedError(absl::StrCat(service.name(), " is busy: ", executor.max_threads(),
                                                         " calls are running and ", executor.max_waiting(),
                                                         " are waiting; try again in a moment")));
  }

  // Runs the handler and ends the call. This object may be gone when it returns.
  void Run(const RegisteredTool& tool) {
    absl::StatusOr<Outcome> outcome =
        cancelled() ? absl::CancelledError("the call was cancelled before it ran") : CallHandler(tool.handler);
    Count(tool.tool.name(), outcome);
    if (!outcome.ok()) {
      FinishWith(outcome.status());
      return;
    }
    CallToolEvent last;
    if (CallToolResult* const result = std::get_if<CallToolResult>(&*outcome)) {
      *last.mutable_result() = std::move(*result);
    } else {
      *last.mutable_input_required() = std::move(std::get<InputRequired>(*outcome));
    }
    FinishWith(absl::OkStatus(), std::move(last));
  }

  // ToolContext:
  const CallToolRequest& request() const override { return request_; }

  absl::Time deadline() const override {
    const auto deadline = context_.deadline();
    return deadline == std::chrono::system_clock::time_point::max() ? absl::InfiniteFuture()
                                                                    : absl::FromChrono(deadline);
  }

  absl::string_view header(absl::string_view name) const override {
    absl::MutexLock lock(&mutex_);  // the map is filled by the first who looks
    const auto& headers = context_.client_metadata();
    const auto found = headers.find(grpc::string_ref(name.data(), name.size()));
    if (found == headers.end()) return {};
    return {found->second.data(), found->second.size()};
  }

  bool cancelled() const override { return cancelled_.load(std::memory_order_relaxed); }

  bool WaitForCancellation(absl::Duration at_most) const override {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(
                                       +[](const ToolCall* call) { return call->cancelled(); }, this),
                                   at_most);
  }

  // grpc::ServerWriteReactor:
  void OnWriteDone(bool ok) override {
    CallToolEvent* next = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      waiting_.pop_front();
      if (!ok) waiting_.clear();  // nobody reads any more
      writing_ = !waiting_.empty();
      if (writing_) {
        next = &waiting_.front();
      } else if (!concluded_) {
        return;
      }
    }
    if (next != nullptr) {
      StartWrite(next);
    } else {
      FinishNow();
    }
  }

  void OnCancel() override {
    absl::MutexLock lock(&mutex_);  // wakes WaitForCancellation() when released
    cancelled_.store(true, std::memory_order_relaxed);
  }

  void OnDone() override {
    metrics_.calls_in_flight.Decrement();
    delete this;
  }

 protected:
  void Emit(CallToolEvent event) override {
    CallToolEvent* first = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      if (waiting_.size() >= kMaxWaitingEvents || cancelled() || concluded_) {
        metrics_.events_dropped.Increment();
        return;
      }
      waiting_.push_back(std::move(event));
      if (!writing_) first = &waiting_.front();
      writing_ = true;
    }
    if (first != nullptr) StartWrite(first);
  }

 private:
  absl::StatusOr<Outcome> CallHandler(const Handler& handler) {
    try {
      return handler(*this, request_.arguments_json());
    } catch (const std::exception& exception) {  // of the author's code: ours throws nothing
      return absl::InternalError(absl::StrCat("the handler threw: ", exception.what()));
    } catch (...) {
      return absl::InternalError("the handler threw");
    }
  }

  void Count(const std::string& tool, const absl::StatusOr<Outcome>& outcome) {
    const absl::Duration took = absl::Now() - start_time_;
    const ToolMetrics& metrics = metrics_.ForTool(tool);
    metrics.seconds.Observe(absl::ToDoubleSeconds(took));
    if (outcome.ok()) {
      const CallToolResult* const result = std::get_if<CallToolResult>(&*outcome);
      (result == nullptr ? metrics.input_required : result->is_error() ? metrics.tool_error : metrics.ok).Increment();
      return;
    }
    const absl::Status& status = outcome.status();
    const bool is_refusal = IsRefusal(status.code());
    const bool is_cancelled = cancelled() || status.code() == absl::StatusCode::kCancelled;
    (is_cancelled ? metrics.cancelled : is_refusal ? metrics.refused : metrics.failed).Increment();
    common::Log(is_refusal || is_cancelled ? common::Severity::kInfo : common::Severity::kWarning, "tool_call_failed",
                {{"tool", tool},
                 {"code", absl::StatusCodeToString(status.code())},
                 {"message", status.message()},
                 {"seconds", absl::ToDoubleSeconds(took)},
                 {"request_id", request_.context().request_id()}});
  }

  // Ends the call, after `last` if there is one, once what waits is written. This object may be gone when it returns.
  void FinishWith(absl::Status status, std::optional<CallToolEvent> last = std::nullopt) {
    {
      absl::MutexLock lock(&mutex_);
      status_ = std::move(status);
      last_ = std::move(last);
      concluded_ = true;
      if (writing_) return;  // OnWriteDone() goes on
    }
    FinishNow();
  }

  void FinishNow() {
    if (last_.has_value()) {
      StartWriteAndFinish(&*last_, grpc::WriteOptions(), grpc::Status::OK);
    } else {
      Finish(ToGrpcStatus(status_));
    }
  }

  grpc::CallbackServerContext& context_;
  const CallToolRequest& request_;
  Metrics& metrics_;
  const absl::Time start_time_;
  std::atomic<bool> cancelled_{false};
  mutable absl::Mutex mutex_;
  std::list<CallToolEvent> waiting_ ABSL_GUARDED_BY(mutex_);  // the first one is being written if `writing_`
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool concluded_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_;                // set before `concluded_`, then constant
  std::optional<CallToolEvent> last_;  // likewise
};

}  // namespace

// One edge that watches the catalogue. Holds itself until gRPC is done with it.
class CatalogStream final : public grpc::ServerWriteReactor<Catalog>, public CatalogWatcher {
 public:
  // The stream is given to gRPC, which says when it is done with it: only then does it let go of itself.
  static std::shared_ptr<CatalogStream> Create(const Service& service, Metrics& metrics) {
    std::shared_ptr<CatalogStream> stream(new CatalogStream(service, metrics));
    absl::MutexLock lock(&stream->mutex_);
    stream->self_ = stream;
    return stream;
  }

  void End(const grpc::Status& status) {
    GoOn([&](CatalogStream& stream) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      if (!stream.end_.has_value()) stream.end_ = status;
    });
  }

  void OnCatalogChanged() override {
    GoOn([](CatalogStream& stream) ABSL_NO_THREAD_SAFETY_ANALYSIS { stream.stale_ = true; });
  }

  void OnWriteDone(bool ok) override {
    GoOn([ok](CatalogStream& stream) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      stream.writing_ = false;
      if (!ok && !stream.end_.has_value()) stream.end_ = grpc::Status::CANCELLED;
    });
  }

  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnDone() override {
    metrics_.catalog_streams.Decrement();
    std::shared_ptr<CatalogStream> self;  // goes after the lock
    absl::MutexLock lock(&mutex_);
    self.swap(self_);
  }

 private:
  CatalogStream(const Service& service, Metrics& metrics) : service_(service), metrics_(metrics) {
    metrics_.catalog_streams.Increment();
  }

  // Applies `change` and takes the step that follows from the state, if any. No lock is held while gRPC is called.
  template <typename Change>
  void GoOn(Change change) ABSL_LOCKS_EXCLUDED(mutex_) {
    std::optional<grpc::Status> end;
    {
      absl::MutexLock lock(&mutex_);
      change(*this);
      if (writing_ || ended_ || (!end_.has_value() && !stale_)) return;
      if (end_.has_value()) {
        ended_ = true;
        end = end_;
      } else {
        stale_ = false;
        writing_ = true;
        sending_ = service_.catalog();
      }
    }
    if (end.has_value()) {
      Finish(*end);
    } else {
      StartWrite(sending_.get());  // constant while `writing_`
    }
  }

  const Service& service_;
  Metrics& metrics_;
  absl::Mutex mutex_;
  std::shared_ptr<CatalogStream> self_ ABSL_GUARDED_BY(mutex_);
  bool stale_ ABSL_GUARDED_BY(mutex_) = false;  // the client has not been sent the catalogue as it is
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // Finish() was called
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Catalog> sending_;
};

grpc::ServerWriteReactor<Catalog>* GrpcService::WatchCatalog(grpc::CallbackServerContext*,
                                                             const gatehouse::tool::v1::WatchCatalogRequest*) {
  const std::shared_ptr<CatalogStream> stream = CatalogStream::Create(service_, metrics_);
  bool ending;
  {
    absl::MutexLock lock(&mutex_);
    ending = ending_;
    streams_.erase(std::remove_if(streams_.begin(), streams_.end(), [](const auto& each) { return each.expired(); }),
                   streams_.end());
    streams_.push_back(stream);
  }
  service_.Watch(stream);
  stream->OnCatalogChanged();  // sends the first one
  if (ending) stream->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "shutting down"));
  return stream.get();  // held by itself until OnDone()
}

void GrpcService::EndCatalogStreams() {
  std::vector<std::shared_ptr<CatalogStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    for (const auto& each : streams_) {
      if (auto stream = each.lock()) streams.push_back(std::move(stream));
    }
  }
  for (const auto& stream : streams) stream->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "shutting down"));
}

grpc::ServerWriteReactor<CallToolEvent>* GrpcService::CallTool(grpc::CallbackServerContext* context,
                                                               const CallToolRequest* request) {
  ToolCall* const call = new ToolCall(*context, *request, metrics_);
  const std::shared_ptr<const RegisteredTool> tool = service_.Find(request->name());
  if (tool == nullptr) {
    call->FinishUnknown();
  } else if (tool->execution == Execution::kInline) {
    call->Run(*tool);
  } else if (!executor_.TryRun([call, tool] { call->Run(*tool); })) {
    call->FinishOverloaded(*tool, service_, executor_);
  }
  return call;  // gRPC holds back OnDone() until it has been given the reactor
}

}  // namespace tool_service
