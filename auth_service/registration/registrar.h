// Registers OAuth clients of third parties at Logto, which has no registration endpoint of its own (RFC 7591).

#ifndef GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRAR_H_
#define GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRAR_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "auth_service/logto/management_api.h"
#include "auth_service/registration/client_metadata.h"
#include "auth_service/registration/registration_limits.h"
#include "auth_service/registration/registration_metrics.h"
#include "auth_service/registration/registration_scopes.h"
#include "common/clock.h"
#include "gatehouse/auth/v1/auth.pb.h"

namespace auth_service {

// How many wrong initial access tokens may come from one address within an hour.
inline constexpr int kWrongTokensPerHour = 20;

struct RegistrarOptions {
  // The scopes about the user that clients may ask for, beside openid and offline_access.
  std::vector<std::string> user_scopes;
  std::vector<ResourceScope> resource_scopes;
  // The hosts that redirect URIs may have, in lower case; empty: any.
  std::vector<std::string> allowed_hosts;
  // File with the initial access token (RFC 7591, section 3) that is needed; empty: none is. Who has sent
  // kWrongTokensPerHour that are not it is not asked for it any more, for an hour from the first.
  std::string token_file;
  int per_hour = 60;
  int per_hour_per_address = 10;
  // Waits between attempts to take a registration back. For tests.
  std::function<void(absl::Duration)> sleep = absl::SleepFor;
};

// A registration takes several calls at Logto. When one fails after the first, the application is deleted again; when
// that fails too, an operator is told its id. Each registration leaves one line in the log. Thread-safe.
class Registrar {
 public:
  // `api`, `metrics` and `clock` must outlive this.
  Registrar(RegistrarOptions options, ManagementApi& api, RegistrationMetrics& metrics, const common::Clock& clock);

  // Registers a client, or says why not. Blocks: until `deadline`, and then a few seconds more if something is to be
  // taken back. `caller_gone`: asked before each step; once true, nothing is left behind.
  //
  // Errors: kInvalidArgument, a field is too long (a mistake of the resource server);
  //         kUnavailable, Logto could not be asked, does not know a scope of the settings, or took too long.
  absl::StatusOr<gatehouse::auth::v1::RegisterClientResponse> Register(
      const gatehouse::auth::v1::RegisterClientRequest& request, absl::Time deadline,
      const std::function<bool()>& caller_gone);

  // Takes a registration back whose answer reached nobody. Blocks for some seconds at most.
  void Withdraw(const std::string& client_id, absl::string_view request_id);

 private:
  // What a client gets of what it asked for.
  struct Grant {
    LogtoConsentScopes consent;
    std::string scope;  // as the answer names it
  };

  // Why the caller may not register here, if one needs the initial access token.
  absl::StatusOr<std::optional<gatehouse::auth::v1::RegisterClientResponse>> CheckInitialAccessToken(
      const gatehouse::auth::v1::RegisterClientRequest& request);
  Grant GrantOf(const ClientMetadata& client) const;
  absl::StatusOr<gatehouse::auth::v1::RegisterClientResponse> Decide(
      const gatehouse::auth::v1::RegisterClientRequest& request, absl::Time deadline,
      const std::function<bool()>& caller_gone, ClientMetadata& client);
  // An error is marked (provider/not_sent.h) when nothing can have been created.
  absl::StatusOr<gatehouse::auth::v1::RegisteredClient> Create(const ClientMetadata& client,
                                                               absl::string_view request_id, absl::Time deadline,
                                                               const std::function<bool()>& caller_gone);
  // The steps after the application was created.
  absl::StatusOr<std::string> Complete(const ClientMetadata& client, const std::string& id, absl::Time deadline,
                                       const std::function<bool()>& caller_gone);

  const RegistrarOptions options_;
  ManagementApi& api_;
  RegistrationMetrics& metrics_;
  const common::Clock& clock_;
  RegistrationLimits limits_;
  RegistrationLimits wrong_tokens_;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRAR_H_
