// How this service asks the OIDC provider. Knows HTTP and nothing of OAuth.

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_HTTP_CLIENT_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_HTTP_CLIENT_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace auth_service {

// What is asked for, by which requests are counted.
enum class ProviderEndpoint { kDiscovery, kJwks, kUserinfo };

struct HttpRequest {
  ProviderEndpoint endpoint = ProviderEndpoint::kDiscovery;
  // Absolute; the caller has made sure that it may be asked (CheckProviderUrl).
  std::string url;
  // Sent as `Authorization: Bearer` when not empty. Of token68 characters only (RFC 6750, section 2.1).
  std::string bearer_token;
  // From the call to the last byte of the answer. Positive.
  absl::Duration timeout;
  // A longer body is an error.
  size_t max_response_bytes = 256 * 1024;
};

struct HttpResponse {
  int status = 0;
  std::string body;
};

// Thread-safe.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Sends a GET request and waits for the whole answer. Follows no redirect: a 3xx is an answer like any other.
  //
  // Errors: kDeadlineExceeded, there was no whole answer within `timeout`;
  //         kResourceExhausted, the body is longer than `max_response_bytes`;
  //         kUnavailable, there is no connection, no trust in the certificate, or no HTTP.
  virtual absl::StatusOr<HttpResponse> Get(const HttpRequest& request) = 0;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_HTTP_CLIENT_H_
