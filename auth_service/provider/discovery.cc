#include "auth_service/provider/discovery.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/provider/url.h"

namespace auth_service {

std::vector<std::string> MetadataUrls(absl::string_view issuer) {
  const absl::string_view base = absl::StripSuffix(issuer, "/");
  const size_t authority = base.find("://");
  const size_t slash = authority == absl::string_view::npos ? authority : base.find('/', authority + 3);
  const absl::string_view origin = base.substr(0, slash);
  const absl::string_view path = slash == absl::string_view::npos ? absl::string_view() : base.substr(slash);
  std::vector<std::string> urls = {
      absl::StrCat(base, "/.well-known/openid-configuration"),
      absl::StrCat(origin, "/.well-known/oauth-authorization-server", path),
  };
  if (!path.empty()) urls.push_back(absl::StrCat(base, "/.well-known/oauth-authorization-server"));
  return urls;
}

absl::StatusOr<ProviderMetadata> ParseMetadata(std::string document_json, absl::string_view issuer,
                                               const NeededEndpoints& needed, const std::vector<std::string>& hosts) {
  const std::optional<nlohmann::json> document = ParseJsonObject(document_json);
  if (!document.has_value()) return absl::FailedPreconditionError("the answer is not a JSON object");
  if (const absl::string_view named = StringMember(*document, "issuer"); named != issuer) {
    return absl::FailedPreconditionError(absl::StrCat("the document is of issuer \"", named.substr(0, 256),
                                                      "\", which is not byte for byte the issuer of --issuers \"",
                                                      issuer, "\""));
  }
  const absl::StatusOr<Url> issuer_url = ParseUrl(issuer);
  const bool loopback = issuer_url.ok() && issuer_url->scheme == "http" && issuer_url->IsLoopback();
  ProviderMetadata metadata;
  const struct {
    const char* name;
    bool is_needed;
    std::string& url;
  } endpoints[] = {
      {"jwks_uri", true, metadata.jwks_uri},
      {"userinfo_endpoint", needed.userinfo, metadata.userinfo_endpoint},
      {"introspection_endpoint", needed.introspection, metadata.introspection_endpoint},
  };
  for (const auto& endpoint : endpoints) {
    if (!IsStringOrAbsent(*document, endpoint.name)) {
      return absl::FailedPreconditionError(absl::StrCat("the document's ", endpoint.name, " is no string"));
    }
    const absl::string_view url = StringMember(*document, endpoint.name);
    if (url.empty()) continue;
    const auto wrong = [&](absl::string_view what) {
      return absl::FailedPreconditionError(
          absl::StrCat("the document's ", endpoint.name, " ", what, ", and is \"", url.substr(0, 256), "\""));
    };
    if (const absl::Status status = CheckProviderUrl(url, loopback); !status.ok()) return wrong(status.message());
    if (IsAtHostOf(url, issuer, hosts)) {
      endpoint.url = std::string(url);
    } else if (endpoint.is_needed) {
      return wrong("must be at the issuer's host or at one of --provider_hosts");
    }
  }
  metadata.document_json = std::move(document_json);
  return metadata;
}

absl::Status Discovery::Refresh() {
  absl::StatusOr<ProviderMetadata> fetched = Fetch();
  if (!fetched.ok()) return fetched.status();
  fetched->fetch_time = clock_.Now();
  auto metadata = std::make_shared<const ProviderMetadata>(*std::move(fetched));
  absl::MutexLock lock(&mutex_);
  if (current_ != nullptr) {
    if (const absl::string_view lost = LostEndpoint(*current_, *metadata); !lost.empty()) {
      return absl::FailedPreconditionError(absl::StrCat("the document names no ", lost, " any more"));
    }
  }
  current_ = std::move(metadata);
  return absl::OkStatus();
}

absl::string_view Discovery::LostEndpoint(const ProviderMetadata& last, const ProviderMetadata& next) const {
  const auto lost = [](const std::string& before, const std::string& after) {
    return !before.empty() && after.empty();
  };
  if (lost(last.jwks_uri, next.jwks_uri)) return "jwks_uri";
  if (needed_.userinfo && lost(last.userinfo_endpoint, next.userinfo_endpoint)) return "userinfo_endpoint";
  if (needed_.introspection && lost(last.introspection_endpoint, next.introspection_endpoint)) {
    return "introspection_endpoint";
  }
  return "";
}

absl::StatusOr<ProviderMetadata> Discovery::Fetch() const {
  std::vector<std::string> findings;
  for (const std::string& url : MetadataUrls(issuer_)) {
    HttpRequest request;
    request.endpoint = ProviderEndpoint::kDiscovery;
    request.url = url;
    request.may_be_internal = true;  // the operator has named it
    request.timeout = timeout_;
    absl::StatusOr<HttpResponse> response = client_.Send(request);
    if (!response.ok()) {
      if (response.status().code() == absl::StatusCode::kResourceExhausted) {
        findings.push_back(absl::StrCat(url, ": ", response.status().message()));
        continue;
      }
      return absl::UnavailableError(absl::StrCat(url, ": ", response.status().message()));
    }
    if (response->status >= 500 || response->status == 429) {
      return absl::UnavailableError(absl::StrCat(url, ": HTTP status ", response->status));
    }
    if (response->status != 200) {
      findings.push_back(absl::StrCat(url, ": HTTP status ", response->status));
      continue;
    }
    absl::StatusOr<ProviderMetadata> metadata = ParseMetadata(std::move(response->body), issuer_, needed_, hosts_);
    if (metadata.ok()) {
      metadata->is_internal = response->is_internal;
      return metadata;
    }
    findings.push_back(absl::StrCat(url, ": ", metadata.status().message()));
  }
  return absl::FailedPreconditionError(absl::StrJoin(findings, "; "));
}

}  // namespace auth_service
