#include "auth_service/provider/internal_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>

namespace auth_service {
namespace {

struct Ipv4Block {
  uint32_t prefix;
  int bits;
};

constexpr Ipv4Block kInternalIpv4[] = {
    {0x00000000, 8},   // this network
    {0x0A000000, 8},   // private
    {0x64400000, 10},  // shared by the customers of a provider
    {0x7F000000, 8},   // loopback
    {0xA9FE0000, 16},  // link-local, the metadata services of clouds among them
    {0xAC100000, 12},  // private
    {0xC0000000, 24},  // protocol assignments
    {0xC0000200, 24},  // documentation
    {0xC0586300, 24},  // 6to4 relays
    {0xC0A80000, 16},  // private
    {0xC6120000, 15},  // benchmarks
    {0xC6336400, 24},  // documentation
    {0xCB007100, 24},  // documentation
    {0xE0000000, 3},   // multicast, reserved, broadcast
};

bool IsInternalIpv4(uint32_t address) {
  return std::any_of(std::begin(kInternalIpv4), std::end(kInternalIpv4),
                     [&](const Ipv4Block& block) { return (address ^ block.prefix) >> (32 - block.bits) == 0; });
}

bool StartsWith(const uint8_t* address, std::initializer_list<uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address);
}

// The IPv4 address in the last four bytes.
uint32_t LastFour(const uint8_t* address) {
  uint32_t value;
  std::memcpy(&value, address + 12, sizeof(value));
  return ntohl(value);
}

bool IsInternalIpv6(const uint8_t* address) {
  if (StartsWith(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF})) return IsInternalIpv4(LastFour(address));
  if (StartsWith(address, {0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0})) return IsInternalIpv4(LastFour(address));
  if ((address[0] & 0xE0) != 0x20) return true;  // all that is global unicast is in 2000::/3
  const bool is_protocol_assignment = address[0] == 0x20 && address[1] == 0x01 && address[2] < 0x02;
  return is_protocol_assignment || StartsWith(address, {0x20, 0x01, 0x0D, 0xB8}) ||  // documentation
         StartsWith(address, {0x20, 0x02}) ||                                        // 6to4
         (StartsWith(address, {0x3F, 0xFF}) && address[2] < 0x10);                   // documentation
}

}  // namespace

bool IsInternalAddress(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return IsInternalIpv4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    return IsInternalIpv6(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr.s6_addr);
  }
  return true;
}

bool IsInternalAddress(absl::string_view text) {
  const std::string address(text.substr(0, text.find('%')));
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    return IsInternalAddress(reinterpret_cast<const sockaddr&>(v4));
  }
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  if (inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    return IsInternalAddress(reinterpret_cast<const sockaddr&>(v6));
  }
  return true;
}

}  // namespace auth_service
