// auth_service: says who the bearer of a token is. Reading main() is reading its architecture.

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "auth_service/config.h"
#include "auth_service/logto/directory_profile.h"
#include "auth_service/logto/management_api.h"
#include "auth_service/logto/scope_claims.h"
#include "auth_service/metrics.h"
#include "auth_service/provider/circuit_breaker_http_client.h"
#include "auth_service/provider/curl_http_client.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/provider/key_set.h"
#include "auth_service/provider/limiting_http_client.h"
#include "auth_service/provider/metered_http_client.h"
#include "auth_service/provider/refresher.h"
#include "auth_service/registration/registrar.h"
#include "auth_service/registration/registration_metrics.h"
#include "auth_service/registration/registration_scopes.h"
#include "auth_service/server/auth_grpc_service.h"
#include "auth_service/server/registration_handler.h"
#include "auth_service/token/client_allow_list.h"
#include "auth_service/token/introspection_verifier.h"
#include "auth_service/token/issuer_verifier.h"
#include "auth_service/token/jwt_verifier.h"
#include "auth_service/token/opaque_verifier.h"
#include "auth_service/token/refusal_budget.h"
#include "auth_service/token/token_verifier.h"
#include "auth_service/token/userinfo_claims.h"
#include "auth_service/token/verdict_cache.h"
#include "common/admin_server.h"
#include "common/clock.h"
#include "common/command_line.h"
#include "common/executor.h"
#include "common/grpc_log.h"
#include "common/grpc_security.h"
#include "common/log.h"
#include "common/rpc/rpc_server.h"
#include "common/shutdown_signals.h"
#include "prometheus/registry.h"

namespace auth_service {
namespace {

using common::Severity;

constexpr char kServiceName[] = "gatehouse.auth.v1.AuthService";

// Checks that wait for the provider have --provider_concurrency threads for each form of token; so many more may wait
// for a thread.
constexpr size_t kProviderWaiting = 1024;
// Checks that compute wait for a core, for about a tenth of a second at most.
constexpr size_t kLocalWaiting = 512;

// Registrations under way, each on a thread: several calls to the provider, and apart from the checks of tokens.
constexpr size_t kRegistrationThreads = 4;
constexpr size_t kRegistrationsWaiting = 32;

// How long calls may go on after their connection was asked to go away.
constexpr absl::Duration kConnectionAgeGrace = absl::Seconds(60);
// Between "not serving" and the refusal of new calls: clients that watch the health have gone elsewhere by then.
constexpr absl::Duration kLameDuckTime = absl::Seconds(1);
// At the end, for taking registrations back that nobody waits for any more.
constexpr absl::Duration kWithdrawalGrace = absl::Seconds(8);

constexpr int kMaxReceiveBytes = 128 * 1024;   // client metadata of 64 KiB and a token of 8 KiB, and room to come
constexpr int kMaxSendBytes = 1024 * 1024;     // a metadata document of 256 KiB, claims of 64 KiB
constexpr size_t kMaxBufferBytes = 256 << 20;  // of all connections together

absl::Status AskForAnother(absl::string_view flag, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(status.message(), "; choose another with ", flag));
}

int Fail(absl::string_view event, const absl::Status& status) {
  common::Log(Severity::kError, event, {{"message", status.message()}});
  return 2;
}

double RandomFraction() {
  thread_local std::minstd_rand generator{std::random_device()()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

// What is known of one issuer, and what its JWTs are worth.
struct Issuer {
  Issuer(const std::string& name, const Config& config, const NeededEndpoints& needed, HttpClient& client,
         Metrics& metrics, const common::Clock& clock)
      : circuit_breaker({name, config.provider_failures_to_open, RandomFraction}, client, metrics, clock),
        http(config.provider_concurrency, circuit_breaker, metrics, clock),
        discovery(name, config.provider_timeout, http, clock, needed, config.provider_hosts),
        keys(discovery, config.provider_timeout, http, clock),
        jwt_verifier(name, config.clock_skew, keys, clock) {}

  CircuitBreakerHttpClient circuit_breaker;
  LimitingHttpClient http;  // how to ask this issuer
  Discovery discovery;
  KeySet keys;
  JwtVerifier jwt_verifier;
};

// What the issuer at `index` of --issuers must name: opaque tokens and userinfo are the first one's.
NeededEndpoints NeededOf(const Config& config, size_t index) {
  NeededEndpoints needed;
  needed.jwks = index > 0 || config.opaque_tokens == "refuse";
  needed.userinfo = index == 0 && (config.opaque_tokens == "userinfo" || config.profile == "userinfo");
  needed.introspection = index == 0 && config.opaque_tokens == "introspection";
  return needed;
}

ManagementApiOptions ManagementApiOf(const Config& config) {
  ManagementApiOptions options;
  options.endpoint = config.LogtoAddress();
  options.api_resource = config.logto_api_resource;
  options.client_id_file = config.logto_client_id_file;
  options.client_secret_file = config.logto_client_secret_file;
  options.timeout = config.provider_timeout;
  return options;
}

RegistrarOptions RegistrationOptions(const Config& config) {
  RegistrarOptions options;
  options.user_scopes = config.registration_user_scopes;
  if (auto scopes = ParseResourceScopes(config.registration_resource_scope_ids); scopes.ok()) {
    options.resource_scopes = *std::move(scopes);
  }
  options.allowed_hosts = config.registration_allowed_hosts;
  options.token_file = config.registration_token_file;
  options.per_hour = config.registrations_per_hour;
  options.per_hour_per_address = config.registrations_per_hour_per_address;
  return options;
}

void WarnOfOpaqueTokens(const Config& config) {
  if (config.opaque_tokens == "refuse") return;
  const bool client_known = config.opaque_tokens == "introspection";
  if (config.allowed_client_ids.empty()) {
    common::Log(Severity::kWarning, "opaque_tokens_accepted",
                {{"message", absl::StrCat("--opaque_tokens=", config.opaque_tokens,
                                          ": any opaque token of the first issuer is accepted, whatever it was issued "
                                          "for",
                                          client_known ? "; --allowed_client_ids narrows that down" : "")}});
  } else if (!client_known) {
    common::Log(
        Severity::kWarning, "opaque_tokens_never_allowed",
        {{"message",
          "every opaque token will be refused: --allowed_client_ids is set, and --opaque_tokens=userinfo cannot "
          "tell the client; use --opaque_tokens=introspection"}});
  }
}

// Once their callers are gone: registrations under way are taken back, for which the provider must be asked; those that
// have not begun end at once. What a slow provider does not take back in time is named in the log.
void StopRegistrations(common::ThreadExecutor& executor, CurlHttpClient& curl) {
  absl::Notification stopped;
  std::thread patience([&] {
    if (!stopped.WaitForNotificationWithTimeout(kWithdrawalGrace)) curl.Abort();
  });
  executor.Stop();
  stopped.Notify();
  patience.join();
}

int Run(int argc, char** argv) {
  common::InitLog("auth_service");
  if (const absl::Status status = common::ParseFlags(argc, argv); !status.ok()) return Fail("flags_invalid", status);
  const Config config = ConfigFromFlags();
  if (const absl::Status status = config.Validate(); !status.ok()) return Fail("config_invalid", status);
  common::InitLog("auth_service", config.severity());
  common::LogForGrpc();
  const common::ShutdownSignals signals;  // before any thread
  const auto security = common::GrpcSecurity::Create(common::GrpcSecurityFromFlags());
  if (!security.ok()) return Fail("config_invalid", security.status());
  const auto credentials = (*security)->ForServer(config.host);
  if (!credentials.ok()) return Fail("config_invalid", credentials.status());

  const common::SystemClock clock;
  prometheus::Registry registry;
  Metrics metrics(registry);

  // What is known of the providers.
  CurlHttpClient curl(config.provider_ca_file);
  MeteredHttpClient metered(curl, metrics, clock);
  const bool introspect = config.opaque_tokens == "introspection";
  const bool ask_userinfo_of_opaque = config.opaque_tokens == "userinfo";
  std::deque<Issuer> issuers;
  for (const std::string& name : config.issuers) {
    issuers.emplace_back(name, config, NeededOf(config, issuers.size()), metered, metrics, clock);
  }
  Issuer& first_issuer = issuers.front();
  HttpClient& http = first_issuer.http;

  // What a token is worth.
  absl::flat_hash_map<std::string, Verifier*> jwt_verifiers;
  for (Issuer& issuer : issuers) jwt_verifiers[issuer.discovery.issuer()] = &issuer.jwt_verifier;
  IssuerVerifier jwt_verifier(std::move(jwt_verifiers));
  OpaqueVerifier userinfo_verifier(ask_userinfo_of_opaque, config.provider_timeout, first_issuer.discovery, http,
                                   clock);
  IntrospectionVerifier introspection_verifier(
      {config.introspection_client_id_file, config.introspection_client_secret_file, config.provider_timeout,
       config.clock_skew},
      first_issuer.discovery, http, clock);
  TokenVerifier token_verifier(jwt_verifier, introspect ? static_cast<Verifier&>(introspection_verifier)
                                                        : static_cast<Verifier&>(userinfo_verifier));
  ClientAllowList allowed_verifier(config.allowed_client_ids, first_issuer.discovery.issuer(), token_verifier);
  // What is known of the caller besides.
  UserinfoClaims userinfo_profile(allowed_verifier, config.provider_timeout, first_issuer.discovery, http, clock);
  ManagementApi management_api(ManagementApiOf(config), http, clock);
  absl::StatusOr<ScopeClaims> scope_claims = ScopeClaims::Create(config.scope_claims);
  if (!scope_claims.ok()) return Fail("config_invalid", scope_claims.status());
  DirectoryProfile directory_profile({first_issuer.discovery.issuer()}, *std::move(scope_claims), allowed_verifier,
                                     management_api, clock);
  Verifier& verifier = config.profile == "userinfo" ? static_cast<Verifier&>(userinfo_profile)
                       : config.profile == "logto"  ? static_cast<Verifier&>(directory_profile)
                                                    : static_cast<Verifier&>(allowed_verifier);
  common::ThreadExecutor local_executor(std::max(1u, std::thread::hardware_concurrency()), kLocalWaiting);
  common::ThreadExecutor jwt_executor(config.provider_concurrency, kProviderWaiting);
  common::ThreadExecutor opaque_executor(config.provider_concurrency, kProviderWaiting);
  RefusalBudget refusal_budget(config.opaque_refusals_per_second, clock);
  VerdictCache verdicts({static_cast<size_t>(config.verdict_cache_size), config.verdict_ttl,
                         config.negative_verdict_ttl, config.stale_if_unavailable},
                        verifier, {local_executor, jwt_executor, opaque_executor}, refusal_budget, metrics, clock);

  // How clients register: past the circuit breaker, for what strangers bring about must not stop those who are signed
  // in.
  RegistrationMetrics registration_metrics(registry);
  ManagementApi registration_api(ManagementApiOf(config), metered, clock);
  Registrar registrar(RegistrationOptions(config), registration_api, registration_metrics, clock);
  common::ThreadExecutor registration_executor(kRegistrationThreads, kRegistrationsWaiting);
  RegistrationHandler registrations(registrar, registration_executor, registration_metrics);

  // How others ask.
  std::vector<const Discovery*> discoveries;
  for (const Issuer& issuer : issuers) discoveries.push_back(&issuer.discovery);
  AuthGrpcService service(config.resources, config.scopes_supported, std::move(discoveries), verdicts, metrics,
                          config.registration == "logto" ? &registrations : nullptr);
  common::RpcServerOptions server_options;
  server_options.host = config.host;
  server_options.port = config.port;
  server_options.credentials = *credentials;
  server_options.service_names = {kServiceName};
  server_options.connection_age_grace = kConnectionAgeGrace;
  server_options.max_receive_bytes = kMaxReceiveBytes;
  server_options.max_send_bytes = kMaxSendBytes;
  server_options.max_buffer_bytes = kMaxBufferBytes;
  const auto server = common::RpcServer::Start(server_options, {&service});
  if (!server.ok()) return Fail("start_failed", AskForAnother("--port", server.status()));
  const auto set_serving = [&](bool serving) {
    (*server)->health().SetServing(serving);
    metrics.ready.Set(serving ? 1 : 0);
  };
  set_serving(false);

  std::atomic<bool> draining{false};
  // Ready is who knows the first issuer; without a further one its tokens alone cannot be judged.
  std::deque<Refresher> refreshers;
  for (Issuer& issuer : issuers) {
    const bool is_first = &issuer == &first_issuer;
    prometheus::Gauge* const issuer_ready = &metrics.issuer_ready(issuer.discovery.issuer());
    Refresher::Options options;
    options.interval = config.metadata_refresh_interval;
    options.random = RandomFraction;
    options.on_readiness = [&, issuer_ready, is_first](const absl::Status& readiness) {
      issuer_ready->Set(readiness.ok() ? 1 : 0);
      if (is_first) set_serving(readiness.ok() && !draining);
    };
    refreshers.emplace_back(std::move(options), issuer.discovery, issuer.keys);
  }
  auto admin = common::AdminServer::Start(
      config.admin_host, config.admin_port,
      [&] { return draining ? absl::UnavailableError("shutting down") : refreshers.front().readiness(); }, registry);
  if (!admin.ok()) return Fail("start_failed", AskForAnother("--admin_port", admin.status()));
  WarnOfOpaqueTokens(config);
  common::Log(Severity::kInfo, "serving",
              {{"host", config.host},
               {"port", (*server)->port()},
               {"admin_port", (*admin)->port()},
               {"issuers", absl::StrJoin(config.issuers, " ")},
               {"resources", absl::StrJoin(config.resources, " ")}});
  for (Refresher& refresher : refreshers) refresher.Start();

  const int signal = signals.Wait();
  const absl::Time deadline = absl::Now() + config.shutdown_grace;
  common::Log(Severity::kInfo, "shutting_down", {{"signal", signal}});
  draining = true;
  (*server)->health().Shutdown();  // "not serving" for good, whatever the refresher says
  absl::SleepFor(std::min(kLameDuckTime, config.shutdown_grace / 2));
  (*server)->Shutdown(deadline, [&] { return metrics.rpcs_in_flight.Value() != 0; });
  StopRegistrations(registration_executor, curl);
  curl.Abort();
  admin->reset();  // asks a refresher
  refreshers.clear();
  local_executor.Stop();
  jwt_executor.Stop();
  opaque_executor.Stop();
  common::Log(Severity::kInfo, "stopped");
  return 0;
}

}  // namespace
}  // namespace auth_service

int main(int argc, char** argv) {
  // Debian's Abseil looks for deadlocks at every lock, gRPC's own included; that is for tests, not for the hot path.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return auth_service::Run(argc, argv);
}
