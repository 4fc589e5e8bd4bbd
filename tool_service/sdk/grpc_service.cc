#include "tool_service/sdk/grpc_service.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"

namespace tool_service {
namespace {

using gatehouse::tool::v1::GetPromptRequest;
using gatehouse::tool::v1::GetPromptResponse;
using gatehouse::tool::v1::ListResourcesRequest;
using gatehouse::tool::v1::ReadResourceRequest;
using gatehouse::tool::v1::ReadResourceResponse;
using gatehouse::tool::v1::ResourceUpdated;

// How many progress and log events of a call may wait for a client that reads slowly.
constexpr size_t kMaxWaitingEvents = 256;

// How many URIs of resources may wait for an edge that reads slowly.
constexpr size_t kMaxWaitingUpdates = 4096;

grpc::Status ToGrpcStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

grpc::Status ShuttingDown() { return grpc::Status(grpc::StatusCode::UNAVAILABLE, "shutting down"); }

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

absl::Status Busy(const std::string& service, const common::ThreadExecutor& executor) {
  return absl::ResourceExhaustedError(absl::StrCat(service, " is busy: ", executor.max_threads(),
                                                   " calls are running and ", executor.max_waiting(),
                                                   " are waiting; try again in a moment"));
}

// Runs an author's function. Ours throw nothing; theirs may.
template <typename Function>
auto CallGuarded(const Function& function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::exception& exception) {
    return absl::InternalError(absl::StrCat("the handler threw: ", exception.what()));
  } catch (...) {
    return absl::InternalError("the handler threw");
  }
}

// Counts and logs a request that ended with an error status.
void CountError(const OutcomeMetrics& metrics, absl::string_view what, const absl::Status& status, bool cancelled,
                absl::Duration took, const CallContext& caller) {
  const bool is_refusal = IsRefusal(status.code());
  const bool is_cancelled = cancelled || status.code() == absl::StatusCode::kCancelled;
  (is_cancelled ? metrics.cancelled : is_refusal ? metrics.refused : metrics.failed).Increment();
  common::Log(is_refusal || is_cancelled ? common::Severity::kInfo : common::Severity::kWarning, "tool_call_failed",
              {{"tool", what},
               {"code", absl::StatusCodeToString(status.code())},
               {"message", status.message()},
               {"seconds", absl::ToDoubleSeconds(took)},
               {"request_id", caller.request_id()}});
}

// The principal of a request, to be replaced by the one that is signed. gRPC made the request for this one call, as an
// object that is not const; it only has no other way to give it to a method.
template <typename Request>
Principal& PrincipalOf(const Request& request) {
  return *const_cast<Request&>(request).mutable_context()->mutable_principal();
}

// Puts the verified principal into a request, or says why there is none.
template <typename Request>
absl::Status TakeVerdict(PrincipalVerdict verdict, const Request& request, Metrics& metrics) {
  if (const auto* principal = std::get_if<std::shared_ptr<const Principal>>(&verdict)) {
    PrincipalOf(request) = **principal;
    return absl::OkStatus();
  }
  const RefusedPrincipal& refused = std::get<RefusedPrincipal>(verdict);
  const absl::string_view reason = PrincipalRefusalName(refused.refusal);
  metrics.PrincipalRefused(reason).Increment();
  common::Log(common::Severity::kWarning, "principal_refused",
              {{"reason", reason}, {"message", refused.message}, {"request_id", request.context().request_id()}});
  if (refused.refusal == PrincipalRefusal::kNoKeys) return absl::UnavailableError(refused.message);
  return absl::UnauthenticatedError(refused.message);
}

// Finds out who makes a request, for its handler to see. OK without a verifier. Nothing: that cannot be told without
// waiting.
template <typename Request>
std::optional<absl::Status> IdentifyNow(PrincipalVerifier* verifier, const Request& request, Metrics& metrics) {
  if (verifier == nullptr) return absl::OkStatus();
  std::optional<PrincipalVerdict> verdict = verifier->VerifyNow(request.context().principal().assertion());
  if (!verdict.has_value()) return std::nullopt;
  return TakeVerdict(*std::move(verdict), request, metrics);
}

// The same, and waits until `deadline` if need be.
template <typename Request>
absl::Status Identify(PrincipalVerifier* verifier, const Request& request, absl::Time deadline, Metrics& metrics) {
  if (verifier == nullptr) return absl::OkStatus();
  return TakeVerdict(verifier->Verify(request.context().principal().assertion(), deadline), request, metrics);
}

// What a RequestContext has of gRPC's. `Base` is a RequestContext.
template <typename Base>
class GrpcContext : public Base {
 public:
  explicit GrpcContext(grpc::CallbackServerContext& context) : context_(context) {}

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
                                       +[](const GrpcContext* call) { return call->cancelled(); }, this),
                                   at_most);
  }

 protected:
  void SetCancelled() {
    absl::MutexLock lock(&mutex_);  // wakes WaitForCancellation() when released
    cancelled_.store(true, std::memory_order_relaxed);
  }

  mutable absl::Mutex mutex_;

 private:
  grpc::CallbackServerContext& context_;
  std::atomic<bool> cancelled_{false};
};

// One running call. Deletes itself when gRPC is done with it.
//
// At most one write is under way; the events that come meanwhile wait in `waiting_`, and the outcome after them. The
// outcome leaves together with the status in one batch. No lock is held while gRPC is called.
class ToolCall final : public grpc::ServerWriteReactor<CallToolEvent>, public GrpcContext<ToolContext> {
 public:
  ToolCall(grpc::CallbackServerContext& context, const CallToolRequest& request, Metrics& metrics)
      : GrpcContext(context), request_(request), metrics_(metrics), start_time_(absl::Now()) {
    metrics_.calls_in_flight.Increment();
  }

  // Ends a call of a tool that is not there.
  void FinishUnknown() {
    metrics_.unknown_tool.Increment();
    FinishWith(absl::NotFoundError(absl::StrCat("there is no tool named \"", request_.name(), "\"")));
  }

  // Ends a call of which nobody knows who makes it.
  void FinishUnidentified(absl::Status status) { FinishWith(std::move(status)); }

  // Ends a call for which there is no thread. `tool`: null when there is none of that name.
  void FinishOverloaded(const RegisteredTool* tool, const Service& service, const common::ThreadExecutor& executor) {
    if (tool != nullptr) {
      metrics_.ForTool(tool->tool.name()).overloaded.Increment();
      common::Log(common::Severity::kWarning, "tool_overloaded",
                  {{"tool", tool->tool.name()}, {"request_id", request_.context().request_id()}});
    }
    FinishWith(Busy(service.name(), executor));
  }

  // Runs the handler and ends the call. This object may be gone when it returns.
  void Run(const RegisteredTool& tool) {
    absl::StatusOr<Outcome> outcome = absl::CancelledError("the call was cancelled before it ran");
    if (!cancelled()) {
      outcome =
          CallGuarded([&]() -> absl::StatusOr<Outcome> { return tool.handler(*this, request_.arguments_json()); });
    }
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

  void OnCancel() override { SetCancelled(); }

  void OnDone() override {
    metrics_.calls_in_flight.Decrement();
    delete this;
  }

 protected:
  void Emit(CallToolEvent event, bool may_drop) override {
    CallToolEvent* first = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      const bool is_again = event.has_task_started() && task_started_;
      task_started_ = task_started_ || event.has_task_started();
      if (is_again) return;
      if ((may_drop && waiting_.size() >= kMaxWaitingEvents) || cancelled() || concluded_) {
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
  void Count(const std::string& tool, const absl::StatusOr<Outcome>& outcome) {
    const absl::Duration took = absl::Now() - start_time_;
    const OutcomeMetrics& metrics = metrics_.ForTool(tool);
    metrics.seconds.Observe(absl::ToDoubleSeconds(took));
    if (outcome.ok()) {
      const CallToolResult* const result = std::get_if<CallToolResult>(&*outcome);
      (result == nullptr ? metrics.input_required : result->is_error() ? metrics.tool_error : metrics.ok).Increment();
    } else {
      CountError(metrics, tool, outcome.status(), cancelled(), took, caller());
    }
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

  const CallToolRequest& request_;
  Metrics& metrics_;
  const absl::Time start_time_;
  std::list<CallToolEvent> waiting_ ABSL_GUARDED_BY(mutex_);  // the first one is being written if `writing_`
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool concluded_ ABSL_GUARDED_BY(mutex_) = false;
  bool task_started_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_;                // set before `concluded_`, then constant
  std::optional<CallToolEvent> last_;  // likewise
};

// One request with one response. Deletes itself when gRPC is done with it.
template <typename Request>
class UnaryCall final : public grpc::ServerUnaryReactor, public GrpcContext<RequestContext> {
 public:
  UnaryCall(grpc::CallbackServerContext& context, const Request& request, Metrics& metrics, PrincipalVerifier* verifier,
            const OutcomeMetrics& outcomes, const char* method)
      : GrpcContext(context),
        request_(request),
        metrics_(metrics),
        verifier_(verifier),
        outcomes_(outcomes),
        method_(method),
        start_time_(absl::Now()) {
    metrics_.calls_in_flight.Increment();
  }

  // Does `work` on the executor and ends the request with its status. `work` fills the response, and says whether that
  // asks for input.
  void Start(std::function<absl::StatusOr<bool>(RequestContext&)> work, const std::string& service,
             common::ThreadExecutor& executor) {
    if (executor.Submit([this, work = std::move(work)] { Run(work); })) return;
    outcomes_.overloaded.Increment();
    common::Log(common::Severity::kWarning, "tool_overloaded",
                {{"tool", method_}, {"request_id", caller().request_id()}});
    Finish(ToGrpcStatus(Busy(service, executor)));
  }

  // RequestContext:
  const CallContext& caller() const override { return request_.context(); }

  // grpc::ServerUnaryReactor:
  void OnCancel() override { SetCancelled(); }

  void OnDone() override {
    metrics_.calls_in_flight.Decrement();
    delete this;
  }

 protected:
  const Responses& responses() const override {
    if constexpr (requires { request_.input_responses_json(); }) {
      return request_.input_responses_json();
    } else {
      static const Responses* const none = new Responses();
      return *none;
    }
  }

  const std::string& request_state() const override {
    if constexpr (requires { request_.request_state(); }) {
      return request_.request_state();
    } else {
      static const std::string* const none = new std::string();
      return *none;
    }
  }

 private:
  void Run(const std::function<absl::StatusOr<bool>(RequestContext&)>& work) {
    if (absl::Status status = Identify(verifier_, request_, deadline(), metrics_); !status.ok()) {
      Finish(ToGrpcStatus(status));
      return;
    }
    absl::StatusOr<bool> asks = absl::CancelledError("the request was cancelled before it ran");
    if (!cancelled()) asks = CallGuarded([&]() -> absl::StatusOr<bool> { return work(*this); });
    const absl::Duration took = absl::Now() - start_time_;
    outcomes_.seconds.Observe(absl::ToDoubleSeconds(took));
    if (asks.ok()) {
      (*asks ? outcomes_.input_required : outcomes_.ok).Increment();
    } else {
      CountError(outcomes_, method_, asks.status(), cancelled(), took, caller());
    }
    Finish(ToGrpcStatus(asks.status()));
  }

  const Request& request_;
  Metrics& metrics_;
  PrincipalVerifier* const verifier_;
  const OutcomeMetrics& outcomes_;
  const char* const method_;
  const absl::Time start_time_;
};

// One edge that watches something. Holds itself until gRPC is done with it.
//
// What there is to say is kept by the derived class, under `mutex_`. No lock is held while gRPC is called.
template <typename Message>
class WatchStream : public grpc::ServerWriteReactor<Message>, public ServiceWatcher, public OpenStream {
 public:
  // The stream is given to gRPC, which says when it is done with it: only then does it let go of itself.
  static void Begin(const std::shared_ptr<WatchStream>& stream) {
    absl::MutexLock lock(&stream->mutex_);
    stream->self_ = stream;
  }

  void EndForShutdown() override { End(ShuttingDown()); }
  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnWriteDone(bool ok) override {
    GoOn([this, ok]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      writing_ = false;
      if (!ok && !end_.has_value()) end_ = grpc::Status::CANCELLED;
    });
  }

  void OnDone() override {
    streams_.Decrement();
    std::shared_ptr<WatchStream> self;  // goes after the lock
    absl::MutexLock lock(&mutex_);
    self.swap(self_);
  }

 protected:
  explicit WatchStream(prometheus::Gauge& streams) : streams_(streams) { streams_.Increment(); }

  // What is to be sent next, or null.
  virtual std::shared_ptr<const Message> TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;

  // Applies `change` and takes the step that follows from the state, if any.
  template <typename Change>
  void GoOn(Change change) ABSL_LOCKS_EXCLUDED(mutex_) {
    std::optional<grpc::Status> end;
    {
      absl::MutexLock lock(&mutex_);
      change();
      if (writing_ || ended_) return;
      if (end_.has_value()) {
        ended_ = true;
        end = end_;
      } else {
        sending_ = TakeNext();
        if (sending_ == nullptr) return;
        writing_ = true;
      }
    }
    if (end.has_value()) {
      this->Finish(*end);
    } else {
      this->StartWrite(sending_.get());  // constant while `writing_`
    }
  }

  absl::Mutex mutex_;

 private:
  void End(const grpc::Status& status) {
    GoOn([this, &status]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      if (!end_.has_value()) end_ = status;
    });
  }

  prometheus::Gauge& streams_;
  std::shared_ptr<WatchStream> self_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // Finish() was called
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Message> sending_;
};

class CatalogStream final : public WatchStream<Catalog> {
 public:
  CatalogStream(const Service& service, prometheus::Gauge& streams) : WatchStream(streams), service_(service) {}

  void OnCatalogChanged() override {
    GoOn([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { stale_ = true; });
  }

 protected:
  std::shared_ptr<const Catalog> TakeNext() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!std::exchange(stale_, false)) return nullptr;
    return service_.catalog();
  }

 private:
  const Service& service_;
  bool stale_ ABSL_GUARDED_BY(mutex_) = false;  // the client has not been sent the catalogue as it is
};

class ResourceStream final : public WatchStream<ResourceUpdated> {
 public:
  ResourceStream(prometheus::Gauge& streams, prometheus::Counter& dropped) : WatchStream(streams), dropped_(dropped) {}

  void OnResourceUpdated(const std::string& uri) override {
    GoOn([this, &uri]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      if (waiting_.size() >= kMaxWaitingUpdates) {
        dropped_.Increment();
      } else if (is_waiting_.insert(uri).second) {
        waiting_.push_back(uri);
      }
    });
  }

 protected:
  std::shared_ptr<const ResourceUpdated> TakeNext() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (waiting_.empty()) return nullptr;
    auto update = std::make_shared<ResourceUpdated>();
    is_waiting_.erase(waiting_.front());
    update->set_uri(std::move(waiting_.front()));
    waiting_.pop_front();
    return update;
  }

 private:
  prometheus::Counter& dropped_;
  std::deque<std::string> waiting_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> is_waiting_ ABSL_GUARDED_BY(mutex_);
};

// Moves an outcome into the response that has room for both kinds. Returns whether it asks for input.
template <typename Result, typename Response>
absl::StatusOr<bool> Fill(absl::StatusOr<std::variant<Result, InputRequired>> outcome, Response* response) {
  if (!outcome.ok()) return outcome.status();
  if (InputRequired* const required = std::get_if<InputRequired>(&*outcome)) {
    *response->mutable_input_required() = std::move(*required);
    return true;
  }
  *response->mutable_result() = std::move(std::get<Result>(*outcome));
  return false;
}

// The same for a response that is nothing else.
template <typename Response>
absl::StatusOr<bool> Fill(absl::StatusOr<Response> outcome, Response* response) {
  if (!outcome.ok()) return outcome.status();
  *response = *std::move(outcome);
  return false;
}

}  // namespace

void GrpcService::Keep(const std::shared_ptr<OpenStream>& stream) {
  bool ending;
  {
    absl::MutexLock lock(&mutex_);
    ending = ending_;
    streams_.erase(std::remove_if(streams_.begin(), streams_.end(), [](const auto& each) { return each.expired(); }),
                   streams_.end());
    streams_.push_back(stream);
  }
  if (ending) stream->EndForShutdown();
}

grpc::ServerWriteReactor<Catalog>* GrpcService::WatchCatalog(grpc::CallbackServerContext*,
                                                             const gatehouse::tool::v1::WatchCatalogRequest*) {
  const auto stream = std::make_shared<CatalogStream>(service_, metrics_.catalog_streams);
  CatalogStream::Begin(stream);
  service_.Watch(stream);
  stream->OnCatalogChanged();  // sends the first one
  Keep(stream);
  return stream.get();  // held by itself until OnDone()
}

grpc::ServerWriteReactor<ResourceUpdated>* GrpcService::WatchResources(
    grpc::CallbackServerContext*, const gatehouse::tool::v1::WatchResourcesRequest*) {
  const auto stream = std::make_shared<ResourceStream>(metrics_.resource_streams, metrics_.updates_dropped);
  ResourceStream::Begin(stream);
  service_.Watch(stream);
  Keep(stream);
  return stream.get();
}

void GrpcService::EndStreams() {
  std::vector<std::shared_ptr<OpenStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    for (const auto& each : streams_) {
      if (auto stream = each.lock()) streams.push_back(std::move(stream));
    }
  }
  for (const auto& stream : streams) stream->EndForShutdown();
}

grpc::ServerWriteReactor<CallToolEvent>* GrpcService::CallTool(grpc::CallbackServerContext* context,
                                                               const CallToolRequest* request) {
  ToolCall* const call = new ToolCall(*context, *request, metrics_);
  const std::shared_ptr<const RegisteredTool> tool = service_.Find(request->name());
  const auto go_on = [call, tool](absl::Status identified) {
    if (!identified.ok()) {
      call->FinishUnidentified(std::move(identified));
    } else if (tool == nullptr) {
      call->FinishUnknown();
    } else {
      call->Run(*tool);
    }
  };
  if (tool == nullptr || tool->execution == Execution::kInline) {
    if (std::optional<absl::Status> identified = IdentifyNow(verifier_, *request, metrics_); identified.has_value()) {
      go_on(*std::move(identified));
      return call;
    }
  }
  const auto identify_and_go_on = [this, request, call, go_on] {
    go_on(Identify(verifier_, *request, call->deadline(), metrics_));
  };
  if (!executor_.Submit(identify_and_go_on)) call->FinishOverloaded(tool.get(), service_, executor_);
  return call;  // gRPC holds back OnDone() until it has been given the reactor
}

grpc::ServerUnaryReactor* GrpcService::ReadResource(grpc::CallbackServerContext* context,
                                                    const ReadResourceRequest* request,
                                                    ReadResourceResponse* response) {
  auto* const call =
      new UnaryCall(*context, *request, metrics_, verifier_, metrics_.ForMethod("read_resource"), "read_resource");
  call->Start([this, request,
               response](RequestContext& each) { return Fill(service_.ReadResource(each, request->uri()), response); },
              service_.name(), executor_);
  return call;
}

grpc::ServerUnaryReactor* GrpcService::ListResources(grpc::CallbackServerContext* context,
                                                     const ListResourcesRequest* request,
                                                     ListResourcesResponse* response) {
  auto* const call =
      new UnaryCall(*context, *request, metrics_, verifier_, metrics_.ForMethod("list_resources"), "list_resources");
  call->Start(
      [this, request, response](RequestContext& each) {
        return Fill(service_.ListResources(each, request->cursor(), request->page_size()), response);
      },
      service_.name(), executor_);
  return call;
}

grpc::ServerUnaryReactor* GrpcService::GetPrompt(grpc::CallbackServerContext* context, const GetPromptRequest* request,
                                                 GetPromptResponse* response) {
  auto* const call =
      new UnaryCall(*context, *request, metrics_, verifier_, metrics_.ForMethod("get_prompt"), "get_prompt");
  call->Start(
      [this, request, response](RequestContext& each) {
        const PromptArguments arguments(request->arguments().begin(), request->arguments().end());
        return Fill(service_.GetPrompt(each, request->name(), arguments), response);
      },
      service_.name(), executor_);
  return call;
}

grpc::ServerUnaryReactor* GrpcService::Complete(grpc::CallbackServerContext* context, const CompleteRequest* request,
                                                CompleteResponse* response) {
  auto* const call = new UnaryCall(*context, *request, metrics_, verifier_, metrics_.ForMethod("complete"), "complete");
  call->Start(
      [this, request, response](RequestContext& each) { return Fill(service_.Complete(each, *request), response); },
      service_.name(), executor_);
  return call;
}

}  // namespace tool_service
