#include "common/rpc/rpc_server.h"

#include <grpc/grpc.h>
#include <grpcpp/resource_quota.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace common {
namespace {

constexpr absl::Duration kMaxConnectionAge = absl::Seconds(10);
constexpr int kMaxConcurrentStreams = 2000;  // of one connection

// How often a server that shuts down looks whether its calls have ended.
constexpr absl::Duration kIdlePoll = absl::Milliseconds(100);
// After which nothing more is on its way to a server that has told its clients to go.
constexpr absl::Duration kQuietTime = absl::Seconds(1);

// How long after the last call connections may take to close.
constexpr absl::Duration kCloseTime = absl::Seconds(2);

int Milliseconds(absl::Duration duration) { return static_cast<int>(absl::ToInt64Milliseconds(duration)); }

void Configure(const RpcServerOptions& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(options.max_receive_bytes);
  builder.SetMaxSendMessageSize(options.max_send_bytes);
  builder.SetResourceQuota(grpc::ResourceQuota("server").Resize(options.max_buffer_bytes));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a taken port is an error
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, Milliseconds(kMaxConnectionAge));
  if (options.connection_age_grace.has_value()) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, Milliseconds(*options.connection_age_grace));
  }
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);  // finds peers that are gone without a word
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);  // lets clients do so
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);  // statistics of each call that nobody can ask for
}

std::vector<std::string> WithTheServer(std::vector<std::string> service_names) {
  service_names.push_back("");
  return service_names;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const RpcServerOptions& options,
                                                            const std::vector<RpcService*>& services) {
  auto server = std::unique_ptr<RpcServer>(new RpcServer(WithTheServer(options.service_names)));
  const std::string host = absl::StrContains(options.host, ":") ? absl::StrCat("[", options.host, "]") : options.host;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(absl::StrCat(host, ":", options.port), options.credentials, &server->port_);
  Configure(options, builder);
  server->loop_.emplace(builder);
  for (RpcService* const service : services) service->Register(builder);
  server->health_.Register(builder);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || server->port_ == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options.host, ":", options.port,
                                               ": the port is taken, or the address is not of this machine"));
  }
  for (RpcService* const service : services) service->Start(*server->loop_);
  server->health_.Start(*server->loop_);
  server->loop_->Start(options.threads);
  return server;
}

RpcServer::~RpcServer() {
  if (server_ != nullptr && !closing_.joinable()) {
    Shutdown(absl::Now(), [] { return false; });
  }
  if (closing_.joinable()) closing_.join();
  loop_->Stop();
}

bool RpcServer::Shutdown(absl::Time deadline, const std::function<bool()>& is_busy) {
  closing_ = std::thread([this, deadline] {
    server_->Shutdown(absl::ToChronoTime(deadline));
    server_->Wait();
    closed_.Notify();
  });
  // gRPC also waits for connections without calls until their clients notice, for some seconds if nothing happens
  // there.
  absl::Time last_busy_time = absl::Now();
  while (!closed_.WaitForNotificationWithTimeout(kIdlePoll)) {
    const absl::Time now = absl::Now();
    if (now > deadline + kCloseTime) return false;
    if (is_busy()) last_busy_time = now;
    // A call that was on its way when the client was told to go is not counted yet, nor is the end of one that was
    // sent.
    if (now - last_busy_time >= kQuietTime) {
      grpc_server_cancel_all_calls(server_->c_server());  // there are none; closes the connections
    }
  }
  return true;
}

}  // namespace common
