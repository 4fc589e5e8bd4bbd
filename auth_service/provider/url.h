// Which URLs this service may ask, judged by the same parser that later connects to them (libcurl's).

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_URL_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_URL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace auth_service {

// The parts of an http or https URL (RFC 3986), as libcurl understands it.
struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 address in brackets
  std::string origin;  // scheme, host and, if one is written, port: "https://id.example.com:8443"
  std::string path;    // "" when there is none or only "/"

  // localhost, 127.0.0.1 or [::1].
  bool IsLoopback() const;
};

// Errors: kInvalidArgument, `text` is not an absolute http or https URL, or carries a user name, a query, a fragment,
// white space or a control character; the message says which, to follow the name of a setting.
absl::StatusOr<Url> ParseUrl(absl::string_view text);

// Whether the provider may be asked at `text`: https, or http on loopback if `allow_loopback_http`. A query is fine
// here.
absl::Status CheckProviderUrl(absl::string_view text, bool allow_loopback_http);

// `text` as a name or value of an application/x-www-form-urlencoded body (WHATWG URL, section 5.2).
std::string FormEncode(absl::string_view text);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_URL_H_
