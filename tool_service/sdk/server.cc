#include "tool_service/sdk/server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/admin_server.h"
#include "common/clock.h"
#include "common/command_line.h"
#include "common/executor.h"
#include "common/log.h"
#include "common/shutdown_signals.h"
#include "prometheus/registry.h"
#include "tool_service/sdk/grpc_service.h"
#include "tool_service/sdk/health_service.h"
#include "tool_service/sdk/metrics.h"
#include "tool_service/sdk/principal_keys.h"
#include "tool_service/sdk/principal_verifier.h"
#include "tool_service/sdk/reflection_service.h"
#include "tool_service/sdk/rpc_loop.h"

namespace tool_service {
namespace {

using common::Severity;

constexpr char kServiceName[] = "gatehouse.tool.v1.ToolService";

// A connection this old is asked to go away once its calls have ended: gRPC balances by connection and resolves names
// when one is made, so this is how soon new replicas get traffic. No grace: a call is never cut, and a connection that
// only has a catalogue stream left costs nothing.
constexpr absl::Duration kMaxConnectionAge = absl::Seconds(10);

// Between "not serving" and the refusal of new calls: clients that watch the health have gone elsewhere by then.
constexpr absl::Duration kLameDuckTime = absl::Seconds(1);

// How long a cancelled handler may take to return.
constexpr absl::Duration kLastWait = absl::Seconds(2);

// How often a server that shuts down looks whether its calls have ended.
constexpr absl::Duration kIdlePoll = absl::Milliseconds(100);

// After which nothing more is on its way to a server that has told its clients to go.
constexpr absl::Duration kQuietTime = absl::Seconds(1);

constexpr int kMaxConcurrentStreams = 2000;    // of one connection
constexpr int kMaxReceiveBytes = 5 << 20;      // arguments of 4 MiB, and the rest of a request
constexpr int kMaxSendBytes = 64 << 20;        // images and the like; the edge has a limit of its own
constexpr size_t kMaxBufferBytes = 512 << 20;  // of all connections together

// gRPC's own lines in our format. They explain, and what they explain is also logged by those whom it concerns.
void LogForGrpc(gpr_log_func_args* line) {
  common::Log(Severity::kDebug, "grpc", {{"message", line->message}, {"file", line->file}, {"line", line->line}});
}

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

    grpc::ServerBuilder builder;
    const std::string host = absl::StrContains(config_.host, ":") ? absl::StrCat("[", config_.host, "]") : config_.host;
    builder.AddListeningPort(absl::StrCat(host, ":", config_.port), *credentials, &port_);
    loop_.emplace(builder);
    grpc_service_.Register(builder);
    health_.Register(builder);
    reflection_.Register(builder);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a taken port is an error
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                               static_cast<int>(absl::ToInt64Milliseconds(kMaxConnectionAge)));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);  // finds peers that are gone without a word
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);  // lets clients do so
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);  // statistics of each call that nobody can ask for
    builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
    builder.SetMaxSendMessageSize(kMaxSendBytes);
    builder.SetResourceQuota(grpc::ResourceQuota("tool_service").Resize(kMaxBufferBytes));
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || (port_ == 0)) {
      return Explain(absl::UnavailableError(absl::StrCat("cannot listen on ", config_.host, ":", config_.port,
                                                         ": the port is taken, or the address is not of this machine")),
                     "--port");
    }
    grpc_service_.Start(*loop_);
    health_.Start(*loop_);
    reflection_.Start(*loop_);
    ready_ = true;
    health_.SetServing(keys_ == nullptr);
    loop_->Start(config_.io_threads);
    if (keys_ != nullptr) keys_->Start([this] { health_.SetServing(true); });
    return absl::OkStatus();
  }

  int port() const override { return port_; }
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
    if (!ready_.exchange(false)) return ended_.HasBeenNotified();
    const absl::Time deadline = absl::Now() + config_.shutdown_grace;
    health_.Shutdown();  // "not serving" for good, whoever fetches keys
    grpc_service_.EndStreams();
    absl::SleepFor(std::min(kLameDuckTime, config_.shutdown_grace / 2));
    ending_ = std::thread([this, deadline] {
      server_->Shutdown(absl::ToChronoTime(deadline));
      server_->Wait();
      loop_->Stop();
      ended_.Notify();
    });
    // gRPC also waits for connections without calls until their clients notice, for some seconds if nothing happens
    // there.
    absl::Time last_busy_time = absl::Now();
    while (!ended_.WaitForNotificationWithTimeout(kIdlePoll)) {
      const absl::Time now = absl::Now();
      if (now > deadline + kLastWait) return false;
      const bool is_busy = metrics_.calls_in_flight.Value() != 0 || metrics_.catalog_streams.Value() != 0 ||
                           metrics_.resource_streams.Value() != 0;
      if (is_busy) last_busy_time = now;
      // A call that was on its way when the client was told to go is not counted yet, nor is the end of one that was
      // sent.
      if (now - last_busy_time >= kQuietTime) {
        grpc_server_cancel_all_calls(server_->c_server());  // there are none; closes the connections
      }
    }
    return true;
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
  HealthService health_{{"", kServiceName}};
  ReflectionService reflection_{{kServiceName, "grpc.health.v1.Health"}};
  std::atomic<bool> ready_{false};
  std::unique_ptr<common::AdminServer> admin_;
  int port_ = 0;
  std::optional<RpcLoop> loop_;  // works until the server has been shut down
  std::unique_ptr<grpc::Server> server_;
  absl::Notification ended_;

  struct JoiningThread {
    std::thread thread;
    JoiningThread& operator=(std::thread other) {
      thread = std::move(other);
      return *this;
    }
    ~JoiningThread() {
      if (thread.joinable()) thread.join();
    }
  } ending_;
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
  gpr_set_log_function(LogForGrpc);
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
    common::Log(Severity::kError, "handler_stuck",
                {{"message", "a handler did not return after its call was cancelled"}});
    std::_Exit(1);  // to destroy the server would be to wait for it
  }
  common::Log(Severity::kInfo, "stopped");
  return 0;
}

}  // namespace tool_service
