#include "auth_service/doctor/metadata_checks.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/provider/url.h"

namespace auth_service {
namespace {

using nlohmann::json;

// The forms that MetadataUrls() has, in its order, and the one that it has not: names for people.
constexpr const char* kFormNames[] = {"OpenID Connect, appended", "RFC 8414, inserted", "RFC 8414, appended"};
constexpr char kInsertedOpenIdName[] = "OpenID Connect, inserted";
constexpr size_t kInsertedOauthForm = 1;

// The URL of a well-known document with the well-known part before the issuer's path.
std::string InsertedUrl(const Url& url, absl::string_view name) {
  return absl::StrCat(url.origin, "/.well-known/", name, absl::StripSuffix(url.path, "/"));
}

// Whether `document[name]` is a list with `value`. `if_absent`: the answer when there is no such list.
bool ListHolds(const json& document, const char* name, absl::string_view value, bool if_absent) {
  const auto list = document.find(name);
  if (list == document.end() || !list->is_array()) return if_absent;
  return std::any_of(list->begin(), list->end(), [&](const json& entry) {
    return entry.is_string() && entry.get_ref<const std::string&>() == value;
  });
}

bool BoolMember(const json& document, const char* name) {
  const auto member = document.find(name);
  return member != document.end() && member->is_boolean() && member->get<bool>();
}

Finding UnreachableFinding(const std::string& url, const absl::Status& status) {
  return Failure("discovery", absl::StrCat("the issuer cannot be asked: ", url, ": ", status.message()),
                 "Check the host name, the firewall and https_proxy where auth_service runs; name the CA file of a "
                 "private CA with --provider_ca_file.");
}

Finding CheckClock(const std::string& date, absl::Duration clock_skew, absl::Time now) {
  absl::Time theirs;
  std::string error;
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", date, &theirs, &error)) {
    return Skipped("clock", "the provider's answers have no Date");
  }
  // The header has whole seconds, and the answer has travelled.
  const absl::Duration difference = absl::AbsDuration(now - theirs);
  const std::string text = absl::StrCat("this clock and the provider's differ by ", absl::ToInt64Seconds(difference),
                                        " s; auth_service tolerates ", absl::FormatDuration(clock_skew));
  const std::string advice = "Set the clocks by NTP; good tokens are refused as expired or not yet valid otherwise.";
  if (difference > clock_skew + absl::Seconds(1)) return Failure("clock", text, advice);
  if (difference > clock_skew / 2 + absl::Seconds(1)) return Warning("clock", text, advice);
  return Ok("clock", text);
}

// For an issuer whose document says that it is another one.
std::string IssuerAdvice(absl::string_view issuer, absl::string_view named) {
  if (absl::StripSuffix(issuer, "/") == absl::StripSuffix(named, "/")) {
    return absl::StrCat("A slash at the end makes it another issuer: say --issuer=", named.substr(0, 256), " (and ",
                        "--issuers of auth_service likewise).");
  }
  return absl::StrCat("If ", Quoted(named),
                      " is the provider that you mean, give it as the issuer everywhere. With Logto: the issuer is "
                      "your tenant's endpoint, or your custom domain, followed by /oidc (Console > an application > "
                      "Endpoints & credentials > Issuer endpoint).");
}

}  // namespace

Discovered CheckDiscovery(Probe& probe, const std::string& issuer, absl::Duration clock_skew,
                          const common::Clock& clock) {
  Discovered discovered;
  std::vector<std::pair<std::string, std::string>> forms;  // name, URL
  for (const std::string& url : MetadataUrls(issuer)) forms.emplace_back(kFormNames[forms.size()], url);
  const absl::StatusOr<Url> parsed = ParseUrl(issuer);
  if (parsed.ok() && !parsed->path.empty()) {
    forms.emplace_back(kInsertedOpenIdName, InsertedUrl(*parsed, "openid-configuration"));
  }

  std::vector<std::string> served;
  std::vector<std::string> missing;
  std::vector<std::string> differing;
  std::string other_document;
  std::string other_issuer;
  std::string date;
  absl::Time answer_time;
  for (size_t i = 0; i < forms.size(); ++i) {
    const auto& [name, url] = forms[i];
    const absl::StatusOr<HttpResponse> response = probe.Get(url);
    if (!response.ok()) {
      if (i == 0 && response.status().code() != absl::StatusCode::kResourceExhausted) {
        discovered.findings.push_back(UnreachableFinding(url, response.status()));
        return discovered;
      }
      missing.push_back(absl::StrCat(name, " (", response.status().message(), ")"));
      continue;
    }
    if (!response->date.empty()) {
      date = response->date;
      answer_time = clock.Now();
    }
    const std::optional<json> document =
        response->status == 200 ? ParseJsonObject(response->body) : std::optional<json>();
    if (!document.has_value()) {
      missing.push_back(absl::StrCat(name, " (HTTP status ", response->status,
                                     response->status == 200 ? ", no JSON object)"
                                     : response->location.empty()
                                         ? ")"
                                         : absl::StrCat(", to ", Quoted(response->location), ")")));
      continue;
    }
    if (const absl::string_view named = StringMember(*document, "issuer"); named != issuer) {
      missing.push_back(absl::StrCat(name, " (of another issuer)"));
      if (other_document.empty()) {
        other_document = response->body;
        other_issuer = std::string(named);
      }
      continue;
    }
    served.push_back(name);
    if (discovered.document_json.empty()) {
      discovered.document_json = response->body;
      discovered.is_internal = response->is_internal;
    } else if (const std::optional<json> first = ParseJsonObject(discovered.document_json); first != document) {
      differing.push_back(name);
    }
  }

  discovered.trusted = !served.empty();
  if (!differing.empty()) {
    discovered.findings.push_back(
        Warning("discovery", absl::StrCat("the document differs by form: ", absl::StrJoin(differing, "; ")),
                "Make the provider serve one document in all forms; clients do not agree on which one they ask for."));
  } else if (!served.empty()) {
    const bool inserted = std::find(served.begin(), served.end(), kFormNames[kInsertedOauthForm]) != served.end();
    discovered.findings.push_back(Ok(
        "discovery", absl::StrCat("served as ", absl::StrJoin(served, "; "),
                                  inserted ? ""
                                           : ". Not in the inserted form of RFC 8414, the only one that some clients "
                                             "of 2025-06-18 know")));
  } else if (!other_document.empty()) {
    discovered.document_json = other_document;
    discovered.findings.push_back(
        Failure("discovery", absl::StrCat("no document of this issuer: ", absl::StrJoin(missing, "; ")), ""));
  } else {
    std::string advice = "Give the issuer exactly as the provider names it. With Logto it ends in /oidc.";
    const std::string logto = absl::StrCat(absl::StripSuffix(issuer, "/"), "/oidc");
    if (!absl::EndsWith(issuer, "/oidc")) {
      const absl::StatusOr<HttpResponse> guess = probe.Get(MetadataUrls(logto).front());
      if (guess.ok() && guess->status == 200) advice = absl::StrCat("Say --issuer=", logto, ": that one answers.");
    }
    discovered.findings.push_back(
        Failure("discovery", absl::StrCat("no metadata: ", absl::StrJoin(missing, "; ")), advice));
    return discovered;
  }
  discovered.findings.push_back(
      discovered.trusted
          ? Ok("issuer", "the document names this very issuer")
          : Failure("issuer", absl::StrCat("the document is of ", Quoted(other_issuer), ", not of ", Quoted(issuer)),
                    IssuerAdvice(issuer, other_issuer)));
  discovered.findings.push_back(CheckClock(date, clock_skew, answer_time));
  return discovered;
}

Finding CheckEndpoints(const json& document, absl::string_view issuer, const std::vector<std::string>& provider_hosts) {
  const absl::StatusOr<Url> issuer_url = ParseUrl(issuer);
  const bool loopback = issuer_url.ok() && issuer_url->scheme == "http" && issuer_url->IsLoopback();
  std::vector<std::string> absent;
  std::vector<std::string> elsewhere;
  for (const auto& [name, required] :
       {std::pair("authorization_endpoint", true), std::pair("token_endpoint", true), std::pair("jwks_uri", true),
        std::pair("userinfo_endpoint", false), std::pair("introspection_endpoint", false)}) {
    if (!IsStringOrAbsent(document, name)) {
      return Failure("endpoints", absl::StrCat("the document's ", name, " is no string"),
                     "auth_service takes no such document; mend the provider's metadata.");
    }
    const std::string url(StringMember(document, name));
    if (url.empty()) {
      if (required) {
        return Failure("endpoints", absl::StrCat("the document names no ", name),
                       "Clients cannot sign users in, or auth_service cannot check tokens, without it: use a provider "
                       "that serves OpenID Connect.");
      }
      absent.push_back(name);
      continue;
    }
    if (const absl::Status status = CheckProviderUrl(url, loopback); !status.ok()) {
      return Failure("endpoints", absl::StrCat(name, " ", status.message(), ", and is ", Quoted(url)),
                     "Correct the provider's public URL. With a self-hosted Logto: set its ENDPOINT to the https URL.");
    }
    if (IsAtHostOf(url, issuer, provider_hosts)) continue;
    if (name == absl::string_view("jwks_uri")) {
      return Failure("endpoints", absl::StrCat("jwks_uri is not at the issuer's host: ", Quoted(url)),
                     "auth_service takes no such document. If your provider has it so, name the host with "
                     "--provider_hosts, there and here; otherwise the document was tampered with, or a proxy rewrites "
                     "it.");
    }
    elsewhere.push_back(absl::StrCat(name, " ", Quoted(url)));
  }
  if (!elsewhere.empty()) {
    return Warning(
        "endpoints", absl::StrCat("not at the issuer's host: ", absl::StrJoin(elsewhere, ", ")),
        "auth_service asks userinfo and introspection there only if --provider_hosts names the host, and is "
        "not ready if it needs them; nor does the doctor ask there. Some providers have it so; otherwise the "
        "document was tampered with, or a proxy rewrites it.");
  }
  if (!absent.empty()) {
    return Warning("endpoints", absl::StrCat("the document names no ", absl::StrJoin(absent, " and no ")),
                   "Opaque tokens cannot be checked there; use JWTs (--opaque_tokens=refuse).");
  }
  return Ok("endpoints", absl::StrCat("all there, ", loopback ? "" : "over https, ",
                                      "at the issuer's host or one of --provider_hosts"));
}

Finding CheckGrants(const json& document) {
  if (!ListHolds(document, "response_types_supported", "code", false)) {
    return Failure("grants", "response_types_supported lacks \"code\"",
                   "Allow the authorization code flow at the provider; MCP clients know no other.");
  }
  // RFC 8414, section 2: without the list, authorization_code and implicit.
  if (!ListHolds(document, "grant_types_supported", "authorization_code", true)) {
    return Failure("grants", "grant_types_supported lacks \"authorization_code\"",
                   "Allow the authorization code grant at the provider; MCP clients know no other.");
  }
  std::vector<std::string> missing;
  if (!ListHolds(document, "grant_types_supported", "refresh_token", false)) missing.push_back("refresh tokens");
  // RFC 8414, section 2: without the list, client_secret_basic.
  if (!ListHolds(document, "token_endpoint_auth_methods_supported", "none", false)) {
    missing.push_back("clients without a secret (auth method none)");
  }
  if (!missing.empty()) {
    return Warning("grants", absl::StrCat("not announced: ", absl::StrJoin(missing, ", ")),
                   "Users sign in again whenever a token expires, or agents on a user's machine cannot be clients; "
                   "allow both at the provider if it can.");
  }
  return Ok("grants", "authorization code, refresh tokens and public clients");
}

Finding CheckPkce(const json& document) {
  if (ListHolds(document, "code_challenge_methods_supported", "S256", false)) return Ok("pkce", "S256 is announced");
  return Failure("pkce",
                 document.contains("code_challenge_methods_supported")
                     ? "code_challenge_methods_supported lacks S256"
                     : "the document has no code_challenge_methods_supported",
                 "MCP clients must refuse such a provider. If it does know PKCE, put "
                 "\"code_challenge_methods_supported\":[\"S256\"] into its metadata.");
}

Finding CheckIssParameter(const json& document) {
  if (BoolMember(document, "authorization_response_iss_parameter_supported")) {
    return Ok("iss", "authorization responses name their issuer (RFC 9207)");
  }
  return Warning("iss", "authorization responses do not name their issuer (RFC 9207)",
                 "A client of several providers cannot notice when their answers are mixed up; update the provider if "
                 "a version with RFC 9207 exists.");
}

Finding CheckRegistration(const json& document, bool edge_registers) {
  std::vector<std::string> ways;
  if (BoolMember(document, "client_id_metadata_document_supported")) {
    ways.push_back("by client ID metadata documents (the preferred way)");
  }
  if (!StringMember(document, "registration_endpoint").empty()) ways.push_back("dynamically, at the provider");
  if (edge_registers) ways.push_back("dynamically, at Gatehouse (--registration=logto)");
  if (!ways.empty()) return Ok("registration", absl::StrCat("unknown agents can register ", absl::StrJoin(ways, ", ")));
  return Warning("registration", "unknown agents cannot register: each needs a client id that you give it",
                 "Choose one. Client ID metadata documents, if your Logto has them (Console > Security, or PATCH "
                 "/api/configs/cimd {\"enabled\":true}). Gatehouse's own registration: auth_service "
                 "--registration=logto, mcp_edge --authorization_server_metadata=register. By hand: Console > "
                 "Applications > Create application > Third-party app, for each agent.");
}

Finding CheckScopes(const json& document, const std::vector<std::string>& scopes) {
  const auto list = document.find("scopes_supported");
  if (list == document.end() || !list->is_array()) return Skipped("scopes", "the provider does not list its scopes");
  std::vector<std::string> unknown;
  for (const std::string& scope : scopes) {
    if (!ListHolds(document, "scopes_supported", scope, false)) unknown.push_back(scope);
  }
  if (unknown.empty()) {
    return Ok("scopes", absl::StrCat("the provider lists ", absl::StrJoin(scopes, ", ")));
  }
  return Warning("scopes", absl::StrCat("the provider does not list ", absl::StrJoin(unknown, ", ")),
                 "Right for permissions of an API resource, which Logto never lists; otherwise correct --scopes here "
                 "and --scopes_supported of auth_service.");
}

Finding CheckEdge(Probe& probe, const std::string& issuer, const std::string& resource, bool* registers) {
  const absl::StatusOr<Url> url = ParseUrl(resource);
  if (!url.ok()) {
    return Failure("edge", absl::StrCat("the resource ", url.status().message(), ", got ", Quoted(resource)),
                   "Give the public URL of the edge's MCP endpoint, like https://mcp.example.com/mcp.");
  }
  const std::string metadata_url = absl::StrCat(url->origin, "/.well-known/oauth-protected-resource", url->path);
  const absl::StatusOr<HttpResponse> response = probe.Get(metadata_url);
  if (!response.ok()) {
    return Skipped("edge", absl::StrCat("not reached from here: ", metadata_url, ": ", response.status().message()),
                   "Run this again where the public URL of the edge can be reached.");
  }
  const std::optional<json> document =
      response->status == 200 ? ParseJsonObject(response->body) : std::optional<json>();
  if (!document.has_value()) {
    return Failure("edge", absl::StrCat(metadata_url, ": HTTP status ", response->status, ", no metadata"),
                   "Let this path through to the edge as well: clients learn there where to sign in (RFC 9728).");
  }
  if (const absl::string_view named = StringMember(*document, "resource"); named != resource) {
    return Failure("edge", absl::StrCat("the edge says that it is ", Quoted(named)),
                   "Make --resource of mcp_edge and --resources of auth_service this very URL: it is the audience of "
                   "tokens, byte for byte.");
  }
  if (!ListHolds(*document, "authorization_servers", issuer, false)) {
    return Failure("edge", "the edge does not send clients to this issuer",
                   "Make --issuers of auth_service this very issuer.");
  }
  const absl::StatusOr<HttpResponse> mirror =
      probe.Get(absl::StrCat(url->origin, "/.well-known/oauth-authorization-server"));
  if (registers != nullptr && mirror.ok() && mirror->status == 200) {
    const std::optional<json> mirrored = ParseJsonObject(mirror->body);
    *registers = mirrored.has_value() &&
                 absl::StartsWith(StringMember(*mirrored, "registration_endpoint"), absl::StrCat(url->origin, "/"));
  }
  return Ok("edge", "it sends clients to this issuer");
}

}  // namespace auth_service
