// mcp_edge: speaks MCP to agents, asks auth_service who they are, and calls tool services. Reading main() is reading
// its architecture.

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/admin_server.h"
#include "common/clock.h"
#include "common/command_line.h"
#include "common/grpc_log.h"
#include "common/grpc_security.h"
#include "common/log.h"
#include "common/shutdown_signals.h"
#include "mcp_edge/assertion/principal_signer.h"
#include "mcp_edge/audit/audit_log.h"
#include "mcp_edge/auth/auth_client.h"
#include "mcp_edge/auth/client_registration.h"
#include "mcp_edge/auth/resource_metadata.h"
#include "mcp_edge/catalog/catalog.h"
#include "mcp_edge/catalog/catalog_watcher.h"
#include "mcp_edge/catalog/tool_services_file.h"
#include "mcp_edge/config.h"
#include "mcp_edge/dispatch/dispatcher.h"
#include "mcp_edge/dispatch/skills.h"
#include "mcp_edge/edge_metrics.h"
#include "mcp_edge/events/catalog_events.h"
#include "mcp_edge/events/listen_exchange.h"
#include "mcp_edge/events/memory_event_bus.h"
#include "mcp_edge/http/disconnect_monitor.h"
#include "mcp_edge/http/host_policy.h"
#include "mcp_edge/http/http_server.h"
#include "mcp_edge/http/thread_memory.h"
#include "mcp_edge/rpc/rpc_channel.h"
#include "mcp_edge/sealing/aead_sealer.h"
#include "mcp_edge/sealing/key_ring.h"
#include "mcp_edge/session/memory_session_store.h"
#include "mcp_edge/session/memory_stream_store.h"
#include "mcp_edge/session/session_manager.h"
#include "mcp_edge/tasks/memory_task_store.h"
#include "mcp_edge/tasks/task_manager.h"
#include "mcp_edge/tools/grpc_channel.h"
#include "mcp_edge/transport/edge_routes.h"
#include "mcp_edge/transport/mcp_endpoint.h"
#include "mcp_edge/transport/registration_endpoint.h"
#include "mcp_edge/transport/session_notifier.h"
#include "mcp_edge/transport/sse_endpoint.h"
#include "prometheus/registry.h"

namespace mcp_edge {
namespace {

using common::Severity;

// Requests over HTTP+SSE that run at the same time, each on a thread.
constexpr size_t kMaxSseRunning = 512;
constexpr absl::Duration kSweepInterval = absl::Seconds(10);
// Between "not ready" and the refusal of new connections: load balancers have looked elsewhere by then.
constexpr absl::Duration kLameDuckTime = absl::Seconds(1);
constexpr absl::Duration kReadyPoll = absl::Milliseconds(10);

enum class State { kStarting, kServing, kStopping };

int Fail(absl::string_view event, const absl::Status& status, absl::string_view advice = "") {
  common::Log(Severity::kError, event, {{"message", absl::StrCat(status.message(), advice)}});
  return 2;
}

HttpServerOptions HttpOptions(const Config& config) {
  HttpServerOptions options;
  options.host = config.host;
  options.port = config.port;
  options.max_connections = static_cast<size_t>(config.max_connections);
  options.max_connections_per_address = static_cast<size_t>(config.max_connections_per_address);
  options.max_body_bytes = static_cast<size_t>(config.max_body_bytes);
  options.limits.idle_timeout = config.idle_timeout;
  options.limits.head_timeout = config.request_head_timeout;
  options.limits.body_timeout = config.request_body_timeout;
  options.limits.write_timeout = config.write_timeout;
  return options;
}

// Takes over keys that were exchanged while the edge runs. A file that is wrong changes nothing.
void ReloadKeys(const std::string& file_name, AeadSealer& sealer) {
  if (file_name.empty()) return;
  absl::StatusOr<KeyRing> keys = ReadKeyRing(file_name);
  if (!keys.ok()) {
    common::Log(Severity::kWarning, "state_keys_invalid", {{"message", keys.status().message()}});
  } else if (const size_t count = keys->size(); sealer.SetKeys(*std::move(keys))) {
    common::Log(Severity::kInfo, "state_keys_loaded", {{"keys", count}});
  }
}

// The same for the keys that sign who calls.
void ReloadPrincipalKeys(const std::string& file_name, PrincipalSigner& signer) {
  if (file_name.empty()) return;
  absl::StatusOr<PrincipalKeys> keys = ReadPrincipalKeys(file_name);
  if (!keys.ok()) {
    common::Log(Severity::kWarning, "principal_keys_invalid", {{"message", keys.status().message()}});
  } else if (const size_t count = keys->size(); signer.SetKeys(*std::move(keys))) {
    common::Log(Severity::kInfo, "principal_keys_loaded", {{"keys", count}});
  }
}

int Run(int argc, char** argv) {
  common::InitLog("mcp_edge");
  if (const absl::Status status = common::ParseFlags(argc, argv); !status.ok()) return Fail("flags_invalid", status);
  const Config config = ConfigFromFlags();
  if (const absl::Status status = config.Validate(); !status.ok()) return Fail("config_invalid", status);
  common::InitLog("mcp_edge", config.severity());
  common::LogForGrpc();
  const common::ShutdownSignals signals;  // before any thread

  const common::SystemClock clock;
  prometheus::Registry registry;
  EdgeMetrics metrics(registry);
  CatalogMetrics catalog_metrics(registry);
  AuditLog audit(config.audit_log, registry, config.audit_arguments);
  const absl::StatusOr<HostPolicy> hosts =
      HostPolicy::Create(config.resource, config.allowed_hosts, config.allowed_origins);
  if (!hosts.ok()) return Fail("config_invalid", hosts.status());

  // All mistakes of the person who starts it are found before anything runs.
  absl::StatusOr<ToolServicesFile> tools_file = LoadToolServicesFile(config.tools_config);
  if (!tools_file.ok()) return Fail("config_invalid", tools_file.status(), "; it is what --tools_config names");
  const auto security = common::GrpcSecurity::Create(common::GrpcSecurityFromFlags());
  if (!security.ok()) return Fail("config_invalid", security.status());
  if (const absl::Status status = (*security)->CheckTarget(config.auth_service); !status.ok()) {
    return Fail("config_invalid", absl::InvalidArgumentError(absl::StrCat("--auth_service: ", status.message())));
  }
  if (const absl::Status status = CheckTargets(tools_file->services, **security); !status.ok()) {
    return Fail("config_invalid", status);
  }

  absl::StatusOr<KeyRing> state_keys = RandomKeyRing();
  if (!config.state_keys_file.empty()) state_keys = ReadKeyRing(config.state_keys_file);
  if (!state_keys.ok()) return Fail("config_invalid", state_keys.status(), "; it is what --state_keys_file names");

  absl::StatusOr<PrincipalKeys> principal_keys = PrincipalKeys{common::Es256PrivateKey::Generate()};
  if (!config.principal_key_file.empty()) principal_keys = ReadPrincipalKeys(config.principal_key_file);
  if (!principal_keys.ok()) {
    return Fail("config_invalid", principal_keys.status(), "; it is what --principal_key_file names");
  }
  PrincipalSigner signer(config.resource, *std::move(principal_keys), clock, registry);

  // Where it is called. A taken port is found before anything runs; nobody is served yet.
  HttpServer server(HttpOptions(config), metrics);
  if (const absl::Status status = server.Bind(); !status.ok()) {
    return Fail("start_failed", status, "; choose another with --port");
  }
  std::atomic<State> state{State::kStarting};
  std::function<absl::Status()> readiness;  // set before the state is kServing
  auto admin = common::AdminServer::Start(
      config.admin_host, config.admin_port,
      [&]() -> absl::Status {
        if (state == State::kServing) return readiness();
        return absl::UnavailableError(state == State::kStarting ? "starting" : "shutting down");
      },
      registry, {{"/jwks.json", "application/jwk-set+json", [&] { return signer.KeySetJson(); }}});
  if (!admin.ok()) return Fail("start_failed", admin.status(), "; choose another with --admin_port");
  if (config.state_keys_file.empty()) {
    common::Log(Severity::kInfo, "state_key_random",
                {{"message", "what clients keep for this process no other replica can open; see --state_keys_file"}});
  }

  if (config.principal_key_file.empty()) {
    common::Log(Severity::kInfo, "principal_key_random",
                {{"message", "tools must fetch this process's own key from its admin port; see --principal_key_file"}});
  }

  // What can be called, and who is told when it changes.
  MemoryEventBus bus;
  Catalog catalog;
  catalog.AddListener([&](const CatalogSnapshot& snapshot) { PublishListChanges(snapshot, bus); });
  CatalogWatcherOptions watcher_options;
  watcher_options.file_name = config.tools_config;
  watcher_options.signer = &signer;
  watcher_options.security = security->get();
  std::unique_ptr<CatalogWatcher> watcher =
      CatalogWatcher::Start(watcher_options, *std::move(tools_file), catalog, catalog_metrics, bus);
  MemoryTaskStore task_store({}, clock);
  TaskManagerOptions task_options;
  task_options.max_time = config.max_task_time;
  task_options.ttl = config.task_ttl;
  task_options.poll_interval = config.task_poll_interval;
  TaskManager task_manager(task_options, task_store, bus, clock, metrics);
  Tasks* const tasks = config.tasks ? &task_manager : nullptr;
  DispatcherOptions dispatcher_options;
  dispatcher_options.default_tool_timeout = config.tool_timeout;
  dispatcher_options.max_tool_timeout = config.max_tool_timeout;
  dispatcher_options.client_answer_timeout = config.client_answer_timeout;
  dispatcher_options.hide_without_scope = config.tools_without_scope == "hide";
  AeadSealer sealer(*std::move(state_keys), clock);
  SkillsOptions skills_options;
  skills_options.hide_without_scope = dispatcher_options.hide_without_scope;
  Skills skills(skills_options, sealer, clock);
  Dispatcher dispatcher(dispatcher_options, catalog, sealer, clock, metrics, tasks, config.skills ? &skills : nullptr,
                        &audit);

  // Who calls.
  const ProtectedResource mcp_resource = MakeProtectedResource(config.resource, "/mcp");
  const ProtectedResource sse_resource = MakeProtectedResource(config.resource, "/sse");
  std::vector<std::string> resources = {mcp_resource.uri};
  if (config.http_sse) resources.push_back(sse_resource.uri);
  const std::shared_ptr<grpc::Channel> auth_channel = MakeChannel(config.auth_service, security->get());
  RpcChannelOptions auth_options;
  auth_options.watch_health = false;  // it has verdicts to give also while its provider is away
  const RpcChannel auth_calls(config.auth_service, security->get(), auth_options);
  AuthClient verifier(auth_calls, {config.verdict_ttl, static_cast<size_t>(config.verdict_cache_size)}, clock, metrics);
  ResourceMetadataOptions metadata_options;
  metadata_options.resources = resources;
  const bool registers = config.authorization_server_metadata == "register";
  metadata_options.mirror_authorization_server = registers || config.authorization_server_metadata == "mirror";
  if (registers) metadata_options.registration_endpoint = MakeProtectedResource(config.resource, "/register").uri;
  ResourceMetadata metadata(auth_channel, metadata_options);
  const Authenticator authenticator(
      verifier, [&](absl::string_view resource) { return metadata.Scopes(resource); }, config.auth_timeout, clock,
      metrics, config.error_style == "mcp-auth" ? ErrorStyle::kMcpAuth : ErrorStyle::kRfc6750, &audit);

  // How it is called.
  MemorySessionStoreOptions store_options;
  store_options.idle_timeout = config.session_idle_timeout;
  MemorySessionStore store(store_options, clock);
  MemoryStreamStore streams({}, clock);
  SessionManager sessions(store, &streams);
  AdmissionLimits limits;
  limits.max_requests = static_cast<size_t>(config.max_requests);
  limits.max_requests_per_principal = static_cast<size_t>(config.max_requests_per_principal);
  limits.max_streams = static_cast<size_t>(config.max_streams);
  limits.max_streams_per_principal = static_cast<size_t>(config.max_streams_per_principal);
  Admission admission(limits, metrics);
  BodyBudget bodies(static_cast<size_t>(config.max_body_bytes_in_flight));
  DisconnectMonitor disconnects;
  Listeners listeners(bus, catalog, tasks, clock, metrics, &audit);
  const Collaborators with = {authenticator, dispatcher,  sessions, listeners, admission,
                              bodies,        disconnects, clock,    metrics};
  const auto max_body_bytes = static_cast<size_t>(config.max_body_bytes);
  McpEndpoint mcp(mcp_resource, max_body_bytes, limits.max_requests, with);
  SseEndpoint sse(sse_resource, max_body_bytes, kMaxSseRunning, with);
  ClientRegistration client_registration(auth_channel);
  RegistrationEndpoint registration(
      [&](const auto& request, absl::Time deadline) { return client_registration.Register(request, deadline); },
      config.client_address_header, max_body_bytes, admission, bodies, clock);
  const SessionNotifier notifier(bus, catalog, sessions, sse, clock);
  AddRoutes(config.resource, mcp, config.http_sse ? &sse : nullptr,
            {[&](absl::string_view resource) { return metadata.ProtectedResource(resource); },
             [&] { return metadata.AuthorizationServer(); }},
            *hosts, metrics, server, registers ? &registration : nullptr);
  // Those who come at once after a start wait a little rather than be told that there is no such tool.
  const absl::Time give_up_time = clock.Now() + watcher_options.first_answer_timeout;
  while (!watcher->Ready().ok() && clock.Now() < give_up_time) absl::SleepFor(kReadyPoll);
  server.Start();
  readiness = [&]() -> absl::Status {
    if (!server.accepting()) return absl::UnavailableError("the listening socket failed: restart the edge");
    if (const absl::Status status = metadata.Ready(); !status.ok()) return status;
    return watcher->Ready();
  };
  state = State::kServing;

  absl::Notification stopped;
  std::thread sweeper([&] {
    while (!stopped.WaitForNotificationWithTimeout(kSweepInterval)) {
      sessions.Sweep();
      streams.Sweep();
      task_store.Sweep();
      task_manager.Sweep();
      ReloadKeys(config.state_keys_file, sealer);
      ReloadPrincipalKeys(config.principal_key_file, signer);
      metrics.sessions.Set(static_cast<double>(sessions.size()));
      metrics.log_lines_dropped_total.Increment(static_cast<double>(common::DroppedLogLines()) -
                                                metrics.log_lines_dropped_total.Value());
    }
  });
  common::Log(Severity::kInfo, "serving",
              {{"host", config.host},
               {"port", server.port()},
               {"admin_port", (*admin)->port()},
               {"resource", config.resource}});

  const int signal = signals.Wait();
  const absl::Time deadline = clock.Now() + config.shutdown_grace;
  common::Log(Severity::kInfo, "shutting_down", {{"signal", signal}});
  state = State::kStopping;
  server.StartDraining();
  stopped.WaitForNotificationWithTimeout(std::min(kLameDuckTime, config.shutdown_grace / 2));
  server.StopAccepting();
  if (!admission.AwaitNoRequests(deadline)) common::Log(Severity::kWarning, "requests_left_at_shutdown");
  task_manager.Shutdown();  // those who listen hear of it
  sessions.CloseAll();
  sse.CloseAll();
  listeners.CloseAll();
  server.Finish(deadline + kLameDuckTime);
  stopped.Notify();
  sweeper.join();
  admin->reset();
  watcher.reset();
  common::Log(Severity::kInfo, "stopped");
  return 0;
}

}  // namespace
}  // namespace mcp_edge

int main(int argc, char** argv) {
  // Debian's Abseil looks for deadlocks at every lock, gRPC's own included; that is for tests, not for the hot path.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  mcp_edge::BoundThreadMemory();
  return mcp_edge::Run(argc, argv);
}
