#include "mcp_edge/transport/authenticator.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "mcp_edge/dispatch/scope_check.h"
#include "mcp_edge/http/bearer.h"
#include "mcp_edge/http/request_trail.h"
#include "mcp_edge/protocol/header_value.h"
#include "mcp_edge/transport/http_reply.h"

namespace mcp_edge {

ProtectedResource MakeProtectedResource(absl::string_view mcp_resource, absl::string_view path) {
  const size_t authority = mcp_resource.find("://") + 3;
  const absl::string_view origin = mcp_resource.substr(0, mcp_resource.find('/', authority));
  return {absl::StrCat(origin, path), absl::StrCat(origin, "/.well-known/oauth-protected-resource", path)};
}

Authenticator::Authenticator(TokenVerifier& verifier, ScopesOf scopes_of, absl::Duration timeout,
                             const common::Clock& clock, EdgeMetrics& metrics, ErrorStyle style, AuditLog* audit)
    : verifier_(verifier),
      scopes_of_(std::move(scopes_of)),
      timeout_(timeout),
      clock_(clock),
      metrics_(metrics),
      style_(style),
      audit_(audit) {}

std::shared_ptr<const Principal> Authenticator::Authenticate(const httplib::Request& request,
                                                             const ProtectedResource& resource,
                                                             httplib::Response& response) const {
  const absl::Time begin_time = clock_.Now();
  std::vector<absl::string_view> authorization;
  const auto [begin, end] = request.headers.equal_range("Authorization");
  for (auto header = begin; header != end; ++header) authorization.push_back(TrimHeaderValue(header->second));
  const bool query_has_token = request.has_param("access_token");
  const BearerToken bearer = ReadBearerToken(authorization, query_has_token);
  if (style_ == ErrorStyle::kMcpAuth && bearer.form != BearerToken::Form::kPresent && !query_has_token &&
      authorization.size() <= 1) {
    const bool is_missing = bearer.form == BearerToken::Form::kMissing;
    (is_missing ? metrics_.tokens_missing_total : metrics_.tokens_malformed_total).Increment();
    ReplyMcpAuth(resource, McpAuthErrorOfHeader(authorization.empty() ? "" : authorization.front()), response);
    return nullptr;
  }
  if (bearer.form == BearerToken::Form::kMalformed) {
    metrics_.tokens_malformed_total.Increment();
    Challenge challenge;
    challenge.resource_metadata = resource.metadata_url;
    challenge.error = "invalid_request";
    challenge.error_description = std::string(bearer.problem);
    response.set_header("WWW-Authenticate", WriteChallenge(challenge));
    ReplyError(response, "",
               {WireErrorKind::kMalformedAuthorization, absl::StrCat("Bad request: ", bearer.problem), ""});
    return nullptr;
  }
  const auto make_challenge = [&] {
    Challenge challenge;
    challenge.resource_metadata = resource.metadata_url;
    challenge.scope = scopes_of_(resource.uri);
    return challenge;
  };
  if (bearer.form == BearerToken::Form::kMissing) {
    const Challenge challenge = make_challenge();
    metrics_.tokens_missing_total.Increment();
    response.set_header("WWW-Authenticate", WriteChallenge(challenge));
    ReplyError(response, "", {WireErrorKind::kUnauthorized, "A bearer token is required", ""});
    return nullptr;
  }
  const absl::StatusOr<Verdict> verdict =
      verifier_.Verify(bearer.token, resource.uri, CurrentTrail().request_id, clock_.Now() + timeout_);
  if (!verdict.ok()) {
    metrics_.tokens_undecided_total.Increment();
    Audit(request, begin_time, nullptr, Decision::Outcome::kFailed, "undecided");
    common::Log(common::Severity::kWarning, "token_undecided",
                {{"request_id", CurrentTrail().request_id}, {"reason", verdict.status().message()}});
    if (style_ == ErrorStyle::kMcpAuth && absl::IsInternal(verdict.status())) {
      ReplyMcpAuth(resource, McpAuthError::kServerError, response);
      return nullptr;
    }
    ReplyError(response, "", {WireErrorKind::kUnavailable, "The token cannot be checked now; try again later", ""});
    return nullptr;
  }
  if (verdict->principal == nullptr) {
    metrics_.tokens_refused_total.Increment();
    Audit(request, begin_time, verdict->refusal.owner.get(), Decision::Outcome::kRefused, verdict->refusal.reason);
    if (style_ == ErrorStyle::kMcpAuth) {
      ReplyMcpAuth(resource, McpAuthErrorOfRefusal(verdict->refusal.reason), response);
      CurrentTrail().reason = verdict->refusal.reason;
      return nullptr;
    }
    Challenge challenge = make_challenge();
    challenge.error = "invalid_token";
    challenge.error_description = verdict->refusal.description;
    response.set_header("WWW-Authenticate", WriteChallenge(challenge));
    ReplyError(response, "", {WireErrorKind::kUnauthorized, "The bearer token is not valid", ""});
    CurrentTrail().reason = verdict->refusal.reason;
    return nullptr;
  }
  return verdict->principal;
}

void Authenticator::Audit(const httplib::Request& request, absl::Time begin_time, const Principal* owner,
                          Decision::Outcome outcome, absl::string_view reason) const {
  if (audit_ == nullptr) return;
  audit_->Record({.principal = owner,
                  .method = absl::StrCat(request.method, " ", request.path.substr(0, 128)),
                  .outcome = outcome,
                  .reason = reason,
                  .request_id = CurrentTrail().request_id,
                  .duration = clock_.Now() - begin_time});
}

void Authenticator::ReplyShortage(const ProtectedResource& resource, const ScopeShortage& shortage,
                                  absl::string_view id_json, httplib::Response& response) const {
  const std::string text(ShortageText(shortage));
  ReplyError(response, id_json, {WireErrorKind::kInsufficientScope, text, ""});
  CurrentTrail().reason = std::string(ShortageReason(shortage));
  if (style_ == ErrorStyle::kMcpAuth) {
    McpAuthAnswer answer = WriteMcpAuthAnswer(McpAuthError::kMissingScopes, "", shortage.missing);
    response.set_header("WWW-Authenticate", answer.challenge);
    return ReplyJson(response, std::move(answer.body), kMcpAuthJsonType);
  }
  Challenge challenge;
  challenge.error = "insufficient_scope";
  challenge.error_description = text;
  challenge.resource_metadata = resource.metadata_url;
  challenge.scope = shortage.needed;
  response.set_header("WWW-Authenticate", WriteChallenge(challenge));
}

void Authenticator::ReplyMcpAuth(const ProtectedResource& resource, McpAuthError error,
                                 httplib::Response& response) const {
  McpAuthAnswer answer = WriteMcpAuthAnswer(error, resource.metadata_url, {});
  response.status = answer.status;
  if (!answer.challenge.empty()) response.set_header("WWW-Authenticate", answer.challenge);
  CurrentTrail().reason = std::string(WireErrorOf(WireErrorKind::kUnauthorized).reason);
  if (answer.status == 500) CurrentTrail().reason = std::string(WireErrorOf(WireErrorKind::kInternal).reason);
  ReplyJson(response, std::move(answer.body), kMcpAuthJsonType);
}

}  // namespace mcp_edge
