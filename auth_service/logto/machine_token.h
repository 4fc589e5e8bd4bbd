// The access token by which this service itself may use Logto's Management API.

#ifndef GATEHOUSE_AUTH_SERVICE_LOGTO_MACHINE_TOKEN_H_
#define GATEHOUSE_AUTH_SERVICE_LOGTO_MACHINE_TOKEN_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth_service/provider/http_client.h"
#include "common/clock.h"

namespace auth_service {

// What a token endpoint gives (RFC 6749, section 5.1).
struct IssuedToken {
  std::string access_token;  // of token68 characters
  absl::Duration lifetime;   // 1 s to 24 h
};

// Reads the body of a successful answer of a token endpoint.
//
// Errors: kUnavailable, it is none of a bearer token with a lifetime.
absl::StatusOr<IssuedToken> ParseIssuedToken(absl::string_view body);

// Gets the token by the client credentials grant (RFC 6749, section 4.4; RFC 8707 for `resource`), keeps it, and renews
// it when four fifths of its life are over. Whoever comes while it is being renewed uses the old one as long as that
// lives, and else waits for the new one. Thread-safe.
class MachineToken {
 public:
  struct Options {
    std::string token_endpoint;
    // The API that the token is for.
    std::string resource;
    // Files that hold the client id and its secret, read for each token.
    std::string client_id_file;
    std::string client_secret_file;
    // For one request.
    absl::Duration timeout;
  };

  // The others must outlive this.
  MachineToken(Options options, HttpClient& client, const common::Clock& clock)
      : options_(std::move(options)), client_(client), clock_(clock) {}

  // The token. `rejected`: one that the API refused and that must not come again; empty: none. Blocks until `deadline`
  // at most. After a failure, the provider is asked again when a second is over.
  //
  // Errors: kUnavailable, the files cannot be read, there is no token to be had, or `rejected` is not ten seconds old:
  // then another one would fare no better.
  absl::StatusOr<std::string> Get(absl::Time deadline, absl::string_view rejected = "");

 private:
  absl::StatusOr<IssuedToken> Fetch(absl::Time deadline);

  const Options options_;
  HttpClient& client_;
  const common::Clock& clock_;
  absl::Mutex mutex_;
  std::string token_ ABSL_GUARDED_BY(mutex_);
  absl::Time issue_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Time renew_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Time expire_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool renewing_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);  // of the last renewal
  absl::Time retry_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Time complain_time_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_LOGTO_MACHINE_TOKEN_H_
