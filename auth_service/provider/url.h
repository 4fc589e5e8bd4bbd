// Which URLs this service may ask, judged by the same parser that later connects to them (libcurl's).

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_URL_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_URL_H_

#include <string>
#include <vector>

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

// Whether the URL `text` is at the host of `issuer`, whatever the port, or at one of `hosts`, which are as Url::host
// has them. The names of loopback are one host.
bool IsAtHostOf(absl::string_view text, absl::string_view issuer, const std::vector<std::string>& hosts);

// Whether `text` is a host as Url::host has them.
bool IsUrlHost(absl::string_view text);

// Whether the values of --provider_hosts, of the service and of the doctor, are such hosts.
//
// Errors: kInvalidArgument, naming the flag and the first that is none.
absl::Status CheckProviderHosts(const std::vector<std::string>& hosts);

// `text` as a name or value of an application/x-www-form-urlencoded body (WHATWG URL, section 5.2).
std::string FormEncode(absl::string_view text);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_URL_H_
