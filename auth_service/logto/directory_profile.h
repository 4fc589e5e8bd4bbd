// Completes who the caller is from the provider's user directory: what --profile=logto does.

#ifndef GATEHOUSE_AUTH_SERVICE_LOGTO_DIRECTORY_PROFILE_H_
#define GATEHOUSE_AUTH_SERVICE_LOGTO_DIRECTORY_PROFILE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth_service/logto/logto_user.h"
#include "auth_service/logto/management_api.h"
#include "auth_service/logto/scope_claims.h"
#include "auth_service/token/verifier.h"
#include "common/clock.h"
#include "common/expiring_cache.h"

namespace auth_service {

// Leaves the judgement of a token to another verifier, and looks up the user of each one that is good and of `issuer`.
// A user who is suspended or gone is refused; otherwise the principal gets those claims that the token's scopes let out
// and that it does not have yet. What the token or userinfo says stays as it is.
//
// Not looked up: users of other issuers; tokens of applications themselves (`sub` is the client id), which have no
// user; and tokens whose scopes nobody can tell (userinfo), which let nothing out and whose user has just been asked
// for. Thread-safe.
class DirectoryProfile final : public Verifier {
 public:
  struct Options {
    std::string issuer;
    // How long an entry is used for further tokens of the same user, and how many entries are kept.
    absl::Duration user_ttl = absl::Seconds(10);
    size_t max_users = 2000;
  };

  // `inner`, `api` and `clock` must outlive this.
  DirectoryProfile(Options options, ScopeClaims scope_claims, Verifier& inner, ManagementApi& api,
                   const common::Clock& clock)
      : options_(std::move(options)),
        scope_claims_(std::move(scope_claims)),
        inner_(inner),
        api_(api),
        clock_(clock),
        users_(options_.max_users, clock) {}

  // Nothing if the user must be asked for.
  std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view resource) override;

  // Errors: as the other verifier has them, and kUnavailable, the directory could not be asked.
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                             absl::Time deadline) override;

 private:
  // Null: the directory has no such user.
  using Entry = std::shared_ptr<const LogtoUser>;
  struct Flight;

  bool NeedsDirectory(const Verdict& verdict) const;
  // Those who ask for one user at the same time make one request.
  absl::StatusOr<Entry> Find(const std::string& subject, absl::Time deadline);
  Verdict Complete(Verdict verdict, const Entry& user) const;

  const Options options_;
  const ScopeClaims scope_claims_;
  Verifier& inner_;
  ManagementApi& api_;
  const common::Clock& clock_;
  common::ExpiringCache<std::string, Entry> users_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<Flight>> flights_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_LOGTO_DIRECTORY_PROFILE_H_
