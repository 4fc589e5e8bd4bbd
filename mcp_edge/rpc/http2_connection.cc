#include "mcp_edge/rpc/http2_connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/io/coded_stream.h"
#include "mcp_edge/rpc/grpc_wire.h"

namespace mcp_edge {
namespace {

constexpr char kHealthPath[] = "/grpc.health.v1.Health/Watch";
constexpr absl::Duration kHealthRetryTime = absl::Seconds(1);
constexpr size_t kMaxHealthBytes = 1 << 10;
// Calls that ended here, and that the server does not let go of.
constexpr size_t kMaxUnclosedResets = 1000;
// How much a thread sends before it lets the event loop go on with it.
constexpr size_t kMaxSentAtOnce = 1 << 20;

std::string ErrorText(int error) { return std::strerror(error); }

// Whether a grpc.health.v1.HealthCheckResponse says SERVING (field 1, an enum; SERVING is 1).
bool SaysServing(const std::string& message) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(message.data()),
                                            static_cast<int>(message.size()));
  bool serving = false;
  while (true) {
    constexpr uint32_t kStatusTag = 1 << 3;
    const uint32_t tag = in.ReadTag();
    uint64_t value = 0;
    if (tag != kStatusTag || !in.ReadVarint64(&value)) return serving;  // there is no other field
    serving = value == 1;
  }
}

}  // namespace

// Told of under the lock of the connection.
class Http2Connection::HealthStream final : public Http2Stream {
 public:
  explicit HealthStream(Http2Connection& connection) : connection_(connection) {}

  void OnHeader(absl::string_view name, absl::string_view value) override {
    if (name == "grpc-status") code_ = DecodeStatusCode(value);
    int http_status = 0;
    if (name == ":status" && value != "200" && absl::SimpleAtoi(value, &http_status)) {
      code_ = StatusCodeForHttp(http_status);
    }
  }

  size_t OnData(absl::string_view bytes) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const absl::Status status = reader_.Add(bytes, [this](std::string& message) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      connection_.health_ = SaysServing(message) ? Health::kServing : Health::kNotServing;
      has_answered_ = true;
    });
    if (!status.ok()) connection_.health_ = Health::kNotServing;
    return bytes.size();
  }

  void OnEnd() override {}

  void OnClosed(uint32_t /*error_code*/, bool /*refused*/) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    connection_.health_stream_ = 0;
    // A server without the health service is taken to serve.
    if (code_ == absl::StatusCode::kUnimplemented) {
      connection_.health_ = Health::kServing;
      return;
    }
    // A stream that has lived may end without anything being wrong: it is asked for again at once.
    const bool has_lived = has_answered_ && absl::Now() - open_time_ >= kHealthRetryTime;
    connection_.health_ = has_lived ? Health::kUnknown : Health::kNotServing;
    if (connection_.closed_) return;
    connection_.RunAt(has_lived ? absl::Now() : absl::Now() + kHealthRetryTime, &Http2Connection::RetryHealth);
  }

  void Wake() override {}

 private:
  Http2Connection& connection_;  // which owns the session, which owns this
  MessageReader reader_{kMaxHealthBytes};
  absl::StatusCode code_ = absl::StatusCode::kUnknown;
  const absl::Time open_time_ = absl::Now();
  bool has_answered_ = false;
};

std::shared_ptr<Http2Connection> Http2Connection::Connect(Http2ConnectionOptions options,
                                                          std::function<void()> on_change) {
  std::shared_ptr<Http2Connection> connection(new Http2Connection(std::move(options), std::move(on_change)));
  connection->Start();
  return connection;
}

Http2Connection::Http2Connection(Http2ConnectionOptions options, std::function<void()> on_change)
    : options_(std::move(options)), on_change_(std::move(on_change)) {}

Http2Connection::~Http2Connection() {
  if (fd_ >= 0) close(fd_);
}

void Http2Connection::Start() {
  mutex_.Lock();
  const int family = options_.address.address.ss_family;
  fd_ = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    Fail(absl::UnavailableError(absl::StrCat("no socket: ", ErrorText(errno))));
    return Settle();
  }
  if (family != AF_UNIX) {
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    // What the server does not acknowledge for so long, it does not get.
    const int timeout_ms = static_cast<int>(absl::ToInt64Milliseconds(options_.ping_timeout));
    setsockopt(fd_, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
  }
  if (options_.security != nullptr) {
    auto tls = TlsSession::Create(*options_.security, options_.host);
    if (!tls.ok()) {
      Fail(tls.status());
      return Settle();
    }
    tls_ = *std::move(tls);
  }
  const int result = connect(fd_, reinterpret_cast<const sockaddr*>(&options_.address.address), options_.address.size);
  if (result != 0 && errno != EINPROGRESS) {
    Fail(absl::UnavailableError(absl::StrCat("cannot connect: ", ErrorText(errno))));
    return Settle();
  }
  loop_id_ = EventLoop::Get().Add(fd_, shared_from_this());
  if (result == 0) {
    OnConnected();
  } else {
    EventLoop::Get().WaitForWritable(loop_id_, fd_, true);
  }
  RunAt(absl::Now() + options_.connect_timeout, &Http2Connection::CheckConnected);
  RunAt(absl::Now() + options_.ping_interval, &Http2Connection::KeepAlive);
  Settle();
}

void Http2Connection::OnConnected() {
  connected_ = true;
  Flush();
}

Http2Connection::State Http2Connection::state() const {
  absl::MutexLock lock(&mutex_);
  return CurrentState();
}

absl::Status Http2Connection::problem() const {
  absl::MutexLock lock(&mutex_);
  if (closed_ || health_ != Health::kNotServing) return problem_;
  return absl::UnavailableError("the service says that it does not serve");
}

Http2Connection::State Http2Connection::CurrentState() const {
  if (closed_) return State::kClosed;
  if (!session_.ready()) return State::kConnecting;
  if (retired_ || session_.closing()) return State::kClosing;
  if (!options_.watch_health || health_ == Health::kServing) return State::kServing;
  return health_ == Health::kUnknown ? State::kConnecting : State::kNotServing;
}

int32_t Http2Connection::Open(const Http2Request& request, const std::shared_ptr<Http2Stream>& stream) {
  mutex_.Lock();
  if (closed_ || retired_) {
    mutex_.Unlock();
    return -1;
  }
  const int32_t stream_id = session_.Open(request, stream);
  Flush();
  Settle();
  return stream_id;
}

void Http2Connection::Reset(int32_t stream_id) {
  mutex_.Lock();
  if (!closed_) {
    session_.Reset(stream_id);
    Flush();
    if (session_.unclosed_resets() > kMaxUnclosedResets) {
      Fail(absl::UnavailableError("the service does not let go of calls that have ended"));
    }
  }
  Settle();
}

void Http2Connection::Consume(int32_t stream_id, size_t bytes) {
  mutex_.Lock();
  if (!closed_) {
    session_.Consume(stream_id, bytes);
    Flush();
  }
  Settle();
}

void Http2Connection::Retire() {
  mutex_.Lock();
  retired_ = true;
  if (!closed_ && health_stream_ > 0) {
    session_.Reset(health_stream_);
    Flush();
  }
  Settle();
}

void Http2Connection::Close() {
  mutex_.Lock();
  Fail(absl::UnavailableError("the connection was closed"));
  Settle();
}

void Http2Connection::OnEvents(bool readable, bool writable, char* buffer) {
  mutex_.Lock();
  if (closed_) return Settle();
  if (!connected_) {
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      Fail(absl::UnavailableError(absl::StrCat("cannot connect: ", ErrorText(error))));
    } else if (writable) {
      EventLoop::Get().WaitForWritable(loop_id_, fd_, false);
      OnConnected();
    }
    return Settle();
  }
  if (writable && blocked_) {
    blocked_ = false;
    EventLoop::Get().WaitForWritable(loop_id_, fd_, false);
    Flush();
  }
  if (readable && !closed_) {
    mutex_.Unlock();
    const ssize_t size = recv(fd_, buffer, EventLoop::kBufferBytes, 0);
    const int error = errno;
    mutex_.Lock();
    if (closed_) return Settle();
    if (size > 0) {
      ++received_;
      Take({buffer, static_cast<size_t>(size)});
    } else if (size == 0) {
      Fail(absl::UnavailableError("the service closed the connection"));
    } else if (error != EAGAIN && error != EINTR) {
      Fail(absl::UnavailableError(absl::StrCat("the connection was lost: ", ErrorText(error))));
    }
  }
  Settle();
}

void Http2Connection::Take(absl::string_view bytes) {
  absl::Status status;
  if (tls_ == nullptr) {
    status = session_.Receive(bytes);
  } else {
    plain_.clear();
    status = tls_->Receive(bytes, plain_);
    if (!plain_.empty()) status.Update(session_.Receive(plain_));
  }
  if (!status.ok()) {
    Flush();  // says what was wrong, if that is possible
    return Fail(status);
  }
  if (session_.ready() && options_.watch_health && health_ == Health::kUnknown && health_stream_ == 0) WatchHealth();
  if (session_.closing()) {
    if (health_stream_ > 0) session_.Reset(health_stream_);
    session_.RefuseUnsent();
  }
  Flush();
}

void Http2Connection::WatchHealth() {
  if (session_.closing()) return;
  health_request_ = {.scheme = scheme(),
                     .authority = options_.authority,
                     .path = kHealthPath,
                     .timeout = "",
                     .metadata = {},
                     .body = std::string(5, '\0')};  // of the whole server
  health_stream_ = session_.Open(health_request_, std::make_shared<HealthStream>(*this));
}

void Http2Connection::Gather() {
  if (tls_ == nullptr) return session_.TakeOutput(out_);
  if (tls_->ready()) {
    plain_.clear();
    session_.TakeOutput(plain_);
    const absl::Status status = tls_->Send(plain_);
    if (!status.ok()) Fail(status);
  }
  tls_->TakeOutput(out_);
}

void Http2Connection::Flush() {
  if (writing_ || blocked_ || !connected_ || closed_) return;
  writing_ = true;
  size_t sent_before = 0;
  while (!closed_) {
    if (sent_before >= kMaxSentAtOnce) {  // others have something to do too
      blocked_ = true;
      EventLoop::Get().WaitForWritable(loop_id_, fd_, true);
      break;
    }
    Gather();
    if (out_.empty()) break;
    sending_.clear();
    sending_.swap(out_);
    mutex_.Unlock();
    size_t sent = 0;
    int error = 0;
    while (sent < sending_.size()) {
      const ssize_t size = send(fd_, sending_.data() + sent, sending_.size() - sent, MSG_NOSIGNAL);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) {
        error = errno;
        break;
      }
      sent += static_cast<size_t>(size);
    }
    sent_before += sent;
    mutex_.Lock();
    if (closed_) break;
    if (error == EAGAIN) {
      out_.insert(0, sending_, sent, std::string::npos);
      blocked_ = true;
      EventLoop::Get().WaitForWritable(loop_id_, fd_, true);
      break;
    }
    if (error != 0) {
      Fail(absl::UnavailableError(absl::StrCat("the connection was lost: ", ErrorText(error))));
      break;
    }
  }
  writing_ = false;
}

void Http2Connection::Fail(const absl::Status& status) {
  if (closed_) return;
  closed_ = true;
  problem_ = absl::UnavailableError(absl::StrCat(options_.address.text, ": ", status.message()));
  session_.Abandon();
  if (fd_ < 0) return;
  shutdown(fd_, SHUT_RDWR);  // closed when nobody uses it any more
  if (loop_id_ != 0) EventLoop::Get().Remove(loop_id_, fd_);
}

void Http2Connection::Settle() {
  if (!closed_ && connected_ && (tls_ == nullptr || tls_->ready())) {
    const bool is_over = (retired_ || session_.closing()) && session_.streams() == 0;
    if (is_over || session_.done()) Fail(absl::UnavailableError("the service ended the connection"));
  }
  const std::vector<std::shared_ptr<Http2Stream>> touched = session_.TakeTouched();
  const State state = CurrentState();
  const bool changed = std::exchange(told_state_, state) != state;
  mutex_.Unlock();
  for (const std::shared_ptr<Http2Stream>& stream : touched) stream->Wake();
  if (changed) on_change_();
}

void Http2Connection::RunAt(absl::Time time, void (Http2Connection::*method)()) {
  EventLoop::Get().RunAt(time, [weak = weak_from_this(), method] {
    if (const auto self = weak.lock(); self != nullptr) (self.get()->*method)();
  });
}

void Http2Connection::CheckConnected() {
  mutex_.Lock();
  if (CurrentState() == State::kConnecting) {
    const char* const why = session_.ready() ? ": it does not say whether it serves"
                            : connected_     ? ": what listens there does not speak HTTP/2"
                                             : "";
    Fail(absl::UnavailableError(
        absl::StrCat("no connection within ", absl::FormatDuration(options_.connect_timeout), why)));
  }
  Settle();
}

void Http2Connection::KeepAlive() {
  mutex_.Lock();
  if (!closed_) {
    if (received_ == std::exchange(received_before_, received_)) {
      pongs_before_ = session_.pongs();
      session_.Ping();
      Flush();
      RunAt(absl::Now() + options_.ping_timeout, &Http2Connection::CheckPong);
    }
    RunAt(absl::Now() + options_.ping_interval, &Http2Connection::KeepAlive);
  }
  Settle();
}

void Http2Connection::CheckPong() {
  mutex_.Lock();
  if (session_.pongs() == pongs_before_) Fail(absl::UnavailableError("the service gave no sign of life"));
  Settle();
}

void Http2Connection::RetryHealth() {
  mutex_.Lock();
  if (!closed_ && health_stream_ == 0) {
    WatchHealth();
    Flush();
    RunAt(absl::Now() + options_.connect_timeout, &Http2Connection::CheckConnected);
  }
  Settle();
}

}  // namespace mcp_edge
