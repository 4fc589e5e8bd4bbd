#include "mcp_edge/auth/auth_client.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "gatehouse/auth/v1/auth.pb.h"

namespace mcp_edge {
namespace {

using gatehouse::auth::v1::VerifyTokenRequest;
using gatehouse::auth::v1::VerifyTokenResponse;

constexpr char kVerifyToken[] = "/gatehouse.auth.v1.AuthService/VerifyToken";
constexpr size_t kMaxTokenBytes = 8192;
constexpr absl::Duration kMaxRefusalTtl = absl::Seconds(5);

// What may stand in an error_description (RFC 6749, section 5.2) wherever it goes.
std::string Printable(absl::string_view text) {
  std::string result(text.substr(0, 256));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return !absl::ascii_isprint(c) || c == '"' || c == '\\'; }, ' ');
  return result;
}

Refusal RefusalFromVerdict(const gatehouse::auth::v1::Refusal& refusal) {
  const std::string& name = gatehouse::auth::v1::RefusalReason_Name(refusal.reason());
  // A reason of a later version has no name here.
  Refusal result = {.reason = name.empty() ? "UNSPECIFIED" : std::string(absl::StripPrefix(name, "REFUSAL_REASON_")),
                    .description = Printable(refusal.description())};
  if (!refusal.issuer().empty()) {
    auto owner = std::make_shared<Principal>();
    owner->issuer = refusal.issuer();
    owner->subject = refusal.subject();
    owner->client_id = refusal.client_id();
    result.owner = std::move(owner);
  }
  return result;
}

}  // namespace

// A question under way, and those who wait for its answer.
struct AuthClient::Flight {
  absl::Notification landed;
  // Set before `landed`. An error that only the deadline of the one who asked caused is no answer for the others.
  absl::StatusOr<std::shared_ptr<const Verdict>> answer = absl::UnknownError("");
  bool out_of_time = false;
};

AuthClient::AuthClient(const RpcChannel& channel, const AuthClientOptions& options, const common::Clock& clock,
                       EdgeMetrics& metrics)
    : channel_(channel),
      options_(options),
      clock_(clock),
      metrics_(metrics),
      cache_(options.verdict_ttl > absl::ZeroDuration() ? options.verdict_cache_size : 0, clock) {}

AuthClient::~AuthClient() = default;

absl::StatusOr<Verdict> AuthClient::Verify(absl::string_view token, absl::string_view resource,
                                           absl::string_view request_id, absl::Time deadline) {
  const Question question = {token, resource, request_id, deadline};
  // auth_service takes no such token (auth.v1, VerifyTokenRequest), so neither can be good.
  if (token.empty() || token.size() > kMaxTokenBytes) {
    return Verdict{.principal = nullptr,
                   .refusal = {.reason = "MALFORMED", .description = "token is empty or too long"}};
  }
  if (options_.verdict_ttl <= absl::ZeroDuration()) {
    absl::Time unused_reuse_until_time;
    return Ask(question, unused_reuse_until_time);
  }

  const common::TokenDigest digest = common::DigestToken(token, resource);
  while (true) {
    if (const auto cached = cache_.Get(digest); cached.has_value()) {
      metrics_.verdicts_reused_total.Increment();
      return **cached;
    }
    std::shared_ptr<Flight> flight;
    bool leads = false;
    {
      absl::MutexLock lock(&mutex_);
      std::shared_ptr<Flight>& slot = flights_[digest];
      leads = slot == nullptr;
      if (leads) slot = std::make_shared<Flight>();
      flight = slot;
    }
    if (!leads) {
      if (!flight->landed.WaitForNotificationWithTimeout(deadline - absl::Now())) {
        return absl::UnavailableError("auth_service has not answered in time");
      }
      if (flight->out_of_time) continue;
      if (!flight->answer.ok()) return flight->answer.status();
      metrics_.verdicts_reused_total.Increment();
      return **flight->answer;
    }

    // Another question may have been answered since the cache was asked.
    absl::StatusOr<Verdict> verdict = absl::UnknownError("");
    if (const auto cached = cache_.Get(digest); cached.has_value()) {
      metrics_.verdicts_reused_total.Increment();
      flight->answer = *cached;
      verdict = **cached;
    } else {
      verdict = Lead(digest, question, *flight);
    }
    {
      absl::MutexLock lock(&mutex_);
      flights_.erase(digest);
    }
    flight->landed.Notify();
    return verdict;
  }
}

absl::StatusOr<Verdict> AuthClient::Lead(const common::TokenDigest& digest, const Question& question, Flight& flight) {
  absl::Time reuse_until_time;
  absl::StatusOr<Verdict> verdict = Ask(question, reuse_until_time);
  if (!verdict.ok()) {
    flight.answer = verdict.status();
    flight.out_of_time = absl::Now() >= question.deadline;
    return verdict;
  }
  auto shared = std::make_shared<const Verdict>(*verdict);
  const absl::Duration ttl =
      verdict->principal != nullptr ? options_.verdict_ttl : std::min(options_.verdict_ttl, kMaxRefusalTtl);
  cache_.Put(digest, shared, std::min(clock_.Now() + ttl, reuse_until_time));
  flight.answer = std::move(shared);
  return verdict;
}

absl::StatusOr<Verdict> AuthClient::Ask(const Question& question, absl::Time& reuse_until_time) {
  VerifyTokenRequest request;
  request.set_token(question.token.data(), question.token.size());
  request.set_resource(question.resource.data(), question.resource.size());
  request.set_request_id(question.request_id.data(), question.request_id.size());
  VerifyTokenResponse response;
  metrics_.verdicts_asked_total.Increment();
  const absl::Status status = CallUnary(channel_, kVerifyToken, request, question.deadline, response);
  if (status.code() == absl::StatusCode::kInvalidArgument) {
    return absl::InternalError(absl::StrCat("auth_service does not take the question: ", status.message()));
  }
  if (!status.ok()) {
    metrics_.verdicts_unavailable_total.Increment();
    return absl::UnavailableError(absl::StrCat("auth_service cannot tell now: ", status.message()));
  }
  reuse_until_time =
      response.has_reuse_until_time() ? common::FromProto(response.reuse_until_time()) : absl::InfinitePast();
  Verdict verdict;
  switch (response.verdict_case()) {
    case VerifyTokenResponse::kPrincipal:
      verdict.principal = std::make_shared<const Principal>(PrincipalFromVerdict(response.principal()));
      return verdict;
    case VerifyTokenResponse::kRefusal:
      verdict.refusal = RefusalFromVerdict(response.refusal());
      return verdict;
    case VerifyTokenResponse::VERDICT_NOT_SET:
      break;
  }
  metrics_.verdicts_unavailable_total.Increment();
  return absl::UnavailableError("auth_service cannot tell now: it answered without a verdict");
}

}  // namespace mcp_edge
