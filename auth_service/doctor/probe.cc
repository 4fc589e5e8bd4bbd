#include "auth_service/doctor/probe.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/provider/url.h"

namespace auth_service {
namespace {

constexpr size_t kMaxParameters = 100;
constexpr size_t kMaxQuotedBytes = 200;
// Shorter texts would blot out half of the report, and are no secrets.
constexpr size_t kMinSecretBytes = 8;

std::string FormDecode(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) &&
        absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      decoded += absl::HexStringToBytes(text.substr(i + 1, 2));
      i += 2;
    } else {
      decoded.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return decoded;
}

}  // namespace

std::string FormBody(const Parameters& parameters) {
  std::string body;
  for (const auto& [name, value] : parameters) {
    absl::StrAppend(&body, body.empty() ? "" : "&", FormEncode(name), "=", FormEncode(value));
  }
  return body;
}

std::map<std::string, std::string> ReadForm(absl::string_view form) {
  std::map<std::string, std::string> parameters;
  for (const absl::string_view part : absl::StrSplit(form, '&', absl::SkipEmpty())) {
    if (parameters.size() == kMaxParameters) break;
    const std::pair<absl::string_view, absl::string_view> parameter = absl::StrSplit(part, absl::MaxSplits('=', 1));
    parameters.emplace(FormDecode(parameter.first), FormDecode(parameter.second));
  }
  return parameters;
}

OAuthError ReadOAuthError(const HttpResponse& response) {
  const std::optional<nlohmann::json> body = ParseJsonObject(response.body);
  OAuthError error;
  if (body.has_value()) error.error = std::string(StringMember(*body, "error").substr(0, 64));
  if (error.error.empty()) {
    error.text = absl::StrCat("HTTP status ", response.status);
    return error;
  }
  const absl::string_view description = StringMember(*body, "error_description");
  error.text = absl::StrCat("HTTP status ", response.status, ", ", error.error,
                            description.empty() ? "" : absl::StrCat(" ", Quoted(description)));
  return error;
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", text.substr(0, kMaxQuotedBytes), text.size() > kMaxQuotedBytes ? "..." : "", "\"");
}

absl::StatusOr<HttpResponse> Probe::Get(const std::string& url, const std::string& bearer_token) {
  HttpRequest request;
  request.url = url;
  request.bearer_token = bearer_token;
  return Send(std::move(request));
}

absl::StatusOr<HttpResponse> Probe::PostForm(const std::string& url, const Parameters& parameters,
                                             const ClientCredentials& credentials) {
  HttpRequest request;
  request.method = HttpMethod::kPost;
  request.url = url;
  request.basic_user = credentials.id;
  request.basic_password = credentials.secret;
  request.content_type = "application/x-www-form-urlencoded";
  request.body = FormBody(parameters);
  return Send(std::move(request));
}

absl::StatusOr<HttpResponse> Probe::Send(HttpRequest request) {
  if (const absl::Status status = CheckProviderUrl(request.url, allow_loopback_http_); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the URL ", status.message(), ", and is ", Quoted(request.url)));
  }
  const bool is_named = !is_limited_ || std::any_of(named_.begin(), named_.end(), [&](const std::string& url) {
    return IsAtHostOf(request.url, url, {});
  });
  if (!is_named && !IsAtHostOf(request.url, issuer_, hosts_)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the URL must be at the issuer's host or at one of --provider_hosts, and is ", Quoted(request.url)));
  }
  request.may_be_internal = is_named || is_internal_;
  request.timeout = timeout_;
  return client_.Send(request);
}

void Probe::LimitTo(std::string issuer, std::vector<std::string> hosts, bool is_internal,
                    std::vector<std::string> named) {
  is_limited_ = true;
  issuer_ = std::move(issuer);
  hosts_ = std::move(hosts);
  is_internal_ = is_internal;
  named_ = std::move(named);
}

void Probe::Conceal(const std::string& secret) {
  if (secret.size() >= kMinSecretBytes) secrets_.push_back(secret);
}

std::string Probe::Redacted(absl::string_view text) const {
  std::string redacted(text);
  for (const std::string& secret : secrets_) absl::StrReplaceAll({{secret, "[redacted]"}}, &redacted);
  return redacted;
}

}  // namespace auth_service
