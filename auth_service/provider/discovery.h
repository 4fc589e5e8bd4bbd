// Finds out where the issuer keeps its keys and its endpoints (OpenID Connect Discovery 1.0, RFC 8414).

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_DISCOVERY_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_DISCOVERY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "auth_service/provider/http_client.h"
#include "common/clock.h"

namespace auth_service {

// The provider's authorization server metadata, as far as this service needs it.
struct ProviderMetadata {
  std::string jwks_uri;                // empty: it names none
  std::string userinfo_endpoint;       // empty: it has none
  std::string introspection_endpoint;  // empty: it has none
  std::string document_json;           // the whole document, as it was sent
  // Whether the issuer is not of the internet at large itself: only then its endpoints need not be either.
  bool is_internal = false;
  absl::Time fetch_time;
};

// What a provider must name for this service to do its work, beside the keys that JWTs are verified with.
struct NeededEndpoints {
  // Whether there is nothing to do for an issuer without keys: no opaque tokens of it are accepted.
  bool jwks = false;
  bool userinfo = false;
  bool introspection = false;
};

// Where the metadata of `issuer` may be, in the order of asking: the OpenID Connect form (ISSUER/.well-known/
// openid-configuration), then RFC 8414 with the well-known part inserted before the path, and appended, as Logto has
// it.
std::vector<std::string> MetadataUrls(absl::string_view issuer);

// Reads a metadata document. Its `issuer` must equal `issuer` byte for byte (RFC 8414, section 3.3), and its endpoints
// must be strings that are https, or http on loopback if the issuer is, at the host of the issuer or at one of `hosts`.
// One that is elsewhere and not needed is left out; `jwks_uri` always is.
//
// Errors: kFailedPrecondition, one of these does not hold, or the document is no JSON object; the message says which.
absl::StatusOr<ProviderMetadata> ParseMetadata(std::string document_json, absl::string_view issuer,
                                               const NeededEndpoints& needed = {},
                                               const std::vector<std::string>& hosts = {});

// Keeps the last good metadata of one issuer. Thread-safe.
class Discovery {
 public:
  // `timeout` is for each request; `hosts`: where endpoints may be, beside the issuer's own host. `client` and `clock`
  // must outlive this.
  Discovery(std::string issuer, absl::Duration timeout, HttpClient& client, const common::Clock& clock,
            NeededEndpoints needed = {}, std::vector<std::string> hosts = {})
      : issuer_(std::move(issuer)),
        timeout_(timeout),
        client_(client),
        clock_(clock),
        needed_(needed),
        hosts_(std::move(hosts)) {}

  // Asks the provider, once. Blocks up to `timeout` for each of MetadataUrls(). On an error, what was there stays. A
  // document that lacks a needed endpoint is taken for want of a better one, but never in place of one that has it;
  // nor does one without `jwks_uri` replace one that has it, whatever is needed.
  //
  // Errors: kUnavailable, the provider could not be asked; kFailedPrecondition, it answers, but nowhere with metadata
  // of this issuer, or with less than it had. The message is for an operator.
  absl::Status Refresh();

  // The last good metadata; null if there never was any.
  std::shared_ptr<const ProviderMetadata> current() const {
    absl::MutexLock lock(&mutex_);
    return current_;
  }

  const std::string& issuer() const { return issuer_; }
  const NeededEndpoints& needed() const { return needed_; }

 private:
  absl::StatusOr<ProviderMetadata> Fetch() const;
  // The name of what `last` has and `next` must not be without; empty if there is no such thing.
  absl::string_view LostEndpoint(const ProviderMetadata& last, const ProviderMetadata& next) const;

  const std::string issuer_;
  const absl::Duration timeout_;
  HttpClient& client_;
  const common::Clock& clock_;
  const NeededEndpoints needed_;
  const std::vector<std::string> hosts_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const ProviderMetadata> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_DISCOVERY_H_
