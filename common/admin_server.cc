#include "common/admin_server.h"

#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/executor.h"
#include "httplib.h"
#include "prometheus/text_serializer.h"

namespace common {
namespace {

constexpr size_t kMaxThreads = 128;
constexpr int kMaxConnectionsPerAddress = 8;
constexpr char kText[] = "text/plain; charset=utf-8";

// A thread for each connection; what is beyond that is closed. cpp-httplib's own pool lets connections that come at the
// same moment wait for each other.
class ThreadPerConnection final : public httplib::TaskQueue {
 public:
  bool enqueue(std::function<void()> task) override { return executor_.Submit(std::move(task)); }
  void shutdown() override { executor_.Stop(); }

 private:
  ThreadExecutor executor_{kMaxThreads, /*max_waiting=*/0};
};

// Serves connections as cpp-httplib does, each on a thread, but closes those of an address that has many already:
// whoever may come here for one thing (tools, for the keys of the edge) must not keep others from it.
class FairServer final : public httplib::Server {
 private:
  bool process_and_close_socket(socket_t socket) override {
    std::string address;
    int port = 0;
    httplib::detail::get_remote_ip_and_port(socket, address, port);
    bool served = false;
    if (CountIn(address)) {
      served = httplib::detail::process_server_socket(
          svr_sock_, socket, keep_alive_max_count_, keep_alive_timeout_sec_, read_timeout_sec_, read_timeout_usec_,
          write_timeout_sec_, write_timeout_usec_, [&](httplib::Stream& stream, bool last, bool& closed) {
            return process_request(stream, address, port, "", 0, last, closed, nullptr);
          });
      CountOut(address);
    }
    httplib::detail::shutdown_socket(socket);
    httplib::detail::close_socket(socket);
    return served;
  }

  bool CountIn(const std::string& address) {
    absl::MutexLock lock(&mutex_);
    int& connections = connections_[address];
    if (connections >= kMaxConnectionsPerAddress) return false;
    ++connections;
    return true;
  }

  void CountOut(const std::string& address) {
    absl::MutexLock lock(&mutex_);
    const auto found = connections_.find(address);
    if (--found->second == 0) connections_.erase(found);
  }

  absl::Mutex mutex_;
  std::map<std::string, int> connections_ ABSL_GUARDED_BY(mutex_);  // by address
};

class HttplibAdminServer final : public AdminServer {
 public:
  HttplibAdminServer(ReadinessCheck readiness, prometheus::Collectable& metrics, std::vector<AdminDocument> documents)
      : readiness_(std::move(readiness)), metrics_(metrics) {
    server_.new_task_queue = [] { return new ThreadPerConnection; };
    server_.set_keep_alive_timeout(5);
    server_.set_read_timeout(5);
    server_.set_write_timeout(5);
    server_.set_payload_max_length(1024);
    server_.Get("/livez",
                [](const httplib::Request&, httplib::Response& response) { response.set_content("ok\n", kText); });
    server_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const absl::Status status = readiness_();
      response.status = status.ok() ? 200 : 503;
      response.set_content(status.ok() ? "ok\n" : absl::StrCat("not ready: ", status.message(), "\n"), kText);
    });
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(prometheus::TextSerializer().Serialize(metrics_.Collect()), "text/plain; version=0.0.4");
    });
    for (AdminDocument& document : documents) {
      server_.Get(document.path,
                  [type = std::move(document.media_type), content = std::move(document.content)](
                      const httplib::Request&, httplib::Response& response) { response.set_content(content(), type); });
    }
  }

  ~HttplibAdminServer() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Listen(const std::string& host, int port) {
    // Without SO_REUSEPORT, which cpp-httplib sets by default: a taken port has to be an error.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    if (port == 0) {
      port_ = server_.bind_to_any_port(host);
    } else {
      port_ = server_.bind_to_port(host, port) ? port : -1;
    }
    if (port_ <= 0) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", host, ":", port,
                                                 ": the port is taken, or the address is not of this machine"));
    }
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    server_.wait_until_ready();
    return absl::OkStatus();
  }

  int port() const override { return port_; }

 private:
  const ReadinessCheck readiness_;
  prometheus::Collectable& metrics_;
  FairServer server_;
  std::thread thread_;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& host, int port,
                                                                ReadinessCheck readiness,
                                                                prometheus::Collectable& metrics,
                                                                std::vector<AdminDocument> documents) {
  auto server = std::make_unique<HttplibAdminServer>(std::move(readiness), metrics, std::move(documents));
  if (const absl::Status status = server->Listen(host, port); !status.ok()) return status;
  return server;
}

}  // namespace common
