#include "mcp_edge/http/http_server.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "mcp_edge/http/plain_request.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/wire_error.h"

namespace mcp_edge {
namespace {

// Connections over the bound are told so by these few threads.
constexpr size_t kRefusalThreads = 16;
// What the process opens beside its clients' connections, generously: those to other services, files, its own sockets.
constexpr size_t kOtherDescriptors = 500;
constexpr char kJson[] = "application/json";
// On one connection.
constexpr int kMaxRequestsTold = 1'000'000;
// Larger bodies are sent as they are, and not copied to follow their head in one system call.
constexpr size_t kMaxCopiedBody = 64 * 1024;

using HandlerResponse = httplib::Server::HandlerResponse;

// Whether this thread's connection is one too many.
thread_local bool refusing = false;

// The connection that this thread serves.
thread_local Connection* current_connection = nullptr;

// The error that an HTTP status found by cpp-httplib stands for.
WireErrorKind KindOfStatus(int status) {
  switch (status) {
    case 404:
      return WireErrorKind::kNotFound;
    case 405:
      return WireErrorKind::kMethodNotAllowed;
    case 408:
      return WireErrorKind::kTimeout;
    case 413:
      return WireErrorKind::kBodyTooLarge;
    case 414:
      return WireErrorKind::kUriTooLong;
    case 415:
      return WireErrorKind::kUnsupportedMediaType;
    case 431:
      return WireErrorKind::kHeadersTooLarge;
    case 500:
      return WireErrorKind::kInternal;
    case 503:
      return WireErrorKind::kOverloaded;
    default:
      return WireErrorKind::kMalformedHttp;
  }
}

absl::string_view SentenceOf(WireErrorKind kind) {
  switch (kind) {
    case WireErrorKind::kNotFound:
      return "There is nothing at this path";
    case WireErrorKind::kTimeout:
      return "The request did not arrive in time";
    case WireErrorKind::kBodyTooLarge:
      return "The body is larger than this server accepts";
    case WireErrorKind::kUriTooLong:
      return "The request target is longer than this server accepts";
    case WireErrorKind::kUnsupportedMediaType:
      return "The body has a content coding that this server does not know";
    case WireErrorKind::kHeadersTooLarge:
      return "The headers are more or longer than this server accepts";
    case WireErrorKind::kOverloaded:
      return "The server is full; try again later";
    case WireErrorKind::kInternal:
      return "Internal error";
    default:
      return "The HTTP request is malformed";
  }
}

std::string ErrorBody(int status) {
  const WireErrorKind kind = KindOfStatus(status);
  return ErrorResponse("", WireErrorOf(kind).json_rpc, SentenceOf(kind));
}

// What goes with an answer whatever gave it: the body of an error without one, ...
bool CompleteError(httplib::Response& response) {
  if (!response.body.empty() || response.content_provider_) return false;
  response.set_content(ErrorBody(response.status), kJson);
  return true;
}

// ... and, when the headers are complete, what is said about it and what becomes of the connection's buffer.
void NoteAnswer(const httplib::Request& request, const httplib::Response& response) {
  RequestTrail& trail = CurrentTrail();
  trail.http_method.assign(request.method, 0, 16);
  trail.path.assign(request.path, 0, 128);
  trail.status = response.status;
  if (response.content_provider_) current_connection->ReleaseBuffer();
  if (response.status < 400) return;
  // The connection ends with this answer; a body that was not read is not wanted.
  current_connection->StopReading();
  if (trail.reason.empty()) trail.reason = std::string(WireErrorOf(KindOfStatus(response.status)).reason);
}

void NoteException(httplib::Response& response) {
  common::Log(common::Severity::kError, "handler_threw", {{"request_id", CurrentTrail().request_id}});
  response.status = 500;
}

bool WriteAll(Connection& connection, absl::string_view bytes) {
  return connection.write(bytes.data(), bytes.size()) >= 0;
}

// The body of an answer that is made while it is sent, in chunks (RFC 9112, section 7.1).
bool WriteChunks(Connection& connection, httplib::Response& response) {
  bool good = true;
  bool more = true;
  size_t offset = 0;
  httplib::DataSink sink;
  sink.write = [&](const char* data, size_t size) {
    more = size > 0;
    offset += size;
    if (good && size > 0) {
      good = WriteAll(connection, absl::StrCat(absl::Hex(size), "\r\n", absl::string_view(data, size), "\r\n"));
    }
    return good;
  };
  sink.is_writable = [&] { return connection.is_peer_alive(); };
  sink.done = [&] {
    more = false;
    good = good && WriteAll(connection, "0\r\n\r\n");
  };
  while (more) {
    if (!connection.is_peer_alive() || !response.content_provider_(offset, 0, sink) || !good) return false;
  }
  response.content_provider_success_ = true;
  return true;
}

}  // namespace

// Hands each accepted socket to the owner instead of serving it the way cpp-httplib would.
class HttpServer::BoundedServer final : public httplib::Server {
 public:
  explicit BoundedServer(HttpServer& owner) : owner_(owner) {}

  // See HttpServer::ServeOne.
  bool ServeOne(Connection& connection, const std::string& remote_address, int remote_port, bool last) {
    connection.PassHead();
    bool closed = false;
    const bool served = process_request(connection, remote_address, remote_port, "", 0, last, closed, IgnoreRange);
    return served && !closed;
  }

  // Half an answer is of no use to anybody here.
  static void IgnoreRange(httplib::Request& request) {
    request.ranges.clear();
    request.headers.erase("Range");
  }

  // Makes accept() fail, which ends the accepting loop. Not stop(): after it cpp-httplib sends no streamed answer, not
  // even to a request that it took before.
  void StopListening() { shutdown(svr_sock_.load(), SHUT_RDWR); }

 private:
  bool process_and_close_socket(socket_t socket) override {
    owner_.Serve(socket);
    return true;
  }

  HttpServer& owner_;
};

// cpp-httplib's idea of threads: what it enqueues is the serving of one connection.
class HttpServer::ConnectionThreads final : public httplib::TaskQueue {
 public:
  explicit ConnectionThreads(HttpServer& owner) : owner_(owner) {}

  bool enqueue(std::function<void()> serve) override {
    {
      absl::MutexLock lock(&owner_.sockets_mutex_);
      ++owner_.arriving_;
    }
    if (owner_.threads_.Run(serve)) return true;
    owner_.metrics_.connections_refused_total.Increment();
    const bool is_refused = owner_.refusal_threads_.Run([serve = std::move(serve)] {
      refusing = true;
      serve();
      refusing = false;
    });
    if (is_refused) return true;
    absl::MutexLock lock(&owner_.sockets_mutex_);
    --owner_.arriving_;
    return false;
  }

  void shutdown() override {}

 private:
  HttpServer& owner_;
};

HttpServer::HttpServer(const HttpServerOptions& options, EdgeMetrics& metrics)
    : options_(options),
      metrics_(metrics),
      threads_(options.max_connections),
      keep_alive_line_(absl::StrCat("Keep-Alive: timeout=", absl::ToInt64Seconds(options.limits.idle_timeout),
                                    ", max=", kMaxRequestsTold, "\r\n")),
      refusal_threads_(kRefusalThreads),
      server_(std::make_unique<BoundedServer>(*this)) {
  if (pipe2(wake_pipe_, O_CLOEXEC | O_NONBLOCK) != 0) wake_pipe_[0] = wake_pipe_[1] = -1;
  if (wake_pipe_[0] >= 0) spare_descriptor_ = fcntl(wake_pipe_[0], F_DUPFD_CLOEXEC, 0);
  server_->new_task_queue = [this] { return new ConnectionThreads(*this); };
  server_->set_payload_max_length(options_.max_body_bytes);
  // These two only tell the client what ServeRequests does.
  server_->set_keep_alive_timeout(absl::ToInt64Seconds(options_.limits.idle_timeout));
  server_->set_keep_alive_max_count(kMaxRequestsTold);
  // Without SO_REUSEPORT, which cpp-httplib sets by default: a taken port has to be an error.
  server_->set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server_->set_error_handler([](const httplib::Request&, httplib::Response& response) {
    return CompleteError(response) ? HandlerResponse::Handled : HandlerResponse::Unhandled;
  });
  server_->set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, std::exception_ptr) { NoteException(response); });
  server_->set_post_routing_handler(NoteAnswer);
}

HttpServer::~HttpServer() {
  StopAccepting();
  Finish(absl::Now());
  for (const int descriptor : {wake_pipe_[0], wake_pipe_[1], spare_descriptor_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

httplib::Server& HttpServer::routes() { return *server_; }

void HttpServer::Post(const std::string& path, httplib::Server::HandlerWithContentReader handler) {
  server_->Post(path, handler);
  posts_.emplace_back(path, std::move(handler));
}

void HttpServer::SetPreRoutingHandler(httplib::Server::HandlerWithResponse before) {
  server_->set_pre_routing_handler(before);
  before_ = std::move(before);
}

absl::Status HttpServer::Bind() {
  if (spare_descriptor_ < 0) return absl::UnavailableError("cannot create a pipe: too many open files");
  if (options_.port == 0) {
    port_ = server_->bind_to_any_port(options_.host);
  } else {
    port_ = server_->bind_to_port(options_.host, options_.port) ? options_.port : -1;
  }
  if (port_ <= 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options_.host, ":", options_.port,
                                               ": the port is taken, or the address is not of this machine"));
  }
  return absl::OkStatus();
}

void HttpServer::Start() {
  rlimit files = {};
  const size_t needed = options_.max_connections + kOtherDescriptors;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < needed) {
    common::Log(common::Severity::kWarning, "few_file_descriptors",
                {{"limit", static_cast<int64_t>(files.rlim_cur)},
                 {"needed", needed},
                 {"message", "raise the limit of open files, or lower --max_connections"}});
  }
  accepting_ = true;
  accepting_thread_ = std::thread([this] {
    server_->listen_after_bind();
    accepting_ = false;
    if (!stopping_) common::Log(common::Severity::kError, "listening_socket_failed");
  });
  server_->wait_until_ready();
}

void HttpServer::StopAccepting() {
  if (stopping_.exchange(true)) return;
  StartDraining();
  const char wake = 0;
  if (wake_pipe_[1] >= 0 && write(wake_pipe_[1], &wake, 1) != 1) {
    common::Log(common::Severity::kWarning, "idle_connections_not_woken");
  }
  server_->StopListening();
  // While no descriptor is free, accept() fails for that reason, which cpp-httplib takes for one that passes.
  if (spare_descriptor_ >= 0) close(std::exchange(spare_descriptor_, -1));
  if (accepting_thread_.joinable()) accepting_thread_.join();
}

void HttpServer::Finish(absl::Time deadline) {
  const auto none_left = [this]()
                             ABSL_SHARED_LOCKS_REQUIRED(sockets_mutex_) { return sockets_.empty() && arriving_ == 0; };
  {
    absl::MutexLock lock(&sockets_mutex_);
    if (!sockets_mutex_.AwaitWithDeadline(absl::Condition(&none_left), deadline)) {
      common::Log(common::Severity::kWarning, "connections_broken_at_shutdown",
                  {{"connections", sockets_.size() + arriving_}});
      for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
    }
    finished_ = true;
  }
  threads_.Shutdown();
  refusal_threads_.Shutdown();
}

void HttpServer::Serve(int socket) {
  {
    absl::MutexLock lock(&sockets_mutex_);
    --arriving_;
    if (finished_) {
      close(socket);
      return;
    }
    sockets_.insert(socket);
  }
  metrics_.connections.Increment();
  {
    Connection connection(socket, options_.limits, wake_pipe_[0]);
    current_connection = &connection;
    std::string remote_address;
    int remote_port = 0;
    connection.get_remote_ip_and_port(remote_address, remote_port);
    if (refusing) {
      AnswerBriefly(connection, remote_address, 503);
    } else if (!CountIn(remote_address)) {
      metrics_.connections_refused_total.Increment();
      AnswerBriefly(connection, remote_address, 503);
    } else {
      ServeRequests(connection, remote_address, remote_port);
      CountOut(remote_address);
    }
    current_connection = nullptr;
  }
  metrics_.connections.Decrement();
  absl::MutexLock lock(&sockets_mutex_);
  sockets_.erase(socket);
  close(socket);
}

bool HttpServer::CountIn(const std::string& remote_address) {
  if (options_.max_connections_per_address == 0) return true;
  absl::MutexLock lock(&sockets_mutex_);
  size_t& connections = connections_by_address_[remote_address];
  if (connections >= options_.max_connections_per_address) return false;
  ++connections;
  return true;
}

void HttpServer::CountOut(const std::string& remote_address) {
  if (options_.max_connections_per_address == 0) return;
  absl::MutexLock lock(&sockets_mutex_);
  const auto found = connections_by_address_.find(remote_address);
  if (--found->second == 0) connections_by_address_.erase(found);
}

void HttpServer::ServeRequests(Connection& connection, const std::string& remote_address, int remote_port) {
  while (true) {
    RequestTrail& trail = CurrentTrail();
    trail = {};
    trail.socket = connection.socket();
    switch (connection.ReadHead()) {
      case Connection::Head::kComplete:
        break;
      case Connection::Head::kClosed:
        return;
      case Connection::Head::kTooLarge:
        return AnswerBriefly(connection, remote_address, 431);
      case Connection::Head::kTooSlow:
        return AnswerBriefly(connection, remote_address, 408);
      case Connection::Head::kMalformed:
        return AnswerBriefly(connection, remote_address, 400);
    }
    const absl::Time start = absl::Now();
    const bool last = draining_.load();
    const bool reusable = ServeOne(connection, remote_address, remote_port, last);
    trail.held.reset();
    const absl::Duration taken = absl::Now() - start;
    metrics_.CountRequest(trail.status, taken);
    common::Log(common::Severity::kInfo, "request",
                {{"request_id", trail.request_id},
                 {"remote", remote_address},
                 {"method", trail.http_method},
                 {"path", trail.path},
                 {"status", trail.status},
                 {"duration_us", absl::ToInt64Microseconds(taken)},
                 {"rpc_method", trail.rpc_method},
                 {"tool", trail.tool},
                 {"version", trail.version},
                 {"reason", trail.reason}});
    // The client was told "Connection: close" after an error.
    if (!reusable || trail.status >= 400 || last) {
      if (trail.status >= 400 || last) connection.CloseGently();
      return;
    }
  }
}

bool HttpServer::ServeOne(Connection& connection, const std::string& remote_address, int remote_port, bool last) {
  httplib::Request request;
  if (const std::optional<size_t> length = ReadPlainHead(connection.head(), request);
      length.has_value() && *length <= options_.max_body_bytes) {
    const auto post =
        std::find_if(posts_.begin(), posts_.end(), [&](const auto& entry) { return entry.first == request.path; });
    if (post != posts_.end()) {
      request.remote_addr = remote_address;
      request.remote_port = remote_port;
      return ServePlain(connection, request, *length, post->second, last);
    }
  }
  return server_->ServeOne(connection, remote_address, remote_port, last);
}

bool HttpServer::ServePlain(Connection& connection, httplib::Request& request, size_t length,
                            const httplib::Server::HandlerWithContentReader& handler, bool last) {
  connection.TakeHead();
  size_t left = length;
  httplib::Response response;
  const auto read = [&](const httplib::ContentReceiver& receive) {
    while (left > 0) {
      const absl::string_view part = connection.ReadBody(left);
      left -= part.size();
      if (part.empty() || !receive(part.data(), part.size())) {
        response.status = 400;
        return false;
      }
    }
    return true;
  };
  const httplib::ContentReader reader(read, nullptr);
  try {
    if (!before_ || before_(request, response) != HandlerResponse::Handled) handler(request, response, reader);
  } catch (...) {
    NoteException(response);
  }
  if (!Answer(connection, request, response, last)) return false;
  // What was not wanted of the body stands before the next request.
  while (left > 0) {
    const size_t skipped = connection.ReadBody(left).size();
    if (skipped == 0) return false;
    left -= skipped;
  }
  return true;
}

bool HttpServer::Answer(Connection& connection, const httplib::Request& request, httplib::Response& response,
                        bool last) {
  if (response.status == -1) response.status = 200;
  if (response.status >= 400) CompleteError(response);
  NoteAnswer(request, response);
  std::string text;
  text.reserve(512 + (response.body.size() <= kMaxCopiedBody ? response.body.size() : 0));
  absl::StrAppend(&text, "HTTP/1.1 ", response.status, " ", httplib::status_message(response.status), "\r\n");
  for (const auto& [name, value] : response.headers) absl::StrAppend(&text, name, ": ", value, "\r\n");
  text += last || response.status >= 400 ? "Connection: close\r\n" : keep_alive_line_;
  if (response.content_provider_) {
    text += "Transfer-Encoding: chunked\r\n\r\n";
    return WriteAll(connection, text) && WriteChunks(connection, response);
  }
  absl::StrAppend(&text, "Content-Length: ", response.body.size(), "\r\n\r\n");
  if (response.body.size() > kMaxCopiedBody) return WriteAll(connection, text) && WriteAll(connection, response.body);
  text += response.body;
  return WriteAll(connection, text);
}

void HttpServer::AnswerBriefly(Connection& connection, absl::string_view remote_address, int status) {
  const std::string body = ErrorBody(status);
  connection.write(absl::StrCat("HTTP/1.1 ", status, " ", httplib::status_message(status), "\r\nContent-Type: ", kJson,
                                "\r\nContent-Length: ", body.size(), status == 503 ? "\r\nRetry-After: 1" : "",
                                "\r\nConnection: close\r\n\r\n", body));
  metrics_.CountRequest(status, absl::ZeroDuration());
  common::Log(common::Severity::kInfo, "request",
              {{"remote", remote_address}, {"status", status}, {"reason", WireErrorOf(KindOfStatus(status)).reason}});
  connection.CloseGently();
}

}  // namespace mcp_edge
