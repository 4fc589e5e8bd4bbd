#include "tool_service/sdk/server.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/admin_server.h"
#include "common/clock.h"
#include "common/command_line.h"
#include "common/executor.h"
#include "common/grpc_log.h"
#include "common/log.h"
#include "common/rpc/rpc_server.h"
#include "common/shutdown_signals.h"
#include "prometheus/registry.h"
#include "tool_service/sdk/grpc_service.h"
#include "tool_service/sdk/metrics.h"
#include "tool_service/sdk/principal_keys.h"
#include "tool_service/sdk/principal_verifier.h"
#include "tool_service/sdk/reflection_service.h"

namespace tool_service {
namespace {

using common::Severity;

constexpr char kServiceName[] = "gatehouse.tool.v1.ToolService";

// Between "not serving" and the refusal of new calls: clients that watch the health have gone elsewhere by then.
constexpr absl::Duration kLameDuckTime = absl::Seconds(1);

// How long a cancelled handler may take to return.
constexpr absl::Duration kLastWait = absl::Seconds(2);

constexpr int kMaxReceiveBytes = 5 << 20;      // arguments of 4 MiB, and the rest of a request
constexpr int kMaxSendBytes = 64 << 20;        // images and the like; the edge has a limit of its own
constexpr size_t kMaxBufferBytes = 512 << 20;  // of all connections together

class GrpcServer final : public Server {
 public:
  GrpcServer(Service& service, const Config& config)
      : config_(config),
        metrics_(registry_),
        executor_(static_cast<size_t>(config.max_threads), static_cast<size_t>(config.max_waiting)),
        verifier_(VerifierFor(service, config)),
        grpc_service_(service, executor_, metrics_, verifier_.get()) {
    for (const Tool& tool : service.catalog()->tools()) metrics_.ForTool(tool.name());
  }

  ~GrpcServer() override {
    if (keys_ != nullptr) keys_->Stop();  // it tells the server when there are keys
    if (server_ != nullptr) EndOnce();
  }

  absl::Status Start() {
    const auto security = common::GrpcSecurity::Create(config_.grpc_security);
    if (!security.ok()) return security.status();
    const auto credentials = (*security)->ForServer(config_.host);
    if (!credentials.ok()) return credentials.status();
    auto admin = common::AdminServer::Start(
        config_.admin_host, config_.admin_port,
        [this] {
          if (!ready_) return absl::UnavailableError("shutting down");
          return keys_ == nullptr ? absl::OkStatus() : keys_->Ready();
        },
        registry_);
    if (!admin.ok()) return Explain(admin.status(), "--admin_port");
    admin_ = *std::move(admin);

    common::RpcServerOptions options;
    options.host = config_.host;
    options.port = config_.port;
    options.credentials = *credentials;
    options.service_names = {kServiceName};
    options.threads = config_.io_threads;
    options.max_receive_bytes = kMaxReceiveBytes;
    options.max_send_bytes = kMaxSendBytes;
    options.max_buffer_bytes = kMaxBufferBytes;
    auto server = common::RpcServer::Start(options, {&grpc_service_, &reflection_});
    if (!server.ok()) return Explain(server.status(), "--port");
    server_ = *std::move(server);
    ready_ = true;
    server_->health().SetServing(keys_ == nullptr);
    if (keys_ != nullptr) keys_->Start([this] { server_->health().SetServing(true); });
    return absl::OkStatus();
  }

  int port() const override { return server_->port(); }
  int admin_port() const override { return admin_->port(); }

  bool Shutdown() override { return EndOnce(); }

 private:
  static absl::Status Explain(const absl::Status& status, absl::string_view flag) {
    return absl::Status(status.code(), absl::StrCat(status.message(), "; choose another with ", flag));
  }

  // Makes the keys too. Null: whoever calls is believed.
  std::unique_ptr<PrincipalVerifier> VerifierFor(const Service& service, const Config& config) {
    if (config.unsigned_principals == "accept") return nullptr;
    keys_ = std::make_unique<PrincipalKeys>(config.principal_keys, MakeKeyFetcher(config.principal_keys),
                                            RefreshIntervalFor(config.principal_keys));
    return std::make_unique<PrincipalVerifier>(
        PrincipalVerifierOptions{config.audience.empty() ? std::vector<std::string>{service.name()} : config.audience,
                                 config.principal_issuer},
        *keys_, clock_);
  }

  bool EndOnce() {
    if (ready_.exchange(false)) {
      const absl::Time deadline = absl::Now() + config_.shutdown_grace;
      server_->health().Shutdown();  // "not serving" for good, whoever fetches keys
      grpc_service_.EndStreams();
      absl::SleepFor(std::min(kLameDuckTime, config_.shutdown_grace / 2));
      server_->Shutdown(deadline, [this] {
        return metrics_.calls_in_flight.Value() != 0 || metrics_.catalog_streams.Value() != 0 ||
               metrics_.resource_streams.Value() != 0;
      });
      all_returned_ = server_->AwaitCalls(std::max(deadline, absl::Now()) + kLastWait);
    }
    return all_returned_;
  }

  // In the order in which they are needed; destroyed in the opposite one.
  const Config config_;
  prometheus::Registry registry_;
  Metrics metrics_;
  common::ThreadExecutor executor_;
  const common::SystemClock clock_;
  std::unique_ptr<PrincipalKeys> keys_;  // null: whoever calls is believed
  const std::unique_ptr<PrincipalVerifier> verifier_;
  GrpcService grpc_service_;
  ReflectionService reflection_{{kServiceName, "grpc.health.v1.Health"}};
  std::atomic<bool> ready_{false};
  bool all_returned_ = false;  // once it has ended: every handler has
  std::unique_ptr<common::AdminServer> admin_;
  std::unique_ptr<common::RpcServer> server_;
};

int Fail(absl::string_view event, const absl::Status& status) {
  common::Log(Severity::kError, event, {{"message", status.message()}});
  return 2;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(Service& service, const Config& config) {
  if (const absl::Status status = config.Validate(); !status.ok()) return status;
  if (const absl::Status status = service.startup_status(); !status.ok()) return status;
  auto server = std::make_unique<GrpcServer>(service, config);
  if (const absl::Status status = server->Start(); !status.ok()) return status;
  return server;
}

int Run(int argc, char** argv, Service& service) {
  // Debian's Abseil is built with the search for deadlock cycles, which takes a lock of the whole process for each lock
  // of a mutex, gRPC's own included.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  common::InitLog(service.name());
  if (const absl::Status status = common::ParseFlags(argc, argv); !status.ok()) return Fail("flags_invalid", status);
  const Config config = ConfigFromFlags();
  if (const absl::Status status = config.Validate(); !status.ok()) return Fail("config_invalid", status);
  common::InitLog(service.name(), config.severity());
  common::LogForGrpc();
  const common::ShutdownSignals signals;
  auto server = Server::Start(service, config);
  if (!server.ok()) return Fail("start_failed", server.status());
  common::Log(Severity::kInfo, "serving",
              {{"host", config.host},
               {"port", (*server)->port()},
               {"admin_port", (*server)->admin_port()},
               {"tools", service.catalog()->tools_size()}});
  if (config.unsigned_principals == "accept") {
    common::Log(Severity::kWarning, "unsigned_principals_accepted",
                {{"message", "--unsigned_principals=accept: whoever reaches the port can say to be anybody"}});
  }
  const int signal = signals.Wait();
  common::Log(Severity::kInfo, "shutting_down", {{"signal", signal}});
  if (!(*server)->Shutdown()) {
    common::Log(
        Severity::kError, "handler_stuck",
        {{"message", "a handler did not return after its call was cancelled, or a client does not read its answer"}});
    std::_Exit(1);  // to destroy the server would be to wait for it
  }
  common::Log(Severity::kInfo, "stopped");
  return 0;
}

}  // namespace tool_service
