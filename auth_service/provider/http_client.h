// How this service asks the OIDC provider. Knows HTTP and nothing of OAuth.

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_HTTP_CLIENT_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_HTTP_CLIENT_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace auth_service {

// What is asked for, by which requests are counted.
enum class ProviderEndpoint { kDiscovery, kJwks, kUserinfo, kIntrospection, kToken, kManagementApi };

enum class HttpMethod { kGet, kPost, kPut, kPatch, kDelete };

// As it stands in a request line (RFC 9110, section 9.1): "GET".
inline const char* HttpMethodName(HttpMethod method) {
  switch (method) {
    case HttpMethod::kGet:
      return "GET";
    case HttpMethod::kPost:
      return "POST";
    case HttpMethod::kPut:
      return "PUT";
    case HttpMethod::kPatch:
      return "PATCH";
    case HttpMethod::kDelete:
      return "DELETE";
  }
  return "GET";
}

struct HttpRequest {
  ProviderEndpoint endpoint = ProviderEndpoint::kDiscovery;
  HttpMethod method = HttpMethod::kGet;
  // Absolute; the caller has made sure that it may be asked (CheckProviderUrl).
  std::string url;
  // Sent as `Authorization: Bearer` when not empty. Of token68 characters only (RFC 6750, section 2.1).
  std::string bearer_token;
  // Sent as `Authorization: Basic` (RFC 7617) when `basic_user` is not empty; not together with a bearer token. Both
  // are form-encoded first, as OAuth 2.0 wants it (RFC 6749, section 2.3.1).
  std::string basic_user;
  std::string basic_password;
  // The body and its media type; nothing is sent when the type is empty.
  std::string content_type;
  std::string body;
  // Whether it may go to an address that is not of the internet at large (provider/internal_address.h).
  bool may_be_internal = false;
  // From the call to the last byte of the answer. Positive.
  absl::Duration timeout;
  // A longer body is an error.
  size_t max_response_bytes = 256 * 1024;
};

struct HttpResponse {
  int status = 0;
  std::string body;
  // The header fields of these names (RFC 9110, sections 10.2.2 and 6.6.1); empty when there is none, or one of more
  // than 8 KiB.
  std::string location{};
  std::string date{};
  // Whether it came from an address that is not of the internet at large, or from a proxy.
  bool is_internal = false;
};

// Thread-safe.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Sends the request and waits for the whole answer. Follows no redirect: a 3xx is an answer like any other.
  //
  // Errors: kDeadlineExceeded, there was no whole answer within `timeout`;
  //         kResourceExhausted, the body is longer than `max_response_bytes`;
  //         kUnavailable, there is no connection, no trust in the certificate, or no HTTP; or nothing was sent: to
  //         spare the provider, or because its address is internal and must not be.
  virtual absl::StatusOr<HttpResponse> Send(const HttpRequest& request) = 0;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_HTTP_CLIENT_H_
