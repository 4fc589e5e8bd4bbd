#include "mcp_edge/transport/registration_endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "common/log.h"
#include "mcp_edge/http/bearer.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/protocol/header_value.h"
#include "mcp_edge/transport/http_reply.h"
#include "mcp_edge/transport/request_body.h"

namespace mcp_edge {
namespace {

using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;

constexpr size_t kMaxMetadataBytes = 64 * 1024;  // auth.v1, RegisterClientRequest
constexpr absl::Duration kTimeout = absl::Seconds(20);
constexpr int64_t kRetryAfterSeconds = 10;
// Registrations at the same time. Each may take as long as a body and the provider may.
constexpr int kMaxRunning = 32;

// Counts what runs while it lives.
class Running {
 public:
  explicit Running(std::atomic<int>& running) : running_(running), count_(running.fetch_add(1) + 1) {}
  ~Running() { running_.fetch_sub(1); }

  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  // With this one, when it began.
  int count() const { return count_; }

 private:
  std::atomic<int>& running_;
  const int count_;
};

bool IsAddress(const std::string& text) {
  in6_addr bytes = {};  // room for either
  return inet_pton(AF_INET, text.c_str(), &bytes) == 1 || inet_pton(AF_INET6, text.c_str(), &bytes) == 1;
}

// What is sent for an outcome that is no client.
struct Failure {
  int status = 503;
  absl::string_view error = "temporarily_unavailable";
  absl::string_view description;
  absl::string_view reason = "unavailable";  // of logs and metrics
  int64_t retry_after_seconds = 0;           // 0: not said
};

// RFC 7591, section 3.2.2.
void Reply(const Failure& failure, httplib::Response& response) {
  std::string body = R"({"error":)";
  common::AppendJsonString(failure.error, body);
  body += R"(,"error_description":)";
  common::AppendJsonString(failure.description, body);
  body += "}";
  response.status = failure.status;
  if (failure.retry_after_seconds > 0) {
    response.headers.erase("Retry-After");
    response.set_header("Retry-After", absl::StrCat(failure.retry_after_seconds));
  }
  if (failure.status == 401) {
    Challenge challenge;
    challenge.error = std::string(failure.error);
    challenge.error_description = std::string(failure.description);
    response.set_header("WWW-Authenticate", WriteChallenge(challenge));
  }
  response.headers.erase("Cache-Control");
  response.set_header("Cache-Control", "no-store");
  response.set_content(std::move(body), kJsonType);
  CurrentTrail().reason = std::string(failure.reason);
}

Failure Unavailable() {
  return {503, "temporarily_unavailable", "clients cannot be registered now; try again later", "unavailable",
          kRetryAfterSeconds};
}

Failure FailureOf(const gatehouse::auth::v1::RegistrationRefusal& refusal) {
  switch (refusal.reason()) {
    case gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI:
      return {400, "invalid_redirect_uri", refusal.description(), "invalid_redirect_uri", 0};
    case gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA:
      return {400, "invalid_client_metadata", refusal.description(), "invalid_client_metadata", 0};
    case gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_TOKEN:
      return {401, "invalid_token", refusal.description(), "invalid_initial_access_token", 0};
    case gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_RATE_LIMITED:
      return {429, "temporarily_unavailable", refusal.description(), "rate_limited",
              std::max<int64_t>(1, refusal.retry_after().seconds())};
    default:  // of a later version
      return {400, "invalid_client_metadata", refusal.description(), "refused", 0};
  }
}

// What the parts that all endpoints share have answered, in the form of this one.
void ReplyAgain(httplib::Response& response) {
  switch (response.status) {
    case 413:
      return Reply({413, "invalid_client_metadata", "the body is too large", "body_too_large", 0}, response);
    case 415:
      return Reply({415, "invalid_client_metadata", "the body must be application/json", "unsupported_media_type", 0},
                   response);
    case 429:
    case 503:
      return Reply({503, "temporarily_unavailable", "the server is full; try again later", "overloaded", 1}, response);
    default:
      return Reply({400, "invalid_client_metadata", "the body did not arrive", "malformed_http", 0}, response);
  }
}

}  // namespace

std::string ClientAddress(const httplib::Request& request, const std::string& header) {
  // Of several such headers nothing tells which one the proxy added.
  if (header.empty() || request.get_header_value_count(header) != 1) return request.remote_addr;
  const std::string all = request.get_header_value(header);
  const absl::string_view value = all;
  const std::string last(absl::StripAsciiWhitespace(value.substr(value.rfind(',') + 1)));  // npos + 1 is 0
  return IsAddress(last) ? last : request.remote_addr;
}

RegistrationEndpoint::RegistrationEndpoint(Register register_client, std::string address_header, size_t max_body_bytes,
                                           Admission& admission, BodyBudget& bodies, const common::Clock& clock)
    : register_(std::move(register_client)),
      address_header_(std::move(address_header)),
      max_body_bytes_(std::min(max_body_bytes, kMaxMetadataBytes)),
      admission_(admission),
      bodies_(bodies),
      clock_(clock) {}

void RegistrationEndpoint::Post(const httplib::Request& request, httplib::Response& response,
                                const httplib::ContentReader& reader) {
  const Running running(running_);
  Admission::Place place;
  if (running.count() > kMaxRunning || admission_.AdmitRequest(place).has_value()) {
    response.status = 503;
    return ReplyAgain(response);
  }
  std::vector<absl::string_view> authorization;
  const auto [begin, end] = request.headers.equal_range("Authorization");
  for (auto header = begin; header != end; ++header) authorization.push_back(TrimHeaderValue(header->second));
  const BearerToken bearer = ReadBearerToken(authorization, request.has_param("access_token"));
  if (bearer.form == BearerToken::Form::kMalformed) {
    return Reply({400, "invalid_request", bearer.problem, "malformed_authorization", 0}, response);
  }
  RequestBody body;
  if (!ReadBody(request, reader, max_body_bytes_, bodies_, response, body)) return ReplyAgain(response);
  if (!common::IsUtf8(body.text)) {  // no field of a protobuf message can hold it
    return Reply({400, "invalid_client_metadata", "the body must be JSON in UTF-8", "malformed_json", 0}, response);
  }

  RegisterClientRequest registration;
  registration.set_metadata_json(std::move(body.text));
  if (bearer.form == BearerToken::Form::kPresent) registration.set_initial_access_token(std::string(bearer.token));
  registration.set_client_address(ClientAddress(request, address_header_));
  registration.set_request_id(CurrentTrail().request_id);
  const absl::StatusOr<RegisterClientResponse> outcome = register_(registration, clock_.Now() + kTimeout);
  if (!outcome.ok()) {
    common::Log(common::Severity::kWarning, "client_not_registered",
                {{"request_id", CurrentTrail().request_id}, {"reason", outcome.status().ToString()}});
    return Reply(Unavailable(), response);
  }
  if (outcome->has_refusal()) return Reply(FailureOf(outcome->refusal()), response);
  response.status = 201;
  response.set_header("Cache-Control", "no-store");
  response.set_header("Pragma", "no-cache");  // as the examples of RFC 7591 have it
  response.set_content(outcome->client().document_json(), kJsonType);
}

}  // namespace mcp_edge
