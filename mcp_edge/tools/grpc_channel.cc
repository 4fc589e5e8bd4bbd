#include "mcp_edge/tools/grpc_channel.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/channel_arguments.h"

namespace mcp_edge {
namespace {

absl::Status CheckHostAndPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == absl::string_view::npos || colon == 0 || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port < 1 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("needs host:port with a port in [1, 65535], got \"", address, "\""));
  }
  const absl::string_view host = address.substr(0, colon);
  const bool bracketed = absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
  for (const char c : host) {
    if (absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_') continue;
    if (bracketed && (c == '[' || c == ']' || c == ':' || c == '%')) continue;
    return absl::InvalidArgumentError(absl::StrCat("has a character that no host name has, in \"", host, "\""));
  }
  return absl::OkStatus();
}

grpc::ChannelArguments MakeChannelArguments() {
  grpc::ChannelArguments arguments;
  // The streams have bounds of their own: no more is received than a good message may have.
  arguments.SetServiceConfigJSON(
      absl::StrCat(R"({"loadBalancingConfig":[{"round_robin":{}}],)",
                   R"("methodConfig":[{"name":[{"service":"gatehouse.tool.v1.ToolService","method":"WatchCatalog"}],)",
                   R"("maxResponseMessageBytes":)", kMaxCatalogReceiveBytes,
                   R"(},{"name":[{"service":"gatehouse.tool.v1.ToolService","method":"WatchResources"}],)",
                   R"("maxResponseMessageBytes":)", kMaxUpdateReceiveBytes, "}]}"));
  arguments.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  // A service that was away serves again soon after it is back. The second of these also bounds a connection attempt.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // New replicas appear in the DNS; the library's default would look at most every 30 s.
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1000);
  // Pings more often than every five minutes make servers of other languages close the connection (their default
  // policy). Setting it also makes the kernel give up a connection on which data is not acknowledged within the
  // timeout.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 310'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  // Settings come from here only, never from TXT records of the target.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // Transparent retries stay on (the default): they repeat only what a server has never seen, and without them a call
  // that meets a connection just when the server retires it would fail.
  return arguments;
}

}  // namespace

void KeepCallbackThreads() {
  // Never read, but kept, or a leak checker would rightly call it lost.
  [[gnu::used]] static const std::shared_ptr<grpc::Channel>* const channel = [] {
    // Without credentials it is one on which every call fails at once, and nothing is connected to.
    auto* made = new std::shared_ptr<grpc::Channel>(grpc::CreateCustomChannel("", nullptr, grpc::ChannelArguments()));
    struct Call {
      grpc::ClientContext context;
      grpc::ByteBuffer request;
      grpc::ByteBuffer response;
    };
    // A channel takes its part in the threads with its first call.
    const auto call = std::make_shared<Call>();
    const grpc::Slice nothing("");
    call->request = grpc::ByteBuffer(&nothing, 1);
    grpc::GenericStub(*made).UnaryCall(&call->context, "/none", {}, &call->request, &call->response,
                                       [call](grpc::Status) {});
    return made;
  }();
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target, const common::GrpcSecurity* security) {
  KeepCallbackThreads();
  return grpc::CreateCustomChannel(
      target, security == nullptr ? grpc::InsecureChannelCredentials() : security->ForTarget(target),
      MakeChannelArguments());
}

absl::Status CheckTarget(absl::string_view target) {
  if (target.empty() || target.size() > 1024) {
    return absl::InvalidArgumentError(absl::StrCat("needs 1 to 1024 bytes, got ", target.size()));
  }
  if (absl::ConsumePrefix(&target, "dns:///")) return CheckHostAndPort(target);
  if (absl::ConsumePrefix(&target, "ipv4:") || absl::ConsumePrefix(&target, "ipv6:")) {
    for (const absl::string_view address : absl::StrSplit(target, ',')) {
      if (const absl::Status status = CheckHostAndPort(address); !status.ok()) return status;
    }
    return absl::OkStatus();
  }
  if (absl::ConsumePrefix(&target, "unix:")) {
    if (!target.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError("needs a path after unix:");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "needs dns:///host:port, ipv4:address:port[,...], ipv6:[address]:port[,...] or unix:path, got \"", target, "\""));
}

}  // namespace mcp_edge
