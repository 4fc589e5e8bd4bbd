#include "auth_service/registration/client_metadata.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/registration/web_uri.h"
#include "common/scope_token.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA;
using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI;
using gatehouse::auth::v1::RegistrationRefusal;
using nlohmann::json;

constexpr size_t kMaxScopes = 100;
constexpr size_t kMaxScopeBytes = 256;
constexpr size_t kMaxListed = 32;  // grant types, response types

struct Method {
  const char* name;
  TokenEndpointAuthMethod method;
};

constexpr Method kMethods[] = {
    {"none", TokenEndpointAuthMethod::kNone},
    {"client_secret_basic", TokenEndpointAuthMethod::kClientSecretBasic},
    {"client_secret_post", TokenEndpointAuthMethod::kClientSecretPost},
};

// Reads the members one after the other; the first that is wrong ends it.
class Reader {
 public:
  Reader(const json& metadata, const std::vector<std::string>& allowed_hosts)
      : metadata_(metadata), allowed_hosts_(allowed_hosts) {}

  // False: see refusal().
  bool Read(ClientMetadata& client) {
    return ReadRedirectUris(client) && ReadKind(client) && ReadGrantTypes(client) && ReadResponseTypes() &&
           ReadName(client) && ReadScopes(client) && ReadUri("client_uri", client.client_uri) &&
           ReadUri("logo_uri", client.logo_uri) && ReadUri("tos_uri", client.tos_uri) &&
           ReadUri("policy_uri", client.policy_uri);
  }

  const RegistrationRefusal& refusal() const { return refusal_; }

 private:
  bool Refuse(gatehouse::auth::v1::RegistrationRefusalReason reason, std::string description) {
    refusal_.set_reason(reason);
    refusal_.set_description(std::move(description));
    return false;
  }
  bool BadUri(std::string description) {
    return Refuse(REGISTRATION_REFUSAL_REASON_INVALID_REDIRECT_URI, std::move(description));
  }
  bool Bad(std::string description) {
    return Refuse(REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA, std::move(description));
  }

  // The member, or null if it is missing or null, which is the same (RFC 7591 knows no null).
  const json* Find(const char* name) const {
    const auto found = metadata_.find(name);
    return found == metadata_.end() || found->is_null() ? nullptr : &*found;
  }

  // The text of an optional member; false if it is something else.
  bool ReadText(const char* name, std::string& text) {
    const json* const member = Find(name);
    if (member == nullptr) return true;
    if (!member->is_string()) return Bad(absl::StrCat(name, " must be a string"));
    text = member->get<std::string>();
    return true;
  }

  // Whether an optional list of texts has `name` in it; nothing: it is not there.
  bool ReadList(const char* name, std::optional<std::vector<std::string>>& list) {
    const json* const member = Find(name);
    if (member == nullptr) return true;
    if (!member->is_array() || member->size() > kMaxListed) {
      return Bad(absl::StrCat(name, " must be an array of at most ", kMaxListed, " strings"));
    }
    list.emplace();
    for (const json& one : *member) {
      if (!one.is_string()) return Bad(absl::StrCat(name, " must be an array of strings"));
      list->push_back(one.get<std::string>());
    }
    return true;
  }

  bool ReadRedirectUris(ClientMetadata& client) {
    const json* const member = Find("redirect_uris");
    if (member == nullptr || !member->is_array() || member->empty() || member->size() > kMaxRedirectUris) {
      return BadUri(absl::StrCat("redirect_uris must be an array of 1 to ", kMaxRedirectUris, " URIs"));
    }
    for (size_t i = 0; i < member->size(); ++i) {
      const std::string name = absl::StrCat("redirect_uris[", i, "] ");
      const json& one = (*member)[i];
      if (!one.is_string()) return BadUri(absl::StrCat(name, "must be a string"));
      const auto& text = one.get_ref<const std::string&>();
      const absl::StatusOr<WebUri> uri = ParseWebUri(text);
      if (!uri.ok()) return BadUri(absl::StrCat(name, uri.status().message()));
      if (!uri->https && !uri->IsLoopback()) {
        return BadUri(absl::StrCat(name, "must be https; http is for localhost, 127.0.0.1 and [::1] only"));
      }
      if (std::find(client.redirect_hosts.begin(), client.redirect_hosts.end(), uri->host) ==
          client.redirect_hosts.end()) {
        client.redirect_hosts.push_back(uri->host);
      }
      if (!allowed_hosts_.empty() &&
          std::find(allowed_hosts_.begin(), allowed_hosts_.end(), uri->host) == allowed_hosts_.end()) {
        return BadUri(absl::StrCat(name, "has a host that may not be registered here"));
      }
      has_loopback_ = has_loopback_ || uri->StaysOnTheMachine();
      client.redirect_uris.push_back(text);
    }
    return true;
  }

  // README.md has this as a table, with the reasons.
  bool ReadKind(ClientMetadata& client) {
    std::string type;
    std::string method = "client_secret_basic";  // the default of RFC 7591, section 2
    if (!ReadText("application_type", type) || !ReadText("token_endpoint_auth_method", method)) return false;
    if (!type.empty() && type != "web" && type != "native") return Bad("application_type must be web or native");
    const auto found = std::find_if(std::begin(kMethods), std::end(kMethods),
                                    [&](const Method& known) { return method == known.name; });
    if (found == std::end(kMethods)) {
      return Bad("token_endpoint_auth_method must be none, client_secret_basic or client_secret_post");
    }
    if (type == "web" && has_loopback_) {
      return BadUri(
          "redirect_uris of a web client must be no loopback addresses; send application_type native for those");
    }
    if (has_loopback_ || type == "native") {
      client.kind = ClientKind::kNative;
      client.auth_method = TokenEndpointAuthMethod::kNone;
    } else {
      client.kind = found->method == TokenEndpointAuthMethod::kNone ? ClientKind::kBrowser : ClientKind::kConfidential;
      client.auth_method = found->method;
    }
    return true;
  }

  bool ReadGrantTypes(ClientMetadata& client) {
    std::optional<std::vector<std::string>> types;
    if (!ReadList("grant_types", types)) return false;
    if (!types.has_value()) return true;
    const auto has = [&](const char* type) { return std::find(types->begin(), types->end(), type) != types->end(); };
    if (!has("authorization_code")) return Bad("grant_types must have authorization_code");
    client.refresh_token = has("refresh_token");
    return true;
  }

  bool ReadResponseTypes() {
    std::optional<std::vector<std::string>> types;
    if (!ReadList("response_types", types)) return false;
    if (!types.has_value() || std::find(types->begin(), types->end(), "code") != types->end()) return true;
    return Bad("response_types must have code");
  }

  bool ReadName(ClientMetadata& client) {
    std::string name;
    if (!ReadText("client_name", name)) return false;
    if (name.size() > kMaxClientNameBytes) {
      return Bad(absl::StrCat("client_name must have at most ", kMaxClientNameBytes, " bytes"));
    }
    if (!IsPrintable(name)) {
      return Bad("client_name must hold no control, formatting or private-use characters");
    }
    client.client_name = std::string(absl::StripAsciiWhitespace(name));
    if (!client.client_name.empty() && !IsVisible(client.client_name)) {
      return Bad("client_name must have a character that can be seen");
    }
    if (client.client_name.empty()) {
      // Somebody must be able to tell it from others.
      client.client_name = absl::StrCat("Agent at ", client.redirect_hosts.front()).substr(0, kMaxClientNameBytes);
    }
    return true;
  }

  bool ReadScopes(ClientMetadata& client) {
    std::string scope;
    if (!ReadText("scope", scope)) return false;
    for (const absl::string_view one : absl::StrSplit(scope, ' ', absl::SkipEmpty())) {
      if (one.size() > kMaxScopeBytes || !common::IsScopeToken(one) || client.scopes.size() == kMaxScopes) {
        return Bad(absl::StrCat("scope must be at most ", kMaxScopes, " scopes with blanks between them"));
      }
      client.scopes.push_back(std::string(one));
    }
    client.scopes_asked = !client.scopes.empty();
    return true;
  }

  bool ReadUri(const char* name, std::string& value) {
    if (!ReadText(name, value)) return false;
    if (value.empty()) return true;
    const absl::StatusOr<WebUri> uri = ParseWebUri(value);
    if (!uri.ok()) return Bad(absl::StrCat(name, " ", uri.status().message()));
    if (!uri->https) return Bad(absl::StrCat(name, " must be https"));
    return true;
  }

  // The characters of `text`, which is UTF-8.
  static std::vector<uint32_t> CodePoints(absl::string_view text) {
    std::vector<uint32_t> codes;
    for (size_t i = 0; i < text.size();) {
      const auto first = static_cast<unsigned char>(text[i]);
      const size_t length = std::min<size_t>(first < 0x80   ? 1
                                             : first < 0xE0 ? 2
                                             : first < 0xF0 ? 3
                                                            : 4,
                                             text.size() - i);
      uint32_t code = length == 1 ? first : first & (0xFF >> (length + 1));
      for (size_t k = 1; k < length; ++k) code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3F);
      codes.push_back(code);
      i += length;
    }
    return codes;
  }

  struct Range {
    uint32_t first;
    uint32_t last;
  };

  template <size_t kCount>
  static bool IsAmong(const Range (&ranges)[kCount], uint32_t code) {
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [code](const Range& range) { return code >= range.first && code <= range.last; });
  }

  // Whether `text` has anything but blanks (Unicode, general category Zs).
  static bool IsVisible(absl::string_view text) {
    constexpr Range kBlanks[] = {
        {0x0020, 0x0020}, {0x00A0, 0x00A0}, {0x1680, 0x1680}, {0x2000, 0x200A},
        {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
    };
    const std::vector<uint32_t> codes = CodePoints(text);
    return !std::all_of(codes.begin(), codes.end(), [&](uint32_t code) { return IsAmong(kBlanks, code); });
  }

  // Whether nothing in `text` hides, turns round or reorders what a person reads on a consent page.
  static bool IsPrintable(absl::string_view text) {
    constexpr Range kHidden[] = {
        {0x0000, 0x001F},   {0x007F, 0x009F},     // controls
        {0x00AD, 0x00AD},   {0x034F, 0x034F},     // soft hyphen, grapheme joiner
        {0x061C, 0x061C},   {0x115F, 0x1160},     // Arabic letter mark, Hangul fillers
        {0x17B4, 0x17B5},   {0x180B, 0x180F},     // Khmer and Mongolian ones that show nothing
        {0x200B, 0x200F},   {0x2028, 0x202E},     // zero width, line separators, directions
        {0x2800, 0x2800},   {0x13430, 0x1343F},   // Braille without dots, joiners of hieroglyphs
        {0x16FE4, 0x16FE4}, {0x1D159, 0x1D159},   // Khitan filler, null notehead
        {0x2060, 0x206F},   {0x3164, 0x3164},     // joiners, isolates
        {0xE000, 0xF8FF},   {0xFE00, 0xFE0F},     // private use, variation selectors
        {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},     // byte order mark
        {0xFFF0, 0xFFFF},   {0x1BCA0, 0x1BCA3},   // specials
        {0x1D173, 0x1D17A}, {0xE0000, 0x10FFFF},  // music controls, tags, private use
    };
    const std::vector<uint32_t> codes = CodePoints(text);
    return std::none_of(codes.begin(), codes.end(), [&](uint32_t code) { return IsAmong(kHidden, code); });
  }

  const json& metadata_;
  const std::vector<std::string>& allowed_hosts_;
  bool has_loopback_ = false;  // a redirect URI that stays on the user's machine, by http or https
  RegistrationRefusal refusal_;
};

}  // namespace

std::optional<RegistrationRefusal> ReadClientMetadata(absl::string_view metadata_json,
                                                      const std::vector<std::string>& allowed_hosts,
                                                      ClientMetadata& client) {
  const std::optional<json> metadata = ParseJsonObject(metadata_json);
  if (!metadata.has_value()) {
    RegistrationRefusal refusal;
    refusal.set_reason(REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA);
    refusal.set_description("the body must be one JSON object in UTF-8 without a name twice");
    return refusal;
  }
  Reader reader(*metadata, allowed_hosts);
  if (!reader.Read(client)) return reader.refusal();
  return std::nullopt;
}

const char* AuthMethodName(TokenEndpointAuthMethod method) {
  for (const Method& known : kMethods) {
    if (known.method == method) return known.name;
  }
  return "none";
}

}  // namespace auth_service
