// URIs that a stranger wants to be registered: read more narrowly than any browser or provider reads them, so that all
// of them agree on what they say.

#ifndef GATEHOUSE_AUTH_SERVICE_REGISTRATION_WEB_URI_H_
#define GATEHOUSE_AUTH_SERVICE_REGISTRATION_WEB_URI_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace auth_service {

inline constexpr size_t kMaxWebUriBytes = 2048;

struct WebUri {
  bool https = false;
  std::string host;  // lower case; "[::1]" in brackets

  // localhost, 127.0.0.1 or [::1], the names of RFC 8252, section 7.3, that Logto knows.
  bool IsLoopback() const;
  // Whether it is sent to the machine that it is opened on: besides these, all of 127.0.0.0/8, 0.0.0.0 and the names
  // below localhost.
  bool StaysOnTheMachine() const;
};

// Reads an absolute https or http URI (RFC 3986): the scheme in lower case, a DNS name or IPv4 address or [::1], and of
// the rest only the characters that a URI may have. An IPv4 address is four decimal numbers without zeros in front:
// what else ends in a number, a browser reads as an address too (WHATWG URL, section 3.5), "2130706433" as 127.0.0.1.
//
// Errors: kInvalidArgument, it is longer than kMaxWebUriBytes, of another scheme or form, or has a user name, a
// fragment or a wildcard. The message goes on from what names the URI, in ASCII without quotes: "must have no
// fragment".
absl::StatusOr<WebUri> ParseWebUri(absl::string_view text);

// Whether `text`, in lower case, can be the host of such a URI.
bool IsWebHost(absl::string_view text);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_REGISTRATION_WEB_URI_H_
