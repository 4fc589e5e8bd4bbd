#include "mcp_edge/tools/testing/fake_tool_service.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gatehouse/tool/v1/tool.grpc.pb.h"
#include "grpcpp/alarm.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "mcp_edge/tools/grpc_channel.h"

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::CallToolEvent;
using gatehouse::tool::v1::CallToolRequest;
using gatehouse::tool::v1::CompleteRequest;
using gatehouse::tool::v1::CompleteResponse;
using gatehouse::tool::v1::GetPromptRequest;
using gatehouse::tool::v1::GetPromptResponse;
using gatehouse::tool::v1::ListResourcesRequest;
using gatehouse::tool::v1::ListResourcesResponse;
using gatehouse::tool::v1::ReadResourceRequest;
using gatehouse::tool::v1::ReadResourceResponse;
using gatehouse::tool::v1::ResourceUpdated;
using gatehouse::tool::v1::ToolService;
using gatehouse::tool::v1::WatchCatalogRequest;
using gatehouse::tool::v1::WatchResourcesRequest;
using CatalogMessage = gatehouse::tool::v1::Catalog;

using Metadata = std::multimap<std::string, std::string>;

Metadata MetadataOf(const grpc::CallbackServerContext& context) {
  Metadata metadata;
  for (const auto& [key, value] : context.client_metadata()) {
    metadata.emplace(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
  }
  return metadata;
}

// What the reactors and the service share.
struct State {
  absl::Mutex mutex;
  CatalogMessage catalog ABSL_GUARDED_BY(mutex);
  int catalog_version ABSL_GUARDED_BY(mutex) = 0;
  std::set<class Watch*> watches ABSL_GUARDED_BY(mutex);
  int watches_total ABSL_GUARDED_BY(mutex) = 0;
  bool implements_watch_resources ABSL_GUARDED_BY(mutex) = false;
  std::set<class UpdateWatch*> update_watches ABSL_GUARDED_BY(mutex);
  int update_watches_total ABSL_GUARDED_BY(mutex) = 0;
  int updates_sent ABSL_GUARDED_BY(mutex) = 0;
  FakeToolService::Handler handler ABSL_GUARDED_BY(mutex);
  FakeToolService::ReadResourceHandler read_resource ABSL_GUARDED_BY(mutex);
  FakeToolService::GetPromptHandler get_prompt ABSL_GUARDED_BY(mutex);
  FakeToolService::CompleteHandler complete ABSL_GUARDED_BY(mutex);
  FakeToolService::ListResourcesHandler list_resources ABSL_GUARDED_BY(mutex);
  Metadata last_unary_metadata ABSL_GUARDED_BY(mutex);
  std::vector<FakeCallRecord> calls ABSL_GUARDED_BY(mutex);
  int cancelled_calls ABSL_GUARDED_BY(mutex) = 0;
};

// One catalogue stream.
class Watch final : public grpc::ServerWriteReactor<CatalogMessage> {
 public:
  explicit Watch(std::shared_ptr<State> state) : state_(std::move(state)) {
    absl::MutexLock lock(&state_->mutex);
    state_->watches.insert(this);
    ++state_->watches_total;
    SendIfNew();
  }

  // Both with the state's mutex held, by whichever name the caller knows it.
  void SendIfNew() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (writing_ || finished_ || sent_version_ == state_->catalog_version) return;
    writing_ = true;
    sent_version_ = state_->catalog_version;
    message_ = state_->catalog;
    StartWrite(&message_);
  }
  void End(const grpc::Status& status) {
    if (finished_) return;
    finished_ = true;
    Finish(status);
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&state_->mutex);
    writing_ = false;
    if (ok) SendIfNew();
  }
  void OnCancel() override {
    absl::MutexLock lock(&state_->mutex);
    End(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled"));
  }
  void OnDone() override {
    {
      absl::MutexLock lock(&state_->mutex);
      state_->watches.erase(this);
    }
    delete this;
  }

 private:
  const std::shared_ptr<State> state_;
  CatalogMessage message_;
  int sent_version_ = -1;
  bool writing_ = false;
  bool finished_ = false;
};

// One stream of updates.
class UpdateWatch final : public grpc::ServerWriteReactor<ResourceUpdated> {
 public:
  explicit UpdateWatch(std::shared_ptr<State> state) : state_(std::move(state)) {
    absl::MutexLock lock(&state_->mutex);
    ++state_->update_watches_total;
    state_->update_watches.insert(this);
    if (state_->implements_watch_resources) {
      StartSendInitialMetadata();
    } else {
      End(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no updates"));
    }
  }

  // Both with the state's mutex held, by whichever name the caller knows it.
  void Send(const std::vector<std::string>& uris) {
    waiting_.insert(waiting_.end(), uris.begin(), uris.end());
    SendNext();
  }
  void End(const grpc::Status& status) {
    if (finished_) return;
    finished_ = true;
    Finish(status);
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&state_->mutex);
    writing_ = false;
    ++state_->updates_sent;
    if (ok) SendNext();
  }
  void OnCancel() override {
    absl::MutexLock lock(&state_->mutex);
    End(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled"));
  }
  void OnDone() override {
    {
      absl::MutexLock lock(&state_->mutex);
      state_->update_watches.erase(this);
    }
    delete this;
  }

 private:
  void SendNext() {
    if (writing_ || finished_ || waiting_.empty()) return;
    writing_ = true;
    message_.set_uri(waiting_.front());
    waiting_.pop_front();
    StartWrite(&message_);
  }

  const std::shared_ptr<State> state_;
  ResourceUpdated message_;
  std::deque<std::string> waiting_;
  bool writing_ = false;
  bool finished_ = false;
};

// One tool call, as its script has it.
class Call final : public grpc::ServerWriteReactor<CallToolEvent> {
 public:
  Call(std::shared_ptr<State> state, FakeCallScript script) : state_(std::move(state)), script_(std::move(script)) {
    if (script_.delay <= absl::ZeroDuration()) {
      Continue();
      return;
    }
    waiting_ = true;
    alarm_.Set(absl::ToChronoTime(absl::Now() + script_.delay), [this](bool) {
      {
        absl::MutexLock lock(&state_->mutex);
        waiting_ = false;
        if (cancelled_) script_ = {.status = grpc::Status(grpc::StatusCode::CANCELLED, "cancelled")};
      }
      Continue();
    });
  }

  void OnWriteDone(bool) override { Continue(); }
  void OnCancel() override {
    {
      absl::MutexLock lock(&state_->mutex);
      ++state_->cancelled_calls;
      cancelled_ = true;
      if (waiting_) {  // what the alarm was set for is done by it, and only by it
        alarm_.Cancel();
        return;
      }
    }
    if (script_.hang) End(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled"));
  }
  void OnDone() override { delete this; }

 private:
  void Continue() {
    const size_t next = next_++;
    if (finished_) return;
    if (next + 1 < script_.events.size() || (script_.hang && next < script_.events.size())) {
      StartWrite(&script_.events[next]);
    } else if (script_.hang) {
      absl::MutexLock lock(&state_->mutex);
      if (cancelled_) End(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled"));  // otherwise OnCancel does it
    } else if (next < script_.events.size()) {
      finished_ = true;
      StartWriteAndFinish(&script_.events[next], grpc::WriteOptions(), script_.status);
    } else {
      End(script_.status);
    }
  }
  void End(const grpc::Status& status) {
    if (!finished_.exchange(true)) Finish(status);
  }

  const std::shared_ptr<State> state_;
  FakeCallScript script_;
  size_t next_ = 0;
  std::atomic<bool> finished_{false};
  bool waiting_ = false;    // guarded by the state's mutex once the alarm is set
  bool cancelled_ = false;  // guarded by the state's mutex
  grpc::Alarm alarm_;
};

// One call of a method that answers once.
class Unary final : public grpc::ServerUnaryReactor {
 public:
  Unary(std::shared_ptr<State> state, bool hang, const grpc::Status& status) : state_(std::move(state)), hang_(hang) {
    if (!hang_) Finish(status);
  }

  void OnCancel() override {
    if (!hang_) return;
    {
      absl::MutexLock lock(&state_->mutex);
      ++state_->cancelled_calls;
    }
    Finish(grpc::Status(grpc::StatusCode::CANCELLED, "cancelled"));
  }
  void OnDone() override { delete this; }

 private:
  const std::shared_ptr<State> state_;
  const bool hang_;
};

class Service final : public ToolService::CallbackService {
 public:
  explicit Service(std::shared_ptr<State> state) : state_(std::move(state)) {}

  grpc::ServerWriteReactor<CatalogMessage>* WatchCatalog(grpc::CallbackServerContext*,
                                                         const WatchCatalogRequest*) override {
    return new Watch(state_);
  }

  grpc::ServerWriteReactor<ResourceUpdated>* WatchResources(grpc::CallbackServerContext*,
                                                            const WatchResourcesRequest*) override {
    return new UpdateWatch(state_);
  }

  grpc::ServerWriteReactor<CallToolEvent>* CallTool(grpc::CallbackServerContext* context,
                                                    const CallToolRequest* request) override {
    FakeCallRecord record;
    record.request = *request;
    record.time_left = absl::FromChrono(context->deadline()) - absl::Now();
    record.metadata = MetadataOf(*context);
    FakeToolService::Handler handler;
    {
      absl::MutexLock lock(&state_->mutex);
      state_->calls.push_back(std::move(record));
      handler = state_->handler;
    }
    FakeCallScript script;
    if (handler == nullptr) {
      script.status = grpc::Status(grpc::StatusCode::NOT_FOUND, "no such tool");
    } else {
      script = handler(*request);
    }
    return new Call(state_, std::move(script));
  }

  grpc::ServerUnaryReactor* ReadResource(grpc::CallbackServerContext* context, const ReadResourceRequest* request,
                                         ReadResourceResponse* response) override {
    return Answer(*context, &State::read_resource, *request, *response);
  }
  grpc::ServerUnaryReactor* GetPrompt(grpc::CallbackServerContext* context, const GetPromptRequest* request,
                                      GetPromptResponse* response) override {
    return Answer(*context, &State::get_prompt, *request, *response);
  }
  grpc::ServerUnaryReactor* Complete(grpc::CallbackServerContext* context, const CompleteRequest* request,
                                     CompleteResponse* response) override {
    return Answer(*context, &State::complete, *request, *response);
  }
  grpc::ServerUnaryReactor* ListResources(grpc::CallbackServerContext* context, const ListResourcesRequest* request,
                                          ListResourcesResponse* response) override {
    return Answer(*context, &State::list_resources, *request, *response);
  }

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext& context,
                                   FakeToolService::UnaryHandler<Request, Response> State::*member,
                                   const Request& request, Response& response) {
    FakeToolService::UnaryHandler<Request, Response> handler;
    {
      absl::MutexLock lock(&state_->mutex);
      state_->last_unary_metadata = MetadataOf(context);
      handler = (*state_).*member;
    }
    FakeUnaryScript<Response> script;
    if (handler == nullptr) {
      script.status = grpc::Status(grpc::StatusCode::NOT_FOUND, "no such thing");
    } else {
      script = handler(request);
    }
    response = std::move(script.response);
    return new Unary(state_, script.hang, script.status);
  }

  const std::shared_ptr<State> state_;
};

class GrpcFakeToolService final : public FakeToolService {
 public:
  explicit GrpcFakeToolService(int port) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials(), &port_);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~GrpcFakeToolService() override { Kill(); }

  std::string target() const override { return absl::StrCat("ipv4:127.0.0.1:", port_); }
  int port() const override { return port_; }

  void SetCatalog(CatalogMessage catalog) override {
    absl::MutexLock lock(&state_->mutex);
    state_->catalog = std::move(catalog);
    ++state_->catalog_version;
    for (Watch* const watch : state_->watches) watch->SendIfNew();
  }
  void EndWatches(const grpc::Status& status) override {
    absl::MutexLock lock(&state_->mutex);
    for (Watch* const watch : state_->watches) watch->End(status);
  }
  int open_watches() const override {
    absl::MutexLock lock(&state_->mutex);
    return static_cast<int>(state_->watches.size());
  }
  int watches_total() const override {
    absl::MutexLock lock(&state_->mutex);
    return state_->watches_total;
  }

  void ImplementWatchResources() override {
    absl::MutexLock lock(&state_->mutex);
    state_->implements_watch_resources = true;
  }
  void UpdateResources(const std::vector<std::string>& uris) override {
    absl::MutexLock lock(&state_->mutex);
    for (UpdateWatch* const watch : state_->update_watches) watch->Send(uris);
  }
  int update_watches_total() const override {
    absl::MutexLock lock(&state_->mutex);
    return state_->update_watches_total;
  }
  void EndUpdateWatches(const grpc::Status& status) override {
    absl::MutexLock lock(&state_->mutex);
    for (UpdateWatch* const watch : state_->update_watches) watch->End(status);
  }
  int updates_sent() const override {
    absl::MutexLock lock(&state_->mutex);
    return state_->updates_sent;
  }

  void OnCall(Handler handler) override {
    absl::MutexLock lock(&state_->mutex);
    state_->handler = std::move(handler);
  }
  void OnReadResource(ReadResourceHandler handler) override {
    absl::MutexLock lock(&state_->mutex);
    state_->read_resource = std::move(handler);
  }
  void OnGetPrompt(GetPromptHandler handler) override {
    absl::MutexLock lock(&state_->mutex);
    state_->get_prompt = std::move(handler);
  }
  void OnComplete(CompleteHandler handler) override {
    absl::MutexLock lock(&state_->mutex);
    state_->complete = std::move(handler);
  }
  void OnListResources(ListResourcesHandler handler) override {
    absl::MutexLock lock(&state_->mutex);
    state_->list_resources = std::move(handler);
  }
  Metadata last_unary_metadata() const override {
    absl::MutexLock lock(&state_->mutex);
    return state_->last_unary_metadata;
  }
  std::vector<FakeCallRecord> Calls() const override {
    absl::MutexLock lock(&state_->mutex);
    return state_->calls;
  }
  bool WaitForCancelledCalls(int count, absl::Duration timeout) const override {
    const auto reached = [this, count]()
                             ABSL_SHARED_LOCKS_REQUIRED(state_->mutex) { return state_->cancelled_calls >= count; };
    absl::MutexLock lock(&state_->mutex);
    return state_->mutex.AwaitWithTimeout(absl::Condition(&reached), timeout);
  }
  bool WaitForCalls(int count, absl::Duration timeout) const override {
    const auto reached = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(state_->mutex) {
      return static_cast<int>(state_->calls.size()) >= count;
    };
    absl::MutexLock lock(&state_->mutex);
    return state_->mutex.AwaitWithTimeout(absl::Condition(&reached), timeout);
  }

  void Kill() override {
    if (server_ == nullptr) return;
    server_->Shutdown(absl::ToChronoTime(absl::Now()));
    server_.reset();
  }

 private:
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  Service service_{state_};
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

std::unique_ptr<FakeToolService> FakeToolService::Start(int port) {
  KeepCallbackThreads();  // a test may end all that uses them
  auto service = std::make_unique<GrpcFakeToolService>(port);
  if (service->port() == 0) return nullptr;
  return service;
}

gatehouse::tool::v1::Tool MakeTool(absl::string_view name, absl::string_view description) {
  gatehouse::tool::v1::Tool tool;
  tool.set_name(std::string(name));
  tool.set_description(std::string(description));
  return tool;
}

CallToolEvent TextResult(absl::string_view text) {
  CallToolEvent event;
  event.mutable_result()->add_content()->mutable_text()->set_text(std::string(text));
  return event;
}

CallToolEvent ProgressEvent(double progress) {
  CallToolEvent event;
  event.mutable_progress()->set_progress(progress);
  return event;
}

}  // namespace mcp_edge
