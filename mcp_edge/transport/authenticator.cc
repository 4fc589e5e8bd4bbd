#include "mcp_edge/transport/authenticator.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
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
                             const common::Clock& clock, EdgeMetrics& metrics)
    : verifier_(verifier), scopes_of_(std::move(scopes_of)), timeout_(timeout), clock_(clock), metrics_(metrics) {}

std::shared_ptr<const Principal> Authenticator::Authenticate(const httplib::Request& request,
                                                             const ProtectedResource& resource,
                                                             httplib::Response& response) const {
  std::vector<absl::string_view> authorization;
  const auto [begin, end] = request.headers.equal_range("Authorization");
  for (auto header = begin; header != end; ++header) authorization.push_back(TrimHeaderValue(header->second));
  const BearerToken bearer = ReadBearerToken(authorization, request.has_param("access_token"));
  Challenge challenge;
  challenge.resource_metadata = resource.metadata_url;
  if (bearer.form == BearerToken::Form::kMalformed) {
    challenge.error = "invalid_request";
    challenge.error_description = std::string(bearer.problem);
    response.set_header("WWW-Authenticate", WriteChallenge(challenge));
    ReplyError(response, "",
               {WireErrorKind::kMalformedAuthorization, absl::StrCat("Bad request: ", bearer.problem), ""});
    return nullptr;
  }
  challenge.scope = scopes_of_(resource.uri);
  if (bearer.form == BearerToken::Form::kMissing) {
    metrics_.tokens_missing_total.Increment();
    response.set_header("WWW-Authenticate", WriteChallenge(challenge));
    ReplyError(response, "", {WireErrorKind::kUnauthorized, "A bearer token is required", ""});
    return nullptr;
  }
  const absl::StatusOr<Verdict> verdict = verifier_.Verify(bearer.token, resource.uri, clock_.Now() + timeout_);
  if (!verdict.ok()) {
    metrics_.tokens_undecided_total.Increment();
    common::Log(common::Severity::kWarning, "token_undecided",
                {{"request_id", CurrentTrail().request_id}, {"reason", verdict.status().message()}});
    ReplyError(response, "", {WireErrorKind::kUnavailable, "The token cannot be checked now; try again later", ""});
    return nullptr;
  }
  if (verdict->principal == nullptr) {
    metrics_.tokens_refused_total.Increment();
    challenge.error = "invalid_token";
    challenge.error_description = verdict->refusal.description;
    response.set_header("WWW-Authenticate", WriteChallenge(challenge));
    ReplyError(response, "", {WireErrorKind::kUnauthorized, "The bearer token is not valid", ""});
    CurrentTrail().reason = verdict->refusal.reason;
    return nullptr;
  }
  return verdict->principal;
}

void Authenticator::AddScopeChallenge(const ProtectedResource& resource, absl::string_view needed_scopes,
                                      httplib::Response& response) const {
  Challenge challenge;
  challenge.error = "insufficient_scope";
  challenge.error_description = "The token lacks a scope that this needs";
  challenge.resource_metadata = resource.metadata_url;
  challenge.scope = std::string(needed_scopes);
  response.set_header("WWW-Authenticate", WriteChallenge(challenge));
}

}  // namespace mcp_edge
