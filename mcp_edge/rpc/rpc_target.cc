#include "mcp_edge/rpc/rpc_target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mcp_edge {
namespace {

constexpr size_t kMaxAddresses = 256;

absl::StatusOr<RpcEndpoint> ParseHostAndPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || colon == 0 || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(absl::StrCat("needs host:port, got \"", address, "\""));
  }
  RpcEndpoint endpoint;
  endpoint.authority = std::string(address);
  endpoint.port = std::string(address.substr(colon + 1));
  absl::string_view host = address.substr(0, colon);
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) host = host.substr(1, host.size() - 2);
  endpoint.host = std::string(host);
  std::array<unsigned char, sizeof(in6_addr)> binary;
  endpoint.is_name = inet_pton(AF_INET, endpoint.host.c_str(), binary.data()) != 1 &&
                     inet_pton(AF_INET6, endpoint.host.c_str(), binary.data()) != 1;
  return endpoint;
}

absl::StatusOr<std::vector<ServerAddress>> UnixAddress(const std::string& path) {
  ServerAddress address;
  auto* const unix_address = reinterpret_cast<sockaddr_un*>(&address.address);
  if (path.size() >= sizeof(unix_address->sun_path))
    return absl::UnavailableError("the path of the socket is too long");
  unix_address->sun_family = AF_UNIX;
  std::memcpy(unix_address->sun_path, path.c_str(), path.size() + 1);
  address.size = sizeof(sockaddr_un);
  address.text = absl::StrCat("unix:", path);
  return std::vector<ServerAddress>{address};
}

}  // namespace

absl::StatusOr<std::vector<RpcEndpoint>> ParseTarget(absl::string_view target) {
  std::vector<RpcEndpoint> endpoints;
  if (absl::ConsumePrefix(&target, "unix:")) {
    if (target.empty()) return absl::InvalidArgumentError("needs a path after unix:");
    RpcEndpoint endpoint;
    endpoint.authority = endpoint.host = "localhost";
    endpoint.unix_path = std::string(target);
    endpoints.push_back(std::move(endpoint));
    return endpoints;
  }
  const bool is_list = absl::ConsumePrefix(&target, "ipv4:") || absl::ConsumePrefix(&target, "ipv6:");
  if (!is_list) absl::ConsumePrefix(&target, "dns:///");
  for (const absl::string_view address : absl::StrSplit(target, ',')) {
    absl::StatusOr<RpcEndpoint> endpoint = ParseHostAndPort(address);
    if (!endpoint.ok()) return endpoint.status();
    if (is_list && endpoint->is_name) {
      return absl::InvalidArgumentError(absl::StrCat("needs an address, got \"", address, "\""));
    }
    endpoints.push_back(*std::move(endpoint));
  }
  if (!is_list && endpoints.size() > 1) return absl::InvalidArgumentError("needs one name");
  return endpoints;
}

absl::StatusOr<std::vector<ServerAddress>> Resolve(const RpcEndpoint& endpoint) {
  if (!endpoint.unix_path.empty()) return UnixAddress(endpoint.unix_path);
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (endpoint.is_name ? 0 : AI_NUMERICHOST);
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &hints, &found); error != 0) {
    return absl::UnavailableError(
        absl::StrCat("the address of ", endpoint.authority, " is not known: ", gai_strerror(error)));
  }
  std::vector<ServerAddress> addresses;
  for (const addrinfo* each = found; each != nullptr && addresses.size() < kMaxAddresses; each = each->ai_next) {
    std::array<char, NI_MAXHOST> text;
    if (each->ai_addrlen > sizeof(sockaddr_storage) ||
        getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
      continue;
    }
    ServerAddress address;
    std::memcpy(&address.address, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
    address.text = each->ai_family == AF_INET6 ? absl::StrCat("[", text.data(), "]:", endpoint.port)
                                               : absl::StrCat(text.data(), ":", endpoint.port);
    const bool is_known = std::any_of(addresses.begin(), addresses.end(),
                                      [&](const ServerAddress& other) { return other.text == address.text; });
    if (!is_known) addresses.push_back(std::move(address));
  }
  freeaddrinfo(found);
  if (addresses.empty()) return absl::UnavailableError(absl::StrCat(endpoint.authority, " has no address"));
  return addresses;
}

}  // namespace mcp_edge
