#include "common/admin_server.h"

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "httplib.h"
#include "prometheus/text_serializer.h"

namespace common {
namespace {

constexpr int kThreads = 2;
constexpr int kMaxThreads = 8;
constexpr char kText[] = "text/plain; charset=utf-8";

class HttplibAdminServer final : public AdminServer {
 public:
  HttplibAdminServer(ReadinessCheck readiness, prometheus::Collectable& metrics, std::vector<AdminDocument> documents)
      : readiness_(std::move(readiness)), metrics_(metrics) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads, kMaxThreads); };
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
  httplib::Server server_;
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
