#include "auth_service/doctor/client_checks.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace auth_service {
namespace {

// The challenge of RFC 7636, appendix B: no code will ever be redeemed with it.
constexpr char kChallenge[] = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

// These say that all is well but that nobody is signed in (OpenID Connect Core 1.0, section 3.1.2.6).
constexpr const char* kNeedsUser[] = {"login_required", "consent_required", "interaction_required",
                                      "account_selection_required"};

struct Answer {
  bool asked = false;  // whether there was an answer at all
  std::string error;   // "": the request is accepted
  std::string text;    // for a person
  std::string scope;   // the scope that is refused, where the provider says so
};

// The parameters of a redirect URI with an error: in its query, or in its fragment.
std::map<std::string, std::string> ErrorParameters(absl::string_view location) {
  const size_t query = location.find('?');
  const size_t fragment = location.find('#');
  if (query != absl::string_view::npos && query < fragment) {
    auto parameters = ReadForm(location.substr(query + 1, fragment - query - 1));
    if (parameters.count("error") > 0) return parameters;
  }
  if (fragment == absl::string_view::npos) return {};
  return ReadForm(location.substr(fragment + 1));
}

Answer Authorize(Probe& probe, const ClientQuestion& question, const std::vector<std::string>& scopes,
                 const std::string& resource) {
  Parameters parameters = {{"response_type", "code"},
                           {"client_id", question.client_id},
                           {"redirect_uri", question.redirect_uri},
                           {"scope", absl::StrJoin(scopes, " ")},
                           {"state", "gatehouse-doctor"},
                           {"prompt", "none"},
                           {"code_challenge", kChallenge},
                           {"code_challenge_method", "S256"}};
  if (!resource.empty()) parameters.emplace_back("resource", resource);
  const bool has_query = absl::StrContains(question.authorization_endpoint, "?");
  const absl::StatusOr<HttpResponse> response =
      probe.Get(absl::StrCat(question.authorization_endpoint, has_query ? "&" : "?", FormBody(parameters)));
  Answer answer;
  if (!response.ok()) {
    answer.text = std::string(response.status().message());
    return answer;
  }
  if (response->status == 429 || response->status >= 500) {
    answer.text = absl::StrCat("HTTP status ", response->status);
    return answer;
  }
  answer.asked = true;
  if (response->status >= 400) {
    const OAuthError error = ReadOAuthError(*response);
    answer.error = error.error.empty() ? "refused" : error.error;
    answer.text = error.text;
    return answer;
  }
  std::map<std::string, std::string> redirect = ErrorParameters(response->location);
  const std::string& error = redirect["error"];
  // No redirect, or one to a page where users sign in, comes after all checks of the request.
  if (error.empty() || std::find(std::begin(kNeedsUser), std::end(kNeedsUser), error) != std::end(kNeedsUser)) {
    return answer;
  }
  answer.error = error.substr(0, 64);
  answer.scope = redirect["scope"];
  const std::string& description = redirect["error_description"];
  answer.text = absl::StrCat(answer.error, description.empty() ? "" : absl::StrCat(" ", Quoted(description)));
  return answer;
}

Finding JudgeClient(const Answer& answer, const ClientQuestion& question) {
  const std::string client = Quoted(question.client_id);
  if (!answer.asked) {
    return Failure("client", absl::StrCat("the authorization endpoint gives no answer: ", answer.text),
                   "Mend the provider: no user can sign in.");
  }
  // "access_denied" and "invalid_scope" are about scopes, which come later.
  if (answer.error.empty() || answer.error == "access_denied" || answer.error == "invalid_scope") {
    return Ok("client", absl::StrCat("the provider knows ", client, " with ", question.redirect_uri));
  }
  if (absl::StrContains(answer.error, "redirect_uri") || absl::StrContains(answer.text, "redirect_uri")) {
    return Failure(
        "client",
        absl::StrCat("the provider knows ", client, ", but not with the redirect URI ", Quoted(question.redirect_uri),
                     ": ", answer.text),
        "Give the agent's redirect URI with --redirect_uri, and register it exactly so. With Logto: Console > "
        "Applications > the app > Redirect URIs (a free port on loopback needs the type Native).");
  }
  if (answer.error == "invalid_client" || answer.error == "unauthorized_client") {
    return Failure("client", absl::StrCat("the provider does not know the client ", client, ": ", answer.text),
                   "Copy the client id again. With Logto: Console > Applications > the app > App ID; for a new agent: "
                   "Create application > Third-party app.");
  }
  return Failure("client", absl::StrCat("the provider refuses the client ", client, ": ", answer.text),
                 "The provider's message says what it misses in the client's settings.");
}

Finding JudgeResource(Probe& probe, const Answer& answer, const ClientQuestion& question) {
  if (!answer.asked) return Skipped("resource", absl::StrCat("no answer: ", answer.text));
  if (answer.error.empty()) {
    return Ok("resource", "the provider accepts requests for this resource");
  }
  if (answer.error != "invalid_target") {
    return Failure("resource", absl::StrCat("a request with the resource is refused: ", answer.text),
                   ResourceAdvice(question.resource));
  }
  const std::string other = absl::EndsWith(question.resource, "/")
                                ? std::string(absl::StripSuffix(question.resource, "/"))
                                : absl::StrCat(question.resource, "/");
  if (const Answer second = Authorize(probe, question, {"openid"}, other); second.asked && second.error.empty()) {
    return Failure("resource", absl::StrCat("the provider knows ", Quoted(other), ", not ", Quoted(question.resource)),
                   absl::StrCat("One slash makes it another resource. ", ResourceAdvice(question.resource)));
  }
  return Failure("resource", absl::StrCat("the provider does not know this resource: ", answer.text),
                 ResourceAdvice(question.resource));
}

Finding JudgeScopes(const Answer& answer, const ClientQuestion& question) {
  if (!answer.asked) return Skipped("consent", absl::StrCat("no answer: ", answer.text));
  const std::string scopes = absl::StrJoin(question.scopes, " ");
  if (answer.error.empty()) return Ok("consent", absl::StrCat("the client may ask for ", scopes));
  const std::string refused = answer.scope.empty() ? scopes : answer.scope;
  return Failure("consent", absl::StrCat("the client may not ask for ", Quoted(refused), ": ", answer.text),
                 "Allow the scope for this client. With Logto: Console > Applications > the app > Permissions > Add "
                 "permissions (for a third-party app, everything but openid and offline_access is added there).");
}

}  // namespace

Findings CheckClient(Probe& probe, const ClientQuestion& question) {
  const Answer plain = Authorize(probe, question, {"openid"}, "");
  Findings findings = {JudgeClient(plain, question)};
  if (findings.front().outcome != Outcome::kOk) {
    findings.push_back(Skipped("resource", "needs a client that the provider accepts"));
    findings.push_back(Skipped("consent", "needs a client that the provider accepts"));
    return findings;
  }
  findings.push_back(JudgeResource(probe, Authorize(probe, question, {"openid"}, question.resource), question));
  findings.push_back(JudgeScopes(Authorize(probe, question, question.scopes, ""), question));
  return findings;
}

std::string ResourceAdvice(const std::string& resource) {
  return absl::StrCat("Register exactly ", resource,
                      " as a resource. With Logto: Console > API resources > Create API "
                      "resource > API identifier, which cannot be changed later.");
}

}  // namespace auth_service
