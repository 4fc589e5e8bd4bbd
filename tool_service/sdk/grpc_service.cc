#include "tool_service/sdk/grpc_service.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/rpc/watch_stream.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"

namespace tool_service {
namespace {

using common::RpcLoop;
using common::StreamRpc;
using common::ToGrpcStatus;
using common::UnaryRpc;
using common::UnreadableRequest;
using common::WatchStream;
using gatehouse::tool::v1::ResourceUpdated;
using gatehouse::tool::v1::ToolService;

// Every method, in encoded form: what cannot be read is then answered here, and not by gRPC.
template <typename Base>
using RawToolService = ToolService::WithRawMethod_WatchCatalog<ToolService::WithRawMethod_CallTool<
    ToolService::WithRawMethod_ReadResource<ToolService::WithRawMethod_GetPrompt<ToolService::WithRawMethod_Complete<
        ToolService::WithRawMethod_ListResources<ToolService::WithRawMethod_WatchResources<Base>>>>>>>;
using RpcMethods = RawToolService<ToolService::Service>;

// How many calls of a method may come at the same moment without gRPC having to keep them.
constexpr int kAwaitedCalls = 8;

// How many progress and log events of a call may wait for a client that reads slowly.
constexpr size_t kMaxWaitingEvents = 256;

// How many URIs of resources may wait for an edge that reads slowly.
constexpr size_t kMaxWaitingUpdates = 4096;

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

// The request of a call, and who makes it. The verified principal, which all calls with the same assertion share,
// becomes part of the request without a copy.
template <typename Message>
class CallRequest {
 public:
  CallRequest() = default;
  ~CallRequest() {
    if (principal_ != nullptr) (void)message_.mutable_context()->unsafe_arena_release_principal();
  }

  CallRequest(const CallRequest&) = delete;
  CallRequest& operator=(const CallRequest&) = delete;

  // False: the bytes are no such message.
  bool Read(grpc::ByteBuffer& bytes) { return common::ReadRpcMessage(bytes, message_); }

  const Message& operator*() const { return message_; }
  const Message* operator->() const { return &message_; }

  // Who makes it, of whom the handler sees that and nothing of what stood beside the assertion. OK without a verifier.
  // Nothing: that cannot be told without waiting.
  std::optional<absl::Status> IdentifyNow(PrincipalVerifier* verifier, Metrics& metrics) {
    if (verifier == nullptr) return absl::OkStatus();
    std::optional<PrincipalVerdict> verdict = verifier->VerifyNow(message_.context().principal().assertion());
    if (!verdict.has_value()) return std::nullopt;
    return Take(*std::move(verdict), metrics);
  }

  // The same, and waits until `deadline` if need be.
  absl::Status Identify(PrincipalVerifier* verifier, absl::Time deadline, Metrics& metrics) {
    if (verifier == nullptr) return absl::OkStatus();
    return Take(verifier->Verify(message_.context().principal().assertion(), deadline), metrics);
  }

 private:
  // Puts the verified principal into the request, or says why there is none.
  absl::Status Take(PrincipalVerdict verdict, Metrics& metrics) {
    if (auto* principal = std::get_if<std::shared_ptr<const Principal>>(&verdict)) {
      principal_ = std::move(*principal);
      // It is lent, until the destructor takes it out again; and from here on everybody has it as a constant.
      message_.mutable_context()->unsafe_arena_set_allocated_principal(const_cast<Principal*>(principal_.get()));
      return absl::OkStatus();
    }
    const RefusedPrincipal& refused = std::get<RefusedPrincipal>(verdict);
    const absl::string_view reason = PrincipalRefusalName(refused.refusal);
    metrics.PrincipalRefused(reason).Increment();
    common::Log(common::Severity::kWarning, "principal_refused",
                {{"reason", reason}, {"message", refused.message}, {"request_id", message_.context().request_id()}});
    if (refused.refusal == PrincipalRefusal::kNoKeys) return absl::UnavailableError(refused.message);
    return absl::UnauthenticatedError(refused.message);
  }

  Message message_;
  std::shared_ptr<const Principal> principal_;
};

// What a RequestContext has of gRPC's. `Base` is a RequestContext.
template <typename Base>
class GrpcContext : public Base {
 public:
  explicit GrpcContext(const grpc::ServerContext& context) : grpc_context_(context) {}

  absl::Time deadline() const override {
    const auto deadline = grpc_context_.deadline();
    return deadline == std::chrono::system_clock::time_point::max() ? absl::InfiniteFuture()
                                                                    : absl::FromChrono(deadline);
  }

  absl::string_view header(absl::string_view name) const override {
    absl::MutexLock lock(&mutex_);  // the map is filled by the first who looks
    const auto& headers = grpc_context_.client_metadata();
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
  const grpc::ServerContext& grpc_context_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace

class GrpcServiceCore {
 public:
  GrpcServiceCore(tool_service::Service& service, common::ThreadExecutor& executor, Metrics& metrics,
                  PrincipalVerifier* verifier)
      : service(service), executor(executor), metrics(metrics), verifier(verifier) {}

  // Remembers a stream until it ends; ends it at once if this is the end.
  void Keep(const std::shared_ptr<WatchStream>& stream);
  void EndStreams();

  tool_service::Service& service;
  common::ThreadExecutor& executor;
  Metrics& metrics;
  PrincipalVerifier* const verifier;
  RpcMethods methods;
  RpcLoop* loop = nullptr;  // set before the first call, then constant

 private:
  absl::Mutex mutex_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<WatchStream>> streams_ ABSL_GUARDED_BY(mutex_);
};

namespace {

// One call of a tool.
//
// At most one write is under way; the events that come meanwhile wait in `waiting_`, and the outcome after them. The
// outcome leaves together with the status in one batch. No lock is held while gRPC is called.
class ToolCall final : public StreamRpc, public GrpcContext<ToolContext> {
 public:
  static void Await(GrpcServiceCore& core) {
    ToolCall* const call = new ToolCall(core);
    grpc::ServerCompletionQueue* const queue = core.loop->queue();
    core.methods.RequestCallTool(&call->context_, &call->request_bytes_, &call->writer_, queue, queue,
                                 call->AskForArrival());
  }

  // ToolContext:
  const CallToolRequest& request() const override { return *request_; }

 protected:
  void Emit(CallToolEvent event, bool may_drop) override {
    CallToolEvent* first = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      const bool is_again = event.has_task_started() && task_started_;
      task_started_ = task_started_ || event.has_task_started();
      if (is_again) return;
      if ((may_drop && waiting_.size() >= kMaxWaitingEvents) || cancelled() || concluded_) {
        core_.metrics.events_dropped.Increment();
        return;
      }
      waiting_.push_back(std::move(event));
      if (!writing_) first = &waiting_.front();
      writing_ = true;
    }
    if (first != nullptr) Write(*first);
  }

 private:
  explicit ToolCall(GrpcServiceCore& core) : StreamRpc(*core.loop), GrpcContext(context_), core_(core) {}

  // StreamRpc:
  void OnArrival() override {
    Await(core_);
    start_time_ = absl::Now();
    core_.metrics.calls_in_flight.Increment();
    if (!request_.Read(request_bytes_)) {
      FinishWith(UnreadableRequest());
      return;
    }
    tool_ = core_.service.Find(request_->name());
    if (tool_ == nullptr || tool_->execution == Execution::kInline) {
      if (const std::optional<absl::Status> identified = request_.IdentifyNow(core_.verifier, core_.metrics);
          identified.has_value()) {
        Answer(*identified);
        return;
      }
    }
    const auto identify_and_answer = [this] { Answer(request_.Identify(core_.verifier, deadline(), core_.metrics)); };
    if (!core_.executor.Submit(identify_and_answer)) FinishOverloaded();
  }

  void OnCancel() override { SetCancelled(); }

  void OnDone() override { core_.metrics.calls_in_flight.Decrement(); }

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
      Write(*next);
    } else {
      FinishNow();
    }
  }

  // Ends the call, of whom it is known or not who makes it. This object may be gone when it returns.
  void Answer(const absl::Status& identified) {
    if (!identified.ok()) {
      FinishWith(identified);
    } else if (tool_ == nullptr) {
      core_.metrics.unknown_tool.Increment();
      FinishWith(absl::NotFoundError(absl::StrCat("there is no tool named \"", request_->name(), "\"")));
    } else {
      Run();
    }
  }

  // Ends a call for which there is no thread.
  void FinishOverloaded() {
    if (tool_ != nullptr) {
      core_.metrics.ForTool(tool_->tool.name()).overloaded.Increment();
      common::Log(common::Severity::kWarning, "tool_overloaded",
                  {{"tool", tool_->tool.name()}, {"request_id", caller().request_id()}});
    }
    FinishWith(Busy(core_.service.name(), core_.executor));
  }

  // Runs the handler and ends the call.
  void Run() {
    absl::StatusOr<Outcome> outcome = absl::CancelledError("the call was cancelled before it ran");
    if (!cancelled()) {
      outcome =
          CallGuarded([&]() -> absl::StatusOr<Outcome> { return tool_->handler(*this, request_->arguments_json()); });
    }
    Count(tool_->tool.name(), outcome);
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

  void Count(const std::string& tool, const absl::StatusOr<Outcome>& outcome) {
    const absl::Duration took = absl::Now() - start_time_;
    const OutcomeMetrics& metrics = core_.metrics.ForTool(tool);
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
      WriteAndFinish(*last_);
    } else {
      Finish(ToGrpcStatus(status_));
    }
  }

  GrpcServiceCore& core_;
  absl::Time start_time_;
  CallRequest<CallToolRequest> request_;
  std::shared_ptr<const RegisteredTool> tool_;                // null: there is none of that name
  std::list<CallToolEvent> waiting_ ABSL_GUARDED_BY(mutex_);  // the first one is being written if `writing_`
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool concluded_ ABSL_GUARDED_BY(mutex_) = false;
  bool task_started_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_;                // set before `concluded_`, then constant
  std::optional<CallToolEvent> last_;  // likewise
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

// The methods with one response. Each says how gRPC is asked for a call of it, and fills the response; whether that
// asks for input is what it returns.

struct ReadResourceMethod {
  using Request = gatehouse::tool::v1::ReadResourceRequest;
  using Response = gatehouse::tool::v1::ReadResourceResponse;
  static constexpr char kName[] = "read_resource";

  template <typename... Arguments>
  static void Await(RpcMethods& methods, Arguments... arguments) {
    methods.RequestReadResource(arguments...);
  }

  static absl::StatusOr<bool> Answer(const Service& service, RequestContext& context, const Request& request,
                                     Response* response) {
    return Fill(service.ReadResource(context, request.uri()), response);
  }
};

struct ListResourcesMethod {
  using Request = gatehouse::tool::v1::ListResourcesRequest;
  using Response = ListResourcesResponse;
  static constexpr char kName[] = "list_resources";

  template <typename... Arguments>
  static void Await(RpcMethods& methods, Arguments... arguments) {
    methods.RequestListResources(arguments...);
  }

  static absl::StatusOr<bool> Answer(const Service& service, RequestContext& context, const Request& request,
                                     Response* response) {
    return Fill(service.ListResources(context, request.cursor(), request.page_size()), response);
  }
};

struct GetPromptMethod {
  using Request = gatehouse::tool::v1::GetPromptRequest;
  using Response = gatehouse::tool::v1::GetPromptResponse;
  static constexpr char kName[] = "get_prompt";

  template <typename... Arguments>
  static void Await(RpcMethods& methods, Arguments... arguments) {
    methods.RequestGetPrompt(arguments...);
  }

  static absl::StatusOr<bool> Answer(const Service& service, RequestContext& context, const Request& request,
                                     Response* response) {
    const PromptArguments arguments(request.arguments().begin(), request.arguments().end());
    return Fill(service.GetPrompt(context, request.name(), arguments), response);
  }
};

struct CompleteMethod {
  using Request = CompleteRequest;
  using Response = CompleteResponse;
  static constexpr char kName[] = "complete";

  template <typename... Arguments>
  static void Await(RpcMethods& methods, Arguments... arguments) {
    methods.RequestComplete(arguments...);
  }

  static absl::StatusOr<bool> Answer(const Service& service, RequestContext& context, const Request& request,
                                     Response* response) {
    return Fill(service.Complete(context, request), response);
  }
};

// One request with one response, answered on the executor.
template <typename Method>
class UnaryCall final : public UnaryRpc, public GrpcContext<RequestContext> {
 public:
  static void Await(GrpcServiceCore& core) {
    UnaryCall* const call = new UnaryCall(core);
    grpc::ServerCompletionQueue* const queue = core.loop->queue();
    Method::Await(core.methods, &call->context_, &call->request_bytes_, &call->writer_, queue, queue,
                  call->AskForArrival());
  }

  // RequestContext:
  const CallContext& caller() const override { return request_->context(); }

 protected:
  const Responses& responses() const override {
    if constexpr (requires { request_->input_responses_json(); }) {
      return request_->input_responses_json();
    } else {
      static const Responses* const none = new Responses();
      return *none;
    }
  }

  const std::string& request_state() const override {
    if constexpr (requires { request_->request_state(); }) {
      return request_->request_state();
    } else {
      static const std::string* const none = new std::string();
      return *none;
    }
  }

 private:
  explicit UnaryCall(GrpcServiceCore& core)
      : UnaryRpc(*core.loop), GrpcContext(context_), core_(core), outcomes_(core.metrics.ForMethod(Method::kName)) {}

  // UnaryRpc:
  void OnArrival() override {
    Await(core_);
    start_time_ = absl::Now();
    core_.metrics.calls_in_flight.Increment();
    if (!request_.Read(request_bytes_)) {
      FinishWithError(ToGrpcStatus(UnreadableRequest()));
      return;
    }
    if (core_.executor.Submit([this] { Run(); })) return;
    outcomes_.overloaded.Increment();
    common::Log(common::Severity::kWarning, "tool_overloaded",
                {{"tool", Method::kName}, {"request_id", caller().request_id()}});
    FinishWithError(ToGrpcStatus(Busy(core_.service.name(), core_.executor)));
  }

  void OnCancel() override { SetCancelled(); }

  void OnDone() override { core_.metrics.calls_in_flight.Decrement(); }

  // Ends the call. This object may be gone when it returns.
  void Run() {
    if (const absl::Status status = request_.Identify(core_.verifier, deadline(), core_.metrics); !status.ok()) {
      FinishWithError(ToGrpcStatus(status));
      return;
    }
    typename Method::Response response;
    absl::StatusOr<bool> asks = absl::CancelledError("the request was cancelled before it ran");
    if (!cancelled()) {
      asks = CallGuarded(
          [&]() -> absl::StatusOr<bool> { return Method::Answer(core_.service, *this, *request_, &response); });
    }
    const absl::Duration took = absl::Now() - start_time_;
    outcomes_.seconds.Observe(absl::ToDoubleSeconds(took));
    if (asks.ok()) {
      (*asks ? outcomes_.input_required : outcomes_.ok).Increment();
      Finish(response);
    } else {
      CountError(outcomes_, Method::kName, asks.status(), cancelled(), took, caller());
      FinishWithError(ToGrpcStatus(asks.status()));
    }
  }

  GrpcServiceCore& core_;
  const OutcomeMetrics& outcomes_;
  absl::Time start_time_;
  CallRequest<typename Method::Request> request_;
};

class CatalogStream final : public WatchStream, public ServiceWatcher {
 public:
  explicit CatalogStream(GrpcServiceCore& core) : WatchStream(*core.loop), core_(core) {}

  static void Await(GrpcServiceCore& core) {
    const auto stream = std::make_shared<CatalogStream>(core);
    Begin(stream);
    grpc::ServerCompletionQueue* const queue = core.loop->queue();
    core.methods.RequestWatchCatalog(&stream->context_, &stream->request_bytes_, &stream->writer_, queue, queue,
                                     stream->AskForArrival());
  }

  // ServiceWatcher:
  void OnCatalogChanged() override {
    GoOn([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { stale_ = true; });
  }

 private:
  // WatchStream:
  void OnArrival() override {
    Await(core_);
    request_bytes_.Clear();  // it says nothing, and the stream stays
    core_.metrics.catalog_streams.Increment();
    core_.service.Watch(std::static_pointer_cast<CatalogStream>(self()));
    OnCatalogChanged();  // sends the first one
    core_.Keep(self());
  }

  void OnDone() override { core_.metrics.catalog_streams.Decrement(); }

  std::shared_ptr<const google::protobuf::MessageLite> TakeNext() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!std::exchange(stale_, false)) return nullptr;
    return core_.service.catalog();
  }

  GrpcServiceCore& core_;
  bool stale_ ABSL_GUARDED_BY(mutex_) = false;  // the client has not been sent the catalogue as it is
};

class ResourceStream final : public WatchStream, public ServiceWatcher {
 public:
  explicit ResourceStream(GrpcServiceCore& core) : WatchStream(*core.loop), core_(core) {}

  static void Await(GrpcServiceCore& core) {
    const auto stream = std::make_shared<ResourceStream>(core);
    Begin(stream);
    grpc::ServerCompletionQueue* const queue = core.loop->queue();
    core.methods.RequestWatchResources(&stream->context_, &stream->request_bytes_, &stream->writer_, queue, queue,
                                       stream->AskForArrival());
  }

  // ServiceWatcher:
  void OnResourceUpdated(const std::string& uri) override {
    GoOn([this, &uri]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      if (waiting_.size() >= kMaxWaitingUpdates) {
        core_.metrics.updates_dropped.Increment();
      } else if (is_waiting_.insert(uri).second) {
        waiting_.push_back(uri);
      }
    });
  }

 private:
  // WatchStream:
  void OnArrival() override {
    Await(core_);
    request_bytes_.Clear();  // it says nothing, and the stream stays
    core_.service.Watch(std::static_pointer_cast<ResourceStream>(self()));
    core_.metrics.resource_streams.Increment();
    core_.Keep(self());
  }

  void OnDone() override { core_.metrics.resource_streams.Decrement(); }

  std::shared_ptr<const google::protobuf::MessageLite> TakeNext() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (waiting_.empty()) return nullptr;
    auto update = std::make_shared<ResourceUpdated>();
    is_waiting_.erase(waiting_.front());
    update->set_uri(std::move(waiting_.front()));
    waiting_.pop_front();
    return update;
  }

  GrpcServiceCore& core_;
  std::deque<std::string> waiting_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> is_waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void GrpcServiceCore::Keep(const std::shared_ptr<WatchStream>& stream) {
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

void GrpcServiceCore::EndStreams() {
  std::vector<std::shared_ptr<WatchStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
    for (const auto& each : streams_) {
      if (auto stream = each.lock()) streams.push_back(std::move(stream));
    }
  }
  for (const auto& stream : streams) stream->EndForShutdown();
}

GrpcService::GrpcService(tool_service::Service& service, common::ThreadExecutor& executor, Metrics& metrics,
                         PrincipalVerifier* verifier)
    : core_(std::make_unique<GrpcServiceCore>(service, executor, metrics, verifier)) {}

GrpcService::~GrpcService() = default;

void GrpcService::Register(grpc::ServerBuilder& builder) { builder.RegisterService(&core_->methods); }

void GrpcService::Start(RpcLoop& loop) {
  core_->loop = &loop;
  for (int i = 0; i < kAwaitedCalls; ++i) {
    ToolCall::Await(*core_);
    UnaryCall<ReadResourceMethod>::Await(*core_);
    UnaryCall<ListResourcesMethod>::Await(*core_);
    UnaryCall<GetPromptMethod>::Await(*core_);
    UnaryCall<CompleteMethod>::Await(*core_);
    CatalogStream::Await(*core_);
    ResourceStream::Await(*core_);
  }
}

void GrpcService::EndStreams() { core_->EndStreams(); }

}  // namespace tool_service
