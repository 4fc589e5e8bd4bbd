#include "auth_service/logto/logto_user.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "auth_service/json/strict_json.h"

namespace auth_service {
namespace {

using nlohmann::json;

enum class Kind {
  kText,       // a string, or null
  kProfile,    // a string of the member `profile`, left out when not set
  kAddress,    // the object `profile.address`, left out when not set
  kNumber,     // left out when it is none
  kObject,     // left out when it is none
  kPreferred,  // the profile's, or else the username
  kIsSet,      // whether the member is a text of some length
};

struct Mapping {
  absl::string_view claim;
  const char* member;
  Kind kind;
};

constexpr Mapping kMappings[] = {
    {"name", "name", Kind::kText},
    {"family_name", "familyName", Kind::kProfile},
    {"given_name", "givenName", Kind::kProfile},
    {"middle_name", "middleName", Kind::kProfile},
    {"nickname", "nickname", Kind::kProfile},
    {"preferred_username", "preferredUsername", Kind::kPreferred},
    {"profile", "profile", Kind::kProfile},
    {"picture", "avatar", Kind::kText},
    {"website", "website", Kind::kProfile},
    {"gender", "gender", Kind::kProfile},
    {"birthdate", "birthdate", Kind::kProfile},
    {"zoneinfo", "zoneinfo", Kind::kProfile},
    {"locale", "locale", Kind::kProfile},
    {"updated_at", "updatedAt", Kind::kNumber},
    {"username", "username", Kind::kText},
    {"created_at", "createdAt", Kind::kNumber},
    {"email", "primaryEmail", Kind::kText},
    {"email_verified", "primaryEmail", Kind::kIsSet},
    {"phone_number", "primaryPhone", Kind::kText},
    {"phone_number_verified", "primaryPhone", Kind::kIsSet},
    {"address", "address", Kind::kAddress},
    {"custom_data", "customData", Kind::kObject},
    {"identities", "identities", Kind::kObject},
};

json Member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? json(nullptr) : *found;
}

// The value of a claim; nothing if it is left out. An error: the member is of a type that it never has.
absl::StatusOr<std::optional<json>> ValueOf(const Mapping& mapping, const json& user) {
  const bool of_profile =
      mapping.kind == Kind::kProfile || mapping.kind == Kind::kAddress || mapping.kind == Kind::kPreferred;
  json value = Member(of_profile ? Member(user, "profile") : user, mapping.member);
  const auto wrong = [&] { return absl::UnavailableError(absl::StrCat("the type of ", mapping.member, " is wrong")); };
  switch (mapping.kind) {
    case Kind::kText:
    case Kind::kIsSet:
      if (!value.is_string() && !value.is_null()) return wrong();
      if (mapping.kind == Kind::kIsSet) return json(value.is_string() && !value.get_ref<const std::string&>().empty());
      return value;
    case Kind::kPreferred:
      if (value.is_null()) value = Member(user, "username");
      if (!value.is_string() && !value.is_null()) return wrong();
      return value;
    case Kind::kProfile:
      if (value.is_null()) return std::nullopt;
      if (!value.is_string()) return wrong();
      return value;
    case Kind::kNumber:
      if (value.is_null()) return std::nullopt;
      if (!value.is_number()) return wrong();
      return value;
    case Kind::kAddress:
    case Kind::kObject:
      if (value.is_null()) return std::nullopt;
      if (!value.is_object()) return wrong();
      return value;
  }
  return wrong();
}

}  // namespace

bool IsDirectoryClaim(absl::string_view name) {
  return std::any_of(std::begin(kMappings), std::end(kMappings),
                     [&](const Mapping& mapping) { return mapping.claim == name; });
}

std::string DirectoryClaims() {
  std::string names;
  for (const Mapping& mapping : kMappings) absl::StrAppend(&names, names.empty() ? "" : " ", mapping.claim);
  return names;
}

absl::StatusOr<LogtoUser> ParseLogtoUser(absl::string_view body, absl::string_view id) {
  const std::optional<json> user = ParseJsonObject(body);
  if (!user.has_value()) return absl::UnavailableError("the answer is no JSON object");
  if (StringMember(*user, "id") != id) return absl::UnavailableError("the answer is about another user");
  const auto suspended = user->find("isSuspended");
  if (suspended == user->end() || !suspended->is_boolean()) {
    return absl::UnavailableError("the answer does not tell whether the user is suspended");
  }
  if (const json profile = Member(*user, "profile"); !profile.is_object() && !profile.is_null()) {
    return absl::UnavailableError("the type of profile is wrong");
  }
  LogtoUser result;
  result.suspended = suspended->get<bool>();
  for (const Mapping& mapping : kMappings) {
    absl::StatusOr<std::optional<json>> value = ValueOf(mapping, *user);
    if (!value.ok()) return value.status();
    if (value->has_value()) result.claims.push_back({std::string(mapping.claim), (*value)->dump()});
  }
  return result;
}

}  // namespace auth_service
