#include "auth_service/logto/machine_token.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/provider/url.h"
#include "auth_service/token/token_form.h"
#include "common/log.h"
#include "common/secret_file.h"

namespace auth_service {
namespace {

constexpr absl::Duration kLongestLife = absl::Hours(24);
constexpr double kLifeBeforeRenewal = 0.8;
constexpr absl::Duration kRetryInterval = absl::Seconds(1);
constexpr absl::Duration kNew = absl::Seconds(10);
constexpr absl::Duration kComplaintInterval = absl::Minutes(1);
constexpr size_t kMaxAnswerBytes = 64 * 1024;

// The error code of RFC 6749, section 5.2, if it looks like one.
absl::string_view ErrorCode(const std::optional<nlohmann::json>& body) {
  if (!body.has_value()) return "no error code";
  const absl::string_view code = StringMember(*body, "error");
  const bool plain = !code.empty() && code.size() <= 64 && std::all_of(code.begin(), code.end(), [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) || c == '_';
  });
  return plain ? code : "no error code";
}

}  // namespace

absl::StatusOr<IssuedToken> ParseIssuedToken(absl::string_view body) {
  const std::optional<nlohmann::json> json = ParseJsonObject(body);
  if (!json.has_value()) return absl::UnavailableError("the answer is no JSON object");
  const absl::string_view token = StringMember(*json, "access_token");
  if (token.size() > kMaxTokenBytes || FormOf(token) == TokenForm::kMalformed) {
    return absl::UnavailableError("the answer has no usable access_token");
  }
  if (!absl::EqualsIgnoreCase(StringMember(*json, "token_type"), "Bearer")) {
    return absl::UnavailableError("token_type is not Bearer");
  }
  const auto expires_in = json->find("expires_in");
  if (expires_in == json->end() || !expires_in->is_number()) {
    return absl::UnavailableError("the answer has no usable expires_in");
  }
  const double seconds = expires_in->get<double>();
  if (!(seconds >= 1)) return absl::UnavailableError("the answer has no usable expires_in");
  return IssuedToken{std::string(token), std::min(absl::Seconds(seconds), kLongestLife)};
}

absl::StatusOr<std::string> MachineToken::Get(absl::Time deadline, absl::string_view rejected) {
  absl::ReleasableMutexLock lock(&mutex_);
  if (!rejected.empty() && token_ == rejected) {
    if (clock_.Now() < issue_time_ + kNew) {
      return absl::UnavailableError(
          "the Management API refuses a new token (401): the application of --logto_client_id_file needs the role "
          "Logto "
          "Management API access, and --logto_api_resource must be the API's indicator");
    }
    token_.clear();
    retry_time_ = absl::InfinitePast();
  }
  while (true) {
    const absl::Time now = clock_.Now();
    const bool alive = !token_.empty() && now < expire_time_;
    if (alive && (now < renew_time_ || renewing_ || now < retry_time_)) return token_;
    if (!renewing_ && now < retry_time_) return failure_;
    if (!renewing_) break;
    const auto landed = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !renewing_; };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&landed), deadline - now)) {
      return absl::UnavailableError("no time left to wait for a token of the Management API");
    }
  }
  renewing_ = true;
  lock.Release();
  absl::StatusOr<IssuedToken> issued = Fetch(deadline);

  absl::MutexLock relock(&mutex_);
  renewing_ = false;
  const absl::Time now = clock_.Now();
  if (issued.ok()) {
    token_ = std::move(issued->access_token);
    issue_time_ = now;
    renew_time_ = now + issued->lifetime * kLifeBeforeRenewal;
    expire_time_ = now + issued->lifetime;
    retry_time_ = absl::InfinitePast();
    return token_;
  }
  // That the time of the one who asked was over is no reason for the others not to ask.
  if (now < deadline) {
    failure_ = issued.status();
    retry_time_ = now + kRetryInterval;
  }
  if (now >= complain_time_) {
    complain_time_ = now + kComplaintInterval;
    common::Log(common::Severity::kWarning, "management_api_token_failed", {{"message", issued.status().message()}});
  }
  if (!token_.empty() && now < expire_time_) return token_;
  return issued.status();
}

absl::StatusOr<IssuedToken> MachineToken::Fetch(absl::Time deadline) {
  HttpRequest request;
  request.timeout = std::min(options_.timeout, deadline - clock_.Now());
  if (request.timeout <= absl::ZeroDuration()) return absl::UnavailableError("no time left to ask for a token");
  absl::StatusOr<std::string> client_id = common::ReadSecretFile("logto_client_id_file", options_.client_id_file);
  if (!client_id.ok()) return absl::UnavailableError(client_id.status().message());
  absl::StatusOr<std::string> secret = common::ReadSecretFile("logto_client_secret_file", options_.client_secret_file);
  if (!secret.ok()) return absl::UnavailableError(secret.status().message());
  request.endpoint = ProviderEndpoint::kToken;
  request.method = HttpMethod::kPost;
  request.url = options_.token_endpoint;
  request.may_be_internal = true;  // the operator has named it
  request.basic_user = *std::move(client_id);
  request.basic_password = *std::move(secret);
  request.content_type = "application/x-www-form-urlencoded";
  request.body = absl::StrCat("grant_type=client_credentials&resource=", FormEncode(options_.resource), "&scope=all");
  request.max_response_bytes = kMaxAnswerBytes;
  const absl::StatusOr<HttpResponse> response = client_.Send(request);
  if (!response.ok()) return absl::UnavailableError(absl::StrCat("token: ", response.status().message()));
  if (response->status == 200) {
    absl::StatusOr<IssuedToken> issued = ParseIssuedToken(response->body);
    if (!issued.ok()) return absl::UnavailableError(absl::StrCat("token: ", issued.status().message()));
    return issued;
  }
  std::string message = absl::StrCat("token: HTTP status ", response->status);
  if (response->status == 400 || response->status == 401) {
    absl::StrAppend(
        &message, ", ", ErrorCode(ParseJsonObject(response->body)),
        ": see --logto_client_id_file and --logto_client_secret_file, which must be of a machine-to-machine "
        "application with the role Logto Management API access, and --logto_api_resource");
  }
  return absl::UnavailableError(message);
}

}  // namespace auth_service
