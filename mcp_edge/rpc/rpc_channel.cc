#include "mcp_edge/rpc/rpc_channel.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/executor.h"
#include "google/protobuf/message_lite.h"
#include "mcp_edge/rpc/event_loop.h"
#include "mcp_edge/rpc/grpc_wire.h"
#include "mcp_edge/rpc/http2_connection.h"
#include "mcp_edge/rpc/rpc_target.h"

namespace mcp_edge {
namespace {

constexpr int kMaxAttempts = 5;
constexpr absl::Duration kMinResolveInterval = absl::Seconds(1);
// A server whose connections last shorter than this is not run after.
constexpr absl::Duration kShortLife = absl::Seconds(1);

// Where names are looked up, which blocks.
common::Executor& Resolvers() {
  static auto& executor = *new common::ThreadExecutor(8, 1024);
  return executor;
}

}  // namespace

// --- The servers of a target -----------------------------------------------------------------------------------------

class RpcChannel::Servers : public std::enable_shared_from_this<Servers> {
 public:
  Servers(const std::string& target, const common::GrpcSecurity* security, const RpcChannelOptions& options)
      : options_(options),
        security_(security != nullptr && security->UsesTls(target) ? security->shared_from_this() : nullptr) {
    absl::StatusOr<std::vector<RpcEndpoint>> endpoints = ParseTarget(target);
    if (endpoints.ok()) {
      endpoints_ = *std::move(endpoints);
    } else {
      resolve_problem_ = absl::UnavailableError(endpoints.status().message());
    }
  }

  ~Servers() {
    for (const Server& server : servers_) {
      if (server.connection != nullptr) server.connection->Close();
    }
  }

  // Sends a call over a connection that serves, now or as soon as there is one; or ends it, when none can be had now.
  void Place(const std::shared_ptr<RpcCall::State>& call);

  // Takes note of what became of the connections.
  void Update() {
    std::vector<std::shared_ptr<Http2Connection>> gone;  // let go of without the lock
    std::vector<std::weak_ptr<RpcCall::State>> waiting;
    {
      absl::MutexLock lock(&mutex_);
      UpdateServers(gone);
      if (!waiting_.empty() && (!ready_.empty() || !Problem().ok())) waiting.swap(waiting_);
    }
    for (const std::weak_ptr<RpcCall::State>& call : waiting) {
      if (const auto alive = call.lock(); alive != nullptr) Place(alive);
    }
  }

 private:
  struct Server {
    uint64_t id;
    ServerAddress address;
    std::string authority;
    std::string host;
    std::shared_ptr<Http2Connection> connection;
    // Of the connection, or of the last one.
    bool has_served = false;
    absl::Time serve_time = absl::InfinitePast();
    // Since it served last.
    bool failed = false;
    absl::Duration backoff = absl::ZeroDuration();
  };

  void UpdateServers(std::vector<std::shared_ptr<Http2Connection>>& gone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const absl::Time now = absl::Now();
    ready_.clear();
    for (Server& server : servers_) {
      if (server.connection == nullptr) continue;
      switch (server.connection->state()) {
        case Http2Connection::State::kConnecting:
          break;
        case Http2Connection::State::kServing:
          if (!server.has_served) server.serve_time = now;
          server.has_served = true;
          server.failed = false;
          ready_.push_back(server.connection);
          break;
        case Http2Connection::State::kNotServing:
          server.failed = true;
          problem_ = server.connection->problem();
          break;
        case Http2Connection::State::kClosing:
        case Http2Connection::State::kClosed:
          Reconnect(server, now);
          gone.push_back(std::move(server.connection));
          break;
      }
    }
  }

  // Why no server can be had now; OK if one can, or if that is not known yet.
  absl::Status Problem() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!ready_.empty()) return absl::OkStatus();
    if (servers_.empty()) return resolve_problem_;
    const bool all_failed =
        std::all_of(servers_.begin(), servers_.end(), [](const Server& server) { return server.failed; });
    return all_failed ? problem_ : absl::OkStatus();
  }

  void Begin() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    started_ = true;
    if (endpoints_.empty()) return;
    has_names_ = std::any_of(endpoints_.begin(), endpoints_.end(), [](const auto& each) { return each.is_name; });
    StartResolving();
  }

  void StartResolving() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (resolving_) return;
    resolving_ = true;
    last_resolve_time_ = absl::Now();
    const auto resolve = [weak = weak_from_this(), endpoints = endpoints_] {
      std::vector<Server> found;
      absl::Status problem;
      for (const RpcEndpoint& endpoint : endpoints) {
        absl::StatusOr<std::vector<ServerAddress>> addresses = Resolve(endpoint);
        problem.Update(addresses.status());
        if (!addresses.ok()) continue;
        for (ServerAddress& address : *addresses) {
          Server server = {};
          server.address = std::move(address);
          server.authority = endpoint.authority;
          server.host = endpoint.host;
          found.push_back(std::move(server));
        }
      }
      if (const auto self = weak.lock(); self != nullptr) self->OnResolved(std::move(found), problem);
    };
    if (has_names_ && Resolvers().Submit(resolve)) return;
    if (!has_names_) {  // nothing that blocks
      EventLoop::Get().RunAt(absl::InfinitePast(), resolve);
      return;
    }
    resolving_ = false;
    resolve_problem_ = absl::UnavailableError("too many names wait to be looked up");
    ResolveAt(absl::Now() + kMinResolveInterval);
  }

  void ResolveAt(absl::Time time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!has_names_ || time >= next_resolve_time_) return;
    next_resolve_time_ = time;
    EventLoop::Get().RunAt(time, [weak = weak_from_this(), time] {
      const auto self = weak.lock();
      if (self == nullptr) return;
      absl::MutexLock lock(&self->mutex_);
      if (self->next_resolve_time_ != time) return;  // another one came before
      self->next_resolve_time_ = absl::InfiniteFuture();
      self->StartResolving();
    });
  }

  // Keeps the servers that stay, with their connections.
  void OnResolved(std::vector<Server> found, const absl::Status& problem) {
    std::vector<Server> gone;
    std::vector<uint64_t> added;
    {
      absl::MutexLock lock(&mutex_);
      resolving_ = false;
      resolve_problem_ = problem;
      ResolveAt(absl::Now() + (problem.ok() ? options_.resolve_interval : kMinResolveInterval));
      if (!found.empty()) {
        for (Server& server : found) {
          const auto known = std::find_if(servers_.begin(), servers_.end(), [&server](const Server& other) {
            return other.id != 0 && other.address.text == server.address.text;
          });
          if (known != servers_.end()) {
            server = std::move(*known);
            known->id = 0;
          } else {
            server.id = next_id_++;
            added.push_back(server.id);
          }
        }
        servers_.swap(found);
        gone = std::move(found);
      }
    }
    for (const Server& server : gone) {
      if (server.id != 0 && server.connection != nullptr) server.connection->Retire();
    }
    for (const uint64_t id : added) Connect(id);
    Update();
  }

  void Connect(uint64_t id) {
    Http2ConnectionOptions options;
    {
      absl::MutexLock lock(&mutex_);
      Server* const server = Find(id);
      if (server == nullptr || server->connection != nullptr) return;
      options.address = server->address;
      options.authority = server->authority;
      options.host = server->host;
    }
    options.security = security_;
    options.watch_health = options_.watch_health;
    options.connect_timeout = options_.connect_timeout;
    const std::shared_ptr<Http2Connection> connection =
        Http2Connection::Connect(std::move(options), [weak = weak_from_this()] {
          if (const auto self = weak.lock(); self != nullptr) self->Update();
        });
    bool is_wanted = false;
    {
      absl::MutexLock lock(&mutex_);
      if (Server* const server = Find(id); server != nullptr) {
        server->connection = connection;
        server->has_served = false;
        is_wanted = true;
      }
    }
    if (!is_wanted) return connection->Close();
    Update();
  }

  Server* Find(uint64_t id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found =
        std::find_if(servers_.begin(), servers_.end(), [id](const Server& server) { return server.id == id; });
    return found == servers_.end() ? nullptr : &*found;
  }

  // After its connection has gone.
  void Reconnect(Server& server, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (server.has_served && now - server.serve_time >= kShortLife) {
      server.backoff = absl::ZeroDuration();
    } else {
      server.backoff = std::clamp(server.backoff * 2, options_.min_backoff, options_.max_backoff);
    }
    if (!server.has_served) {
      server.failed = true;
      problem_ = server.connection->problem();
    }
    EventLoop::Get().RunAt(now + server.backoff, [weak = weak_from_this(), id = server.id] {
      if (const auto self = weak.lock(); self != nullptr) self->Connect(id);
    });
    ResolveAt(std::max(now, last_resolve_time_ + kMinResolveInterval));
  }

  const RpcChannelOptions options_;
  // Null: clear text. Kept, because a connection may be made while the channel goes.
  const std::shared_ptr<const common::GrpcSecurity> security_;
  std::vector<RpcEndpoint> endpoints_;

  absl::Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_names_ ABSL_GUARDED_BY(mutex_) = false;
  bool resolving_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status resolve_problem_ ABSL_GUARDED_BY(mutex_);
  absl::Time last_resolve_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Time next_resolve_time_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::vector<Server> servers_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Http2Connection>> ready_ ABSL_GUARDED_BY(mutex_);
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status problem_ ABSL_GUARDED_BY(mutex_);  // why the last server failed
  std::vector<std::weak_ptr<RpcCall::State>> waiting_ ABSL_GUARDED_BY(mutex_);
};

// --- A call ----------------------------------------------------------------------------------------------------------

// What the connection tells comes on any thread, under the connection's lock; so nothing here takes that lock while it
// holds its own.
class RpcCall::State final : public Http2Stream, public std::enable_shared_from_this<State> {
 public:
  State(std::shared_ptr<RpcChannel::Servers> servers, std::string method, std::string framed_request,
        absl::Time deadline, std::vector<std::pair<const char*, std::string>> metadata)
      : servers_(std::move(servers)), deadline_(deadline) {
    request_.path = std::move(method);
    request_.body = std::move(framed_request);
    request_.metadata = std::move(metadata);
  }

  void Start() {
    if (absl::Now() >= deadline_) return Conclude(absl::DeadlineExceededError("the deadline has passed"));
    servers_->Place(shared_from_this());
  }

  // Sends the request. False: the connection takes no more.
  bool Send(const std::shared_ptr<Http2Connection>& connection) {
    int attempt = 0;
    bool has_left = false;
    size_t consumed = 0;
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return true;
      closed_ = false;
      connection_ = nullptr;
      attempt = ++attempts_;
    }
    request_.scheme = connection->scheme();
    request_.authority = connection->authority();
    request_.timeout = EncodeTimeout(deadline_ - absl::Now());
    const int32_t stream_id = connection->Open(request_, shared_from_this());
    {
      absl::MutexLock lock(&mutex_);
      if (stream_id < 0) {
        closed_ = true;
        --attempts_;
        return false;
      }
      if (attempt != attempts_) return true;  // it was refused, and is on another connection by now
      connection_ = connection;
      stream_id_ = stream_id;
      if (closed_) return true;
      has_left = ended_;
      if (messages_.empty()) consumed = std::exchange(unconsumed_, 0);
    }
    if (consumed > 0) connection->Consume(stream_id, consumed);  // what was read before the connection was known
    if (has_left) connection->Reset(stream_id);                  // nobody waited for it to be sent
    return true;
  }

  bool Wait(absl::Time until) {
    {
      absl::MutexLock lock(&mutex_);
      const absl::Time limit = std::min(until, deadline_);
      while (messages_.empty() && !ended_) {
        if (changed_.WaitWithDeadline(&mutex_, limit)) break;
      }
      if (!messages_.empty() || ended_) return true;
    }
    if (until < deadline_) return false;
    Conclude(absl::DeadlineExceededError("the deadline has passed"));
    return true;
  }

  std::optional<std::string> Read() {
    Wait(absl::InfiniteFuture());
    std::shared_ptr<Http2Connection> connection;
    int32_t stream_id = 0;
    size_t consumed = 0;
    std::optional<std::string> message;
    {
      absl::MutexLock lock(&mutex_);
      if (messages_.empty()) return std::nullopt;
      message = std::move(messages_.front());
      messages_.pop_front();
      if (messages_.empty() && !closed_ && connection_ != nullptr) {
        consumed = std::exchange(unconsumed_, 0);
        connection = connection_;
        stream_id = stream_id_;
      }
    }
    if (consumed > 0) connection->Consume(stream_id, consumed);
    return message;
  }

  absl::Status status() const {
    absl::MutexLock lock(&mutex_);
    return absl::Status(status_.code(), status_.message());  // a text of its own, whichever thread ends this last
  }

  // Ends the call from this side, unless it has ended.
  void Conclude(const absl::Status& status) {
    std::shared_ptr<Http2Connection> connection;
    int32_t stream_id = 0;
    {
      absl::MutexLock lock(&mutex_);
      if (!ended_) {
        messages_.clear();
        End(status);
        changed_.SignalAll();
      }
      if (closed_) return;
      connection = connection_;
      stream_id = stream_id_;
    }
    if (connection != nullptr) connection->Reset(stream_id);
  }

  void OnHeader(absl::string_view name, absl::string_view value) override {
    if (name == ":status") {
      is_final_ = false;
      if (!absl::SimpleAtoi(value, &http_status_)) http_status_ = 0;
    } else if (name == "content-type") {
      is_grpc_ = absl::StartsWith(value, "application/grpc");
    } else if (name == "grpc-status") {
      is_final_ = true;
      code_ = DecodeStatusCode(value);
    } else if (name == "grpc-message") {
      message_ = std::string(value);
    } else if (name == "grpc-encoding" && value != "identity") {
      is_grpc_ = false;
    }
  }

  size_t OnData(absl::string_view bytes) override {
    absl::MutexLock lock(&mutex_);
    if (ended_ || http_status_ != 200 || !is_grpc_) return bytes.size();
    const absl::Status status = reader_.Add(bytes, [this](std::string& message) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      messages_.push_back(std::move(message));
    });
    if (!status.ok()) {
      messages_.clear();
      End(status);
    }
    if (messages_.empty()) return bytes.size();
    unconsumed_ += bytes.size();
    return 0;
  }

  void OnEnd() override {
    absl::MutexLock lock(&mutex_);
    if (!ended_) End(FinalStatus());
  }

  void OnClosed(uint32_t error_code, bool refused) override {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    if (ended_) return;
    if (refused && http_status_ == 0 && attempts_ < kMaxAttempts) {
      refused_ = true;
    } else if (error_code == Http2Session::kConnectionLost) {
      End(absl::UnavailableError("the connection to the service was lost during the call"));
    } else if (is_final_) {
      End(FinalStatus());
    } else if (absl::Now() >= deadline_) {
      End(absl::DeadlineExceededError("the deadline has passed"));
    } else {
      End(absl::Status(StatusCodeForReset(error_code),
                       absl::StrCat("the service reset the call (HTTP/2 error ", error_code, ")")));
    }
  }

  void Wake() override {
    changed_.SignalAll();
    if (refused_.exchange(false)) servers_->Place(shared_from_this());
  }

 private:
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ended_ = true;
    status_ = status;
  }

  absl::Status FinalStatus() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (is_final_) {
      if (code_ != absl::StatusCode::kOk) return absl::Status(code_, DecodeStatusMessage(message_));
      if (reader_.has_part()) return absl::InternalError("the service ended the call within a message");
      return absl::OkStatus();
    }
    if (http_status_ != 200) {
      return absl::Status(StatusCodeForHttp(http_status_),
                          absl::StrCat("the service answered with HTTP status ", http_status_));
    }
    return absl::UnknownError(is_grpc_ ? "the service ended the call without a status"
                                       : "the service does not answer as gRPC does");
  }

  const std::shared_ptr<RpcChannel::Servers> servers_;
  const absl::Time deadline_;
  Http2Request request_;              // of the session while the stream is open
  std::atomic<bool> refused_{false};  // to be sent again

  // Of the thread that holds the connection's lock.
  MessageReader reader_{kMaxRpcMessageBytes};
  int http_status_ = 0;
  bool is_grpc_ = false;
  bool is_final_ = false;
  absl::StatusCode code_ = absl::StatusCode::kUnknown;
  std::string message_;

  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  std::shared_ptr<Http2Connection> connection_ ABSL_GUARDED_BY(mutex_);
  int32_t stream_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = true;  // there is no stream
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  int attempts_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::string> messages_ ABSL_GUARDED_BY(mutex_);
  size_t unconsumed_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

void RpcChannel::Servers::Place(const std::shared_ptr<RpcCall::State>& call) {
  while (true) {
    std::shared_ptr<Http2Connection> connection;
    absl::Status problem;
    {
      absl::MutexLock lock(&mutex_);
      if (!started_) Begin();
      problem = Problem();
      if (!ready_.empty()) {
        connection = ready_[next_++ % ready_.size()];
      } else if (problem.ok()) {
        if (waiting_.size() == waiting_.capacity()) {
          std::erase_if(waiting_, [](const std::weak_ptr<RpcCall::State>& other) { return other.expired(); });
        }
        waiting_.push_back(call);
        return;
      }
    }
    if (!problem.ok()) return call->Conclude(problem);
    if (call->Send(connection)) return;
    Update();  // it is going away
  }
}

RpcCall::~RpcCall() { state_->Conclude(absl::CancelledError("nobody waits for the call any more")); }
bool RpcCall::Wait(absl::Time until) { return state_->Wait(until); }
std::optional<std::string> RpcCall::Read() { return state_->Read(); }
absl::Status RpcCall::status() const { return state_->status(); }
void RpcCall::Cancel() { state_->Conclude(absl::CancelledError("the call was cancelled")); }

RpcChannel::RpcChannel(const std::string& target, const common::GrpcSecurity* security,
                       const RpcChannelOptions& options)
    : servers_(std::make_shared<Servers>(target, security, options)) {}

RpcChannel::~RpcChannel() = default;

std::unique_ptr<RpcCall> RpcChannel::Start(std::string method, std::string framed_request, absl::Time deadline,
                                           std::vector<std::pair<const char*, std::string>> metadata) const {
  auto state = std::make_shared<RpcCall::State>(servers_, std::move(method), std::move(framed_request), deadline,
                                                std::move(metadata));
  state->Start();
  return std::make_unique<RpcCall>(std::move(state));
}

absl::Status CallUnary(const RpcChannel& channel, const char* method, const google::protobuf::MessageLite& request,
                       absl::Time deadline, google::protobuf::MessageLite& response) {
  const auto call = channel.Start(method, FrameMessage(request), deadline, {});
  const std::optional<std::string> answer = call->Read();
  if (answer.has_value() && call->Read().has_value()) return absl::InternalError("the service answered twice");
  const absl::Status status = call->status();
  if (!status.ok()) return status;
  if (!answer.has_value()) return absl::InternalError("the service gave no answer");
  if (!response.ParseFromString(*answer)) return absl::InternalError("the answer of the service cannot be decoded");
  return absl::OkStatus();
}

}  // namespace mcp_edge
