// How the doctor asks: in bounded time, over TLS, and without ever showing what it asked with.

#ifndef GATEHOUSE_AUTH_SERVICE_DOCTOR_PROBE_H_
#define GATEHOUSE_AUTH_SERVICE_DOCTOR_PROBE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth_service/provider/http_client.h"

namespace auth_service {

// A confidential client of the provider (RFC 6749, section 2.1). Without an id: none was given.
struct ClientCredentials {
  std::string id;
  std::string secret;

  bool given() const { return !id.empty(); }
};

using Parameters = std::vector<std::pair<std::string, std::string>>;

// The parameters as application/x-www-form-urlencoded: a body, or a query.
std::string FormBody(const Parameters& parameters);

// Reads such a text, at most 100 parameters of it; of a name that comes twice, the first. What is no proper
// percent-encoding stays as it is.
std::map<std::string, std::string> ReadForm(absl::string_view form);

// What an answer that is not a success says of itself (RFC 6749, section 5.2).
struct OAuthError {
  std::string error;  // "" when the answer is not of that form
  std::string text;   // for a person: the error with its description, or the HTTP status
};

OAuthError ReadOAuthError(const HttpResponse& response);

// `text` in quotes, cut at 200 bytes.
std::string Quoted(absl::string_view text);

// Sends the doctor's requests. Not thread-safe.
class Probe {
 public:
  // `timeout`: of each request. `allow_loopback_http`: whether plain http is fine on loopback. `client` must outlive
  // this.
  Probe(HttpClient& client, absl::Duration timeout, bool allow_loopback_http)
      : client_(client), timeout_(timeout), allow_loopback_http_(allow_loopback_http) {}

  // From now on only the hosts of `issuer` and `hosts` are asked, as auth_service does it, at internal addresses only
  // if `is_internal`; and those of `named`, which the operator has named, wherever they are.
  void LimitTo(std::string issuer, std::vector<std::string> hosts, bool is_internal, std::vector<std::string> named);

  // Errors: those of HttpClient::Send(); kInvalidArgument, the URL may not be asked.
  absl::StatusOr<HttpResponse> Get(const std::string& url, const std::string& bearer_token = "");
  absl::StatusOr<HttpResponse> PostForm(const std::string& url, const Parameters& parameters,
                                        const ClientCredentials& credentials);

  // From now on Redacted() hides `secret`.
  void Conceal(const std::string& secret);
  std::string Redacted(absl::string_view text) const;

 private:
  absl::StatusOr<HttpResponse> Send(HttpRequest request);

  HttpClient& client_;
  const absl::Duration timeout_;
  const bool allow_loopback_http_;
  bool is_limited_ = false;
  std::string issuer_;
  std::vector<std::string> hosts_;
  bool is_internal_ = false;
  std::vector<std::string> named_;
  std::vector<std::string> secrets_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_DOCTOR_PROBE_H_
