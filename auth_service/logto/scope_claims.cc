#include "auth_service/logto/scope_claims.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "auth_service/logto/logto_user.h"
#include "common/scope_token.h"

namespace auth_service {
namespace {

constexpr size_t kMaxEntries = 1000;

constexpr const char* kDefaults[] = {
    "profile=name+family_name+given_name+middle_name+nickname+preferred_username+profile+picture+website+gender+"
    "birthdate+zoneinfo+locale+updated_at+username+created_at",
    "email=email+email_verified",
    "phone=phone_number+phone_number_verified",
    "address=address",
    "custom_data=custom_data",
    "identities=identities",
};

struct Entry {
  std::string scope;
  std::vector<std::string> claims;
};

absl::StatusOr<Entry> ParseEntry(absl::string_view text) {
  const size_t equals = text.rfind('=');  // a scope may hold one itself
  if (equals == absl::string_view::npos || !common::IsScopeToken(text.substr(0, equals))) {
    return absl::InvalidArgumentError(absl::StrCat("must be SCOPE=CLAIM+CLAIM, got \"", text, "\""));
  }
  Entry entry;
  entry.scope = std::string(text.substr(0, equals));
  if (equals + 1 == text.size()) return entry;
  for (const absl::string_view claim : absl::StrSplit(text.substr(equals + 1), '+')) {
    if (!IsDirectoryClaim(claim)) {
      return absl::InvalidArgumentError(
          absl::StrCat("may name the claims ", DirectoryClaims(), ", got \"", claim, "\" in \"", text, "\""));
    }
    entry.claims.push_back(std::string(claim));
  }
  return entry;
}

}  // namespace

absl::StatusOr<ScopeClaims> ScopeClaims::Create(const std::vector<std::string>& entries) {
  if (entries.size() > kMaxEntries) {
    return absl::InvalidArgumentError(
        absl::StrCat("must have at most ", kMaxEntries, " entries, has ", entries.size()));
  }
  ScopeClaims result;
  for (const char* text : kDefaults) {
    absl::StatusOr<Entry> entry = ParseEntry(text);
    if (!entry.ok()) return entry.status();
    result.claims_[entry->scope] = std::move(entry->claims);
  }
  absl::flat_hash_set<std::string> seen;
  for (const std::string& text : entries) {
    absl::StatusOr<Entry> entry = ParseEntry(text);
    if (!entry.ok()) return entry.status();
    if (!seen.insert(entry->scope).second) {
      return absl::InvalidArgumentError(absl::StrCat("must not name the scope \"", entry->scope, "\" twice"));
    }
    result.claims_[entry->scope] = std::move(entry->claims);
  }
  return result;
}

void ScopeClaims::AddClaimsOf(absl::string_view scope, absl::flat_hash_set<absl::string_view>& names) const {
  const auto found = claims_.find(scope);
  if (found != claims_.end()) names.insert(found->second.begin(), found->second.end());
}

}  // namespace auth_service
