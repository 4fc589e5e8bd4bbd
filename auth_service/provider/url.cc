#include "auth_service/provider/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace auth_service {
namespace {

struct CurlUrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string Part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

absl::StatusOr<Url> Parse(absl::string_view text, bool allow_query) {
  for (const char c : text) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c)) || !absl::ascii_isprint(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError("must hold no white space, control or non-ASCII character");
    }
  }
  const std::unique_ptr<CURLU, CurlUrlDeleter> parsed(curl_url());
  if (!absl::StrContains(text, "://") ||
      curl_url_set(parsed.get(), CURLUPART_URL, std::string(text).c_str(), 0) != CURLUE_OK) {
    return absl::InvalidArgumentError("must be an absolute URL like https://id.example.com/oidc");
  }
  Url url;
  url.scheme = absl::AsciiStrToLower(Part(parsed.get(), CURLUPART_SCHEME));
  url.host = absl::AsciiStrToLower(Part(parsed.get(), CURLUPART_HOST));
  if (url.scheme != "https" && url.scheme != "http") return absl::InvalidArgumentError("must be https");
  if (url.host.empty()) return absl::InvalidArgumentError("must name a host");
  if (absl::StrContains(text, "@")) return absl::InvalidArgumentError("must hold no user name or password");
  if (absl::StrContains(text, "#")) return absl::InvalidArgumentError("must hold no fragment (#)");
  if (!allow_query && absl::StrContains(text, "?")) return absl::InvalidArgumentError("must hold no query (?)");
  const std::string port = Part(parsed.get(), CURLUPART_PORT);
  url.origin = absl::StrCat(url.scheme, "://", url.host, port.empty() ? "" : ":", port);
  url.path = Part(parsed.get(), CURLUPART_PATH);
  if (url.path == "/") url.path.clear();
  return url;
}

}  // namespace

bool Url::IsLoopback() const { return host == "localhost" || host == "127.0.0.1" || host == "[::1]"; }

absl::StatusOr<Url> ParseUrl(absl::string_view text) { return Parse(text, /*allow_query=*/false); }

absl::Status CheckProviderUrl(absl::string_view text, bool allow_loopback_http) {
  const absl::StatusOr<Url> url = Parse(text, /*allow_query=*/true);
  if (!url.ok()) return url.status();
  if (url->scheme == "https" || (allow_loopback_http && url->IsLoopback())) return absl::OkStatus();
  return absl::InvalidArgumentError("must be https; plain http is for localhost, 127.0.0.1 and [::1] only");
}

bool IsAtHostOf(absl::string_view text, absl::string_view issuer, const std::vector<std::string>& hosts) {
  const absl::StatusOr<Url> url = Parse(text, /*allow_query=*/true);
  const absl::StatusOr<Url> issuer_url = Parse(issuer, /*allow_query=*/true);
  if (!url.ok() || !issuer_url.ok()) return false;
  if (url->host == issuer_url->host || (url->IsLoopback() && issuer_url->IsLoopback())) return true;
  return std::find(hosts.begin(), hosts.end(), url->host) != hosts.end();
}

bool IsUrlHost(absl::string_view text) {
  const absl::StatusOr<Url> url = ParseUrl(absl::StrCat("https://", text));
  return url.ok() && url->host == text && url->origin == absl::StrCat("https://", text);
}

absl::Status CheckProviderHosts(const std::vector<std::string>& hosts) {
  for (const std::string& host : hosts) {
    if (!IsUrlHost(host)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--provider_hosts must be hosts in lower case without a port, got \"", host, "\""));
    }
  }
  return absl::OkStatus();
}

std::string FormEncode(absl::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("*-._", c)) {
      encoded.push_back(c);
    } else if (c == ' ') {
      encoded.push_back('+');
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace auth_service
