#include "mcp_edge/rpc/testing/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mcp_edge {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::perror(what);
  std::abort();
}

std::vector<nghttp2_nv> Fields(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<nghttp2_nv> all;
  for (const auto& [name, value] : fields) {
    all.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                   reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                   NGHTTP2_NV_FLAG_NONE});
  }
  return all;
}

}  // namespace

std::string Framed(const std::string& message) {
  std::string framed(5, '\0');
  for (size_t i = 0; i < 4; ++i) framed[4 - i] = static_cast<char>(message.size() >> (8 * i));
  return framed + message;
}

// One connection, served by one thread.
class ScriptedServer::Peer {
 public:
  Peer(ScriptedServer& server, int fd, int number) : server_(server), fd_(fd), number_(number) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void* self) {
          Of(self, frame->hd.stream_id)
              .request.headers.emplace(std::string(reinterpret_cast<const char*>(name), name_size),
                                       std::string(reinterpret_cast<const char*>(value), value_size));
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, uint8_t, int32_t stream_id, const uint8_t* data, size_t size, void* self) {
          Of(self, stream_id).request.body.append(reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          if (frame->hd.type == NGHTTP2_RST_STREAM) {
            ScriptedServer& server = static_cast<Peer*>(self)->server_;
            absl::MutexLock lock(&server.mutex_);
            ++server.resets_;
          }
          if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
              (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            static_cast<Peer*>(self)->Answer(frame->hd.stream_id);
          }
          return 0;
        });
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Peer() {
    nghttp2_session_del(session_);
    shutdown(fd_, SHUT_RDWR);
  }

  void Serve() {
    std::array<char, 16384> buffer;
    while (Send()) {
      if (close_) return;
      const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
      if (size <= 0) return;
      if (nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(buffer.data()),
                                   static_cast<size_t>(size)) < 0) {
        return;
      }
    }
  }

 private:
  struct Stream {
    ScriptedRequest request;
    ScriptedAnswer answer;
    size_t sent = 0;
  };

  static Stream& Of(void* self, int32_t stream_id) { return static_cast<Peer*>(self)->streams_[stream_id]; }

  void Answer(int32_t stream_id) {
    Stream& stream = streams_[stream_id];
    stream.request.connection = number_;
    stream.request.stream = stream_id;
    if (absl::StartsWith(stream.request.headers[":path"], "/grpc.health.")) {
      absl::MutexLock lock(&server_.mutex_);
      if (server_.health_.empty()) {
        stream.answer.headers = {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "12"}};
        stream.answer.trailers.clear();
      } else {
        stream.answer.data = server_.health_;
        stream.answer.hang = true;
      }
    } else {
      {
        absl::MutexLock lock(&server_.mutex_);
        server_.requests_.push_back(stream.request);
      }
      stream.answer = server_.script_(stream.request);
    }
    const ScriptedAnswer& answer = stream.answer;
    if (answer.goaway_last_stream >= 0) {
      nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, answer.goaway_last_stream, NGHTTP2_NO_ERROR, nullptr, 0);
    }
    garbage_ += answer.garbage;
    close_ = close_ || answer.close;
    if (answer.reset) {
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream_id, answer.reset_code);
      return;
    }
    if (answer.headers.empty()) return;
    const std::vector<nghttp2_nv> fields = Fields(answer.headers);
    if (answer.data.empty() && answer.trailers.empty() && !answer.hang) {
      nghttp2_submit_response(session_, stream_id, fields.data(), fields.size(), nullptr);
      return;
    }
    nghttp2_data_provider data = {};
    data.read_callback = [](nghttp2_session* session, int32_t id, uint8_t* out, size_t size, uint32_t* flags,
                            nghttp2_data_source*, void* self) -> ssize_t {
      Stream& stream = Of(self, id);
      const std::string& data = stream.answer.data;
      const size_t taken = std::min(size, data.size() - stream.sent);
      if (taken == 0 && stream.answer.hang) return NGHTTP2_ERR_DEFERRED;
      std::memcpy(out, data.data() + stream.sent, taken);
      stream.sent += taken;
      {
        ScriptedServer& server = static_cast<Peer*>(self)->server_;
        absl::MutexLock lock(&server.mutex_);
        server.sent_bytes_ += taken;
      }
      if (stream.sent == data.size() && !stream.answer.hang) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!stream.answer.trailers.empty()) {
          *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
          const std::vector<nghttp2_nv> trailers = Fields(stream.answer.trailers);
          nghttp2_submit_trailer(session, id, trailers.data(), trailers.size());
        }
      }
      return static_cast<ssize_t>(taken);
    };
    nghttp2_submit_response(session_, stream_id, fields.data(), fields.size(), &data);
  }

  bool Send() {
    while (true) {
      const uint8_t* data = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &data);
      if (size < 0) return false;
      if (size == 0) break;
      if (!Write({reinterpret_cast<const char*>(data), static_cast<size_t>(size)})) return false;
    }
    return Write(std::exchange(garbage_, ""));
  }

  bool Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(size));
    }
    return true;
  }

  ScriptedServer& server_;
  const int fd_;
  const int number_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Stream> streams_;
  std::string garbage_;
  bool close_ = false;
};

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Require(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, "bind");
  Require(listen(listener_, 64) == 0, "listen");
  socklen_t size = sizeof(address);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  close(listener_);
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    for (const int fd : sockets_) shutdown(fd, SHUT_RDWR);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  for (const int fd : sockets_) close(fd);
}

std::string ScriptedServer::target() const { return absl::StrCat("ipv4:127.0.0.1:", port_); }

void ScriptedServer::SetHealth(const std::string& framed) {
  absl::MutexLock lock(&mutex_);
  health_ = framed;
}

int ScriptedServer::connections() const {
  absl::MutexLock lock(&mutex_);
  return connections_;
}

std::vector<ScriptedRequest> ScriptedServer::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

int ScriptedServer::resets() const {
  absl::MutexLock lock(&mutex_);
  return resets_;
}

size_t ScriptedServer::sent_bytes() const {
  absl::MutexLock lock(&mutex_);
  return sent_bytes_;
}

void ScriptedServer::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    absl::MutexLock lock(&mutex_);
    sockets_.push_back(fd);
    threads_.emplace_back([this, fd, number = ++connections_] { Peer(*this, fd, number).Serve(); });
  }
}

}  // namespace mcp_edge
