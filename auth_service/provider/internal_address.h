// Which addresses are not of the internet at large: what a provider there has no business to send this service to.

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_INTERNAL_ADDRESS_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_INTERNAL_ADDRESS_H_

#include <sys/socket.h>

#include "absl/strings/string_view.h"

namespace auth_service {

// Whether `address` is private, shared, link-local, loopback, multicast, reserved or otherwise special (RFC 6890 and
// IANA's registries of special-purpose addresses), or leads to such an IPv4 address (mapped, NAT64, 6to4, Teredo). So
// is what is neither IPv4 nor IPv6.
bool IsInternalAddress(const sockaddr& address);

// The same of an address as inet_ntop() writes it, with or without a zone; true of any other text.
bool IsInternalAddress(absl::string_view text);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_INTERNAL_ADDRESS_H_
