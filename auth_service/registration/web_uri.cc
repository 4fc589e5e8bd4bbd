#include "auth_service/registration/web_uri.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace auth_service {
namespace {

constexpr size_t kMaxHostBytes = 253;
constexpr size_t kMaxLabelBytes = 63;

bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

// Unreserved and reserved characters of RFC 3986, section 2, and the percent sign of an encoded one.
bool IsUriText(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 1])) ||
          !absl::ascii_isxdigit(static_cast<unsigned char>(text[i + 2]))) {
        return false;
      }
    } else if (!IsAlnum(text[i]) && !absl::StrContains("-._~:/?#[]@!$&'()*+,;=", text[i])) {
      return false;
    }
  }
  return true;
}

// Whether a browser takes a host with this label at its end for an IPv4 address.
bool IsNumber(absl::string_view label) {
  const auto is_digit = [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); };
  const auto is_hex = [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); };
  if (absl::ConsumePrefix(&label, "0x")) return std::all_of(label.begin(), label.end(), is_hex);
  return std::all_of(label.begin(), label.end(), is_digit);
}

// As inet_ntop() writes it.
bool IsDottedQuad(absl::string_view host) {
  const std::vector<absl::string_view> numbers = absl::StrSplit(host, '.');
  return numbers.size() == 4 && std::all_of(numbers.begin(), numbers.end(), [](absl::string_view number) {
           int value = 0;
           return absl::SimpleAtoi(number, &value) && value >= 0 && value <= 255 && absl::StrCat(value) == number;
         });
}

bool IsPort(absl::string_view text) {
  int port = 0;
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }) &&
         absl::SimpleAtoi(text, &port) && port >= 1 && port <= 65535;
}

}  // namespace

bool WebUri::IsLoopback() const { return host == "localhost" || host == "127.0.0.1" || host == "[::1]"; }

bool WebUri::StaysOnTheMachine() const {
  if (IsLoopback() || host == "0.0.0.0" || absl::EndsWith(host, ".localhost")) return true;
  return IsDottedQuad(host) && absl::StartsWith(host, "127.");
}

bool IsWebHost(absl::string_view text) {
  if (text == "[::1]") return true;
  if (text.empty() || text.size() > kMaxHostBytes) return false;
  const size_t last_dot = text.rfind('.');
  if (IsNumber(last_dot == absl::string_view::npos ? text : text.substr(last_dot + 1)) && !IsDottedQuad(text)) {
    return false;
  }
  for (const absl::string_view label : absl::StrSplit(text, '.')) {
    if (label.empty() || label.size() > kMaxLabelBytes || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      if ((!IsAlnum(c) && c != '-') || absl::ascii_isupper(static_cast<unsigned char>(c))) return false;
    }
  }
  return true;
}

absl::StatusOr<WebUri> ParseWebUri(absl::string_view text) {
  const auto wrong = [](absl::string_view what) { return absl::InvalidArgumentError(what); };
  if (text.size() > kMaxWebUriBytes) return wrong(absl::StrCat("must have at most ", kMaxWebUriBytes, " bytes"));
  WebUri uri;
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "https://")) {
    uri.https = true;
  } else if (!absl::ConsumePrefix(&rest, "http://")) {
    return wrong("must begin with https://, or with http:// for a loopback address");
  }
  if (!IsUriText(rest)) return wrong("must hold only the characters of a URI; encode others with %");
  if (absl::StrContains(rest, '#')) return wrong("must have no fragment");
  if (absl::StrContains(rest, '*')) return wrong("must have no wildcard");
  absl::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (absl::StrContains(authority, '@')) return wrong("must have no user name or password");
  const size_t host_end = absl::StartsWith(authority, "[") ? authority.find(']') : authority.find(':');
  absl::string_view port;
  if (absl::StartsWith(authority, "[")) {
    if (host_end == absl::string_view::npos) return wrong("must name a host");
    port = authority.substr(host_end + 1);
    authority = authority.substr(0, host_end + 1);
  } else if (host_end != absl::string_view::npos) {
    port = authority.substr(host_end);
    authority = authority.substr(0, host_end);
  }
  if (!port.empty() && (port[0] != ':' || !IsPort(port.substr(1))))
    return wrong("must have a port of 1 to 65535, or none");
  uri.host = absl::AsciiStrToLower(authority);
  if (!IsWebHost(uri.host)) return wrong("must name its host by a DNS name, an IPv4 address or [::1]");
  return uri;
}

}  // namespace auth_service
