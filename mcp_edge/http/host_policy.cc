#include "mcp_edge/http/host_policy.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mcp_edge {
namespace {

struct Authority {
  std::string name;  // lower case; an IPv6 address with its brackets
  std::string port;  // empty when none is given
};

// host[:port], and nothing else (RFC 9110, section 7.2).
std::optional<Authority> ParseAuthority(absl::string_view text) {
  absl::string_view name = text;
  absl::string_view port;
  if (absl::StartsWith(text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return std::nullopt;
    name = text.substr(0, end + 1);
    port = text.substr(end + 1);
    if (!port.empty() && !absl::ConsumePrefix(&port, ":")) return std::nullopt;
  } else if (const size_t colon = text.find(':'); colon != absl::string_view::npos) {
    name = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return std::nullopt;
  }
  if (name.empty() || name.size() > 255 || port.size() > 5) return std::nullopt;
  for (const char c : port) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
  }
  for (const char c : name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_') continue;
    if (c != '[' && c != ']' && c != ':') return std::nullopt;
  }
  return Authority{absl::AsciiStrToLower(name), std::string(port)};
}

bool IsLoopback(const Authority& authority) {
  return authority.name == "localhost" || authority.name == "127.0.0.1" || authority.name == "[::1]";
}

// The authority of scheme://authority, without path; nothing for other text.
std::optional<Authority> ParseOrigin(absl::string_view origin) {
  if (!absl::ConsumePrefix(&origin, "http://") && !absl::ConsumePrefix(&origin, "https://")) return std::nullopt;
  return ParseAuthority(origin);
}

}  // namespace

absl::StatusOr<HostPolicy> HostPolicy::Create(absl::string_view resource, const std::vector<std::string>& hosts,
                                              const std::vector<std::string>& origins) {
  HostPolicy policy;
  const size_t scheme_end = resource.find("://");
  const size_t path =
      scheme_end == absl::string_view::npos ? absl::string_view::npos : resource.find('/', scheme_end + 3);
  const std::string own_origin = absl::AsciiStrToLower(resource.substr(0, path));
  const std::optional<Authority> own = ParseOrigin(own_origin);
  if (!own.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("must be an absolute http or https URL, got \"", resource, "\""));
  }
  policy.hosts_.push_back(own->name);
  policy.origins_.push_back(own_origin);
  for (const std::string& host : hosts) {
    if (!ParseAuthority(host).has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("must be host names with an optional port, got \"", host, "\""));
    }
    policy.hosts_.push_back(absl::AsciiStrToLower(host));
  }
  for (const std::string& origin : origins) {
    if (!ParseOrigin(origin).has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("must be origins like https://example.com, got \"", origin, "\""));
    }
    policy.origins_.push_back(absl::AsciiStrToLower(origin));
  }
  return policy;
}

bool HostPolicy::AllowsHost(absl::string_view host) const {
  const std::optional<Authority> authority = ParseAuthority(host);
  if (!authority.has_value()) return false;
  if (IsLoopback(*authority)) return true;
  const std::string with_port = absl::StrCat(authority->name, ":", authority->port);
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [&](const std::string& allowed) { return allowed == authority->name || allowed == with_port; });
}

bool HostPolicy::AllowsOrigin(absl::string_view origin) const {
  const std::optional<Authority> authority = ParseOrigin(origin);
  if (!authority.has_value()) return false;
  if (IsLoopback(*authority)) return true;
  const std::string lower = absl::AsciiStrToLower(origin);
  return std::find(origins_.begin(), origins_.end(), lower) != origins_.end();
}

}  // namespace mcp_edge
