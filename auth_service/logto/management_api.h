// Logto's Management API, as far as this service needs it. Knows its odd answers, and nothing of tokens or OAuth
// clients beyond it.

#ifndef GATEHOUSE_AUTH_SERVICE_LOGTO_MANAGEMENT_API_H_
#define GATEHOUSE_AUTH_SERVICE_LOGTO_MANAGEMENT_API_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "auth_service/logto/logto_user.h"
#include "auth_service/logto/machine_token.h"
#include "auth_service/provider/http_client.h"
#include "common/clock.h"

namespace auth_service {

struct ManagementApiOptions {
  // The tenant, without a slash at the end: "https://your-tenant.logto.app".
  std::string endpoint;
  // The indicator of the API itself, which its tokens are for.
  std::string api_resource = "https://default.logto.app/api";
  // Files that hold the credentials of a machine-to-machine application.
  std::string client_id_file;
  std::string client_secret_file;
  // For one request.
  absl::Duration timeout = absl::Seconds(5);
};

enum class LogtoApplicationType { kNative, kSpa, kTraditional };

// An application of a third party, to be created.
struct NewLogtoApplication {
  std::string name;  // 1 to 256 characters
  std::string description;
  LogtoApplicationType type = LogtoApplicationType::kNative;
  std::vector<std::string> redirect_uris;
  // Refresh tokens without the scope offline_access; not for kNative, which Logto gives them by that scope alone.
  bool always_issue_refresh_token = false;
  // Kept with the application, for operators to see. Empty values are left out.
  std::vector<std::pair<std::string, std::string>> custom_data;
};

// What an application may ask its users for.
struct LogtoConsentScopes {
  std::vector<std::string> user_scopes;         // by name: "profile", "email"
  std::vector<std::string> resource_scope_ids;  // by id, of scopes of API resources
};

// How the consent page shows an application. Empty members are left out.
struct LogtoBranding {
  std::string display_name;
  std::string logo_uri;
  std::string terms_of_use_uri;
  std::string privacy_policy_uri;

  bool empty() const {
    return display_name.empty() && logo_uri.empty() && terms_of_use_uri.empty() && privacy_policy_uri.empty();
  }
};

struct LogtoSecret {
  std::string value;
  absl::Time expire_time = absl::InfiniteFuture();
};

// Whether `text` can be the id of something in Logto, and so may stand in a path: 1 to 128 letters, digits, - and _.
bool IsLogtoId(absl::string_view text);

// The methods block until `deadline` at most, and ask once more when the API says that the token is not good.
//
// Errors of all: kUnavailable, the API could not be asked, lets this service do nothing, or gave no usable answer;
//                kInvalidArgument, it refuses what it was asked for (400, 422), or an id is none;
//                kNotFound, it has no such user or application.
// An error is marked (provider/not_sent.h) when the API was not asked at all: no token, no connection, no time.
// Messages have the HTTP status and the error code of Logto, and nothing else of an answer. Thread-safe.
class ManagementApi {
 public:
  // `client` and `clock` must outlive this.
  ManagementApi(const ManagementApiOptions& options, HttpClient& client, const common::Clock& clock);

  absl::StatusOr<LogtoUser> GetUser(absl::string_view id, absl::Time deadline);

  // Creates an application of a third party and returns its id, which is its client id too. It may ask for nothing but
  // `openid` until AddUserConsentScopes().
  absl::StatusOr<std::string> CreateApplication(const NewLogtoApplication& application, absl::Time deadline);

  // Adds to what an application may ask for. May be repeated.
  absl::Status AddUserConsentScopes(absl::string_view application_id, const LogtoConsentScopes& scopes,
                                    absl::Time deadline);

  absl::Status SetSignInExperience(absl::string_view application_id, const LogtoBranding& branding,
                                   absl::Time deadline);

  // The secrets of an application that have not expired. Only kTraditional ones have any.
  absl::StatusOr<std::vector<LogtoSecret>> GetApplicationSecrets(absl::string_view application_id, absl::Time deadline);

  // OK also if there is no such application any more.
  absl::Status DeleteApplication(absl::string_view application_id, absl::Time deadline);

 private:
  // Sends a request to `path` below /api and returns the answer if its status is 2xx. `body`: JSON; empty: none.
  absl::StatusOr<std::string> Call(HttpMethod method, const std::string& path, const std::string& body,
                                   absl::Time deadline);

  const std::string base_;
  const absl::Duration timeout_;
  HttpClient& client_;
  const common::Clock& clock_;
  MachineToken token_;
};

// The parsers of its answers, for tests.

// The error code of an answer, such as "entity.not_exists_with_id"; empty if it has none that looks like one.
std::string LogtoErrorCode(absl::string_view body);

// The id of an application that was created.
//
// Errors: kUnavailable, there is none.
absl::StatusOr<std::string> ParseApplicationId(absl::string_view body);

// The secrets of an application that are good at `now`.
//
// Errors: kUnavailable, it is no list of secrets.
absl::StatusOr<std::vector<LogtoSecret>> ParseApplicationSecrets(absl::string_view body, absl::Time now);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_LOGTO_MANAGEMENT_API_H_
