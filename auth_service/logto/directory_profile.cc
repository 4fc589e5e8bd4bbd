#include "auth_service/logto/directory_profile.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "auth_service/json/strict_json.h"
#include "common/log.h"

namespace auth_service {
namespace {

constexpr size_t kMaxClaimsBytes = 64 * 1024;  // auth.v1, Principal.claims_json

}  // namespace

// A question under way, and those who wait for its answer.
struct DirectoryProfile::Flight {
  absl::Notification landed;
  // Set before `landed`. That the time of the one who asked was over is no answer for the others.
  absl::StatusOr<Entry> answer = absl::UnknownError("");
  bool out_of_time = false;
};

std::optional<Verdict> DirectoryProfile::VerifyLocally(absl::string_view token, absl::string_view resource) {
  std::optional<Verdict> verdict = inner_.VerifyLocally(token, resource);
  if (!verdict.has_value() || !NeedsDirectory(*verdict)) return verdict;
  const std::optional<Entry> user = users_.Get(verdict->response.principal().subject());
  if (!user.has_value()) return std::nullopt;
  return Complete(*std::move(verdict), *user);
}

absl::StatusOr<Verdict> DirectoryProfile::VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                                             absl::Time deadline) {
  absl::StatusOr<Verdict> verdict = absl::UnknownError("");
  if (std::optional<Verdict> local = inner_.VerifyLocally(token, resource); local.has_value()) {
    verdict = *std::move(local);
  } else {
    verdict = inner_.VerifyWithProvider(token, resource, deadline);
  }
  if (!verdict.ok() || !NeedsDirectory(*verdict)) return verdict;
  const absl::StatusOr<Entry> user = Find(verdict->response.principal().subject(), deadline);
  if (!user.ok()) return user.status();
  return Complete(*std::move(verdict), *user);
}

bool DirectoryProfile::NeedsDirectory(const Verdict& verdict) const {
  if (!verdict.accepted()) return false;
  const auto& principal = verdict.response.principal();
  return principal.issuer() == options_.issuer && principal.scopes_known() &&
         principal.subject() != principal.client_id();
}

absl::StatusOr<DirectoryProfile::Entry> DirectoryProfile::Find(const std::string& subject, absl::Time deadline) {
  if (!IsLogtoId(subject)) return Entry();  // no user of Logto has such an id
  std::shared_ptr<Flight> flight;
  while (true) {
    bool leads = false;
    {
      absl::MutexLock lock(&mutex_);
      // Whoever lands leaves the entry before the flight goes.
      if (std::optional<Entry> user = users_.Get(subject); user.has_value()) return *std::move(user);
      std::shared_ptr<Flight>& slot = flights_[subject];
      leads = slot == nullptr;
      if (leads) slot = std::make_shared<Flight>();
      flight = slot;
    }
    if (leads) break;
    if (!flight->landed.WaitForNotificationWithTimeout(deadline - clock_.Now())) {
      return absl::UnavailableError("no time left to wait for the Management API");
    }
    if (!flight->out_of_time) return flight->answer;
  }

  absl::StatusOr<LogtoUser> user = api_.GetUser(subject, deadline);
  if (user.ok()) {
    flight->answer = std::make_shared<const LogtoUser>(*std::move(user));
  } else if (absl::IsNotFound(user.status())) {
    flight->answer = Entry();
  } else {
    flight->answer = absl::UnavailableError(user.status().message());
    flight->out_of_time = clock_.Now() >= deadline;
  }
  if (flight->answer.ok()) users_.Put(subject, *flight->answer, clock_.Now() + options_.user_ttl);
  {
    absl::MutexLock lock(&mutex_);
    flights_.erase(subject);
  }
  flight->landed.Notify();
  return flight->answer;
}

Verdict DirectoryProfile::Complete(Verdict verdict, const Entry& user) const {
  auto& principal = *verdict.response.mutable_principal();
  if (user == nullptr) {
    return RefuseTokenOf(principal, gatehouse::auth::v1::REFUSAL_REASON_USER_UNKNOWN,
                         absl::StrCat("sub ", principal.subject()));
  }
  if (user->suspended) {
    return RefuseTokenOf(principal, gatehouse::auth::v1::REFUSAL_REASON_USER_SUSPENDED,
                         absl::StrCat("sub ", principal.subject()));
  }
  absl::flat_hash_set<absl::string_view> allowed;
  for (const std::string& scope : principal.scopes()) scope_claims_.AddClaimsOf(scope, allowed);
  const std::optional<nlohmann::json> own = ParseJsonObject(principal.claims_json());
  if (allowed.empty() || !own.has_value()) return verdict;

  std::string claims = principal.claims_json();
  claims.resize(claims.rfind('}'));
  bool first = own->empty();
  gatehouse::auth::v1::ClaimOrigin origin;
  origin.set_source(gatehouse::auth::v1::CLAIM_SOURCE_DIRECTORY);
  for (const LogtoUser::Claim& claim : user->claims) {
    if (!allowed.contains(claim.name) || own->contains(claim.name)) continue;
    const std::string member = absl::StrCat(first ? "" : ",", "\"", claim.name, "\":", claim.json);
    if (claims.size() + member.size() + 1 > kMaxClaimsBytes) {
      common::Log(common::Severity::kWarning, "directory_claim_left_out",
                  {{"claim", claim.name}, {"subject", principal.subject()}, {"bytes", claim.json.size()}});
      continue;
    }
    claims += member;
    first = false;
    origin.add_claims(claim.name);
  }
  if (origin.claims_size() == 0) return verdict;
  principal.set_claims_json(absl::StrCat(claims, "}"));
  *principal.add_claim_origins() = std::move(origin);
  return verdict;
}

}  // namespace auth_service
