#include "auth_service/provider/refresher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"

namespace auth_service {
namespace {

constexpr absl::Duration kFirstRetry = absl::Seconds(1);
constexpr absl::Duration kLongestRetry = absl::Minutes(1);
constexpr double kJitter = 0.2;

}  // namespace

Refresher::Refresher(Options options, Discovery& discovery, KeySet& keys)
    : options_(std::move(options)), discovery_(discovery), keys_(keys) {
  readiness_ = absl::UnavailableError(
      absl::StrCat("the metadata of issuer ", discovery_.issuer(), " has not been fetched yet; wait a moment"));
}

Refresher::~Refresher() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Refresher::Start() {
  thread_ = std::thread([this] {
    while (true) {
      const absl::Duration wait = RefreshOnce();
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), wait)) return;
    }
  });
}

absl::Duration Refresher::RefreshOnce() {
  const absl::Status status = Refresh();
  const bool was_ready = readiness().ok();
  if (status.ok()) {
    if (!was_ready || failures_ > 0) {
      common::Log(common::Severity::kInfo, "provider_refreshed", {{"issuer", discovery_.issuer()}});
    }
  } else {
    common::Log(common::Severity::kWarning, "provider_refresh_failed",
                {{"issuer", discovery_.issuer()},
                 {"message", status.message()},
                 {"serving", was_ready         ? "with the last good metadata and keys"
                             : LacksOnlyKeys() ? "opaque tokens alone: no JWT of this issuer can be judged"
                                               : "nothing of this issuer: not ready"}});
  }
  absl::Status readiness;
  {
    absl::MutexLock lock(&mutex_);
    if (status.ok() || LacksOnlyKeys()) {
      readiness_ = absl::OkStatus();
    } else if (!was_ready) {
      readiness_ = status;
    }
    readiness = readiness_;
  }
  if (options_.on_readiness) options_.on_readiness(readiness);
  return NextWait(status.ok());
}

absl::Status Refresher::readiness() const {
  absl::MutexLock lock(&mutex_);
  return readiness_;
}

absl::Status Refresher::Refresh() {
  const absl::Status metadata = RefreshMetadata();
  // What is known of the issuer serves on, and a key that it withdraws must not.
  if (!metadata.ok() && discovery_.current() == nullptr) return metadata;
  const absl::Status keys = RefreshKeys();
  return metadata.ok() ? keys : metadata;
}

absl::Status Refresher::RefreshMetadata() {
  const std::string& issuer = discovery_.issuer();
  if (issuer == kPlaceholderIssuer) {
    return absl::UnavailableError(
        absl::StrCat("the issuer is still the placeholder ", issuer,
                     "; edit FLAGS_issuers in deploy/config.yaml to name your OIDC provider, then apply it again"));
  }
  if (const absl::Status status = discovery_.Refresh(); !status.ok()) {
    return absl::UnavailableError(
        absl::StrCat("cannot read the metadata of issuer ", issuer, ": ", status.message(),
                     status.code() == absl::StatusCode::kFailedPrecondition
                         ? "; check that --issuers has exactly the issuer that the provider names"
                         : "; check that the provider is up and that its address can be reached from here"));
  }
  const std::shared_ptr<const ProviderMetadata> metadata = discovery_.current();
  if (discovery_.needed().userinfo && metadata->userinfo_endpoint.empty()) {
    return absl::UnavailableError(absl::StrCat(
        "issuer ", issuer, " names no userinfo_endpoint; set --opaque_tokens=refuse or use another issuer"));
  }
  if (discovery_.needed().introspection && metadata->introspection_endpoint.empty()) {
    return absl::UnavailableError(absl::StrCat(
        "issuer ", issuer,
        " names no introspection_endpoint; set --opaque_tokens to refuse or userinfo, or use another issuer"));
  }
  return absl::OkStatus();
}

absl::Status Refresher::RefreshKeys() {
  const absl::Status status = keys_.Refresh();
  if (status.ok()) return status;
  return absl::UnavailableError(
      absl::StrCat("cannot read the keys of issuer ", discovery_.issuer(), ": ", status.message(),
                   "; check that the address can be reached from here, and with gatehouse-doctor what is there"));
}

bool Refresher::LacksOnlyKeys() const {
  const std::shared_ptr<const ProviderMetadata> metadata = discovery_.current();
  const NeededEndpoints& needed = discovery_.needed();
  return metadata != nullptr && metadata->jwks_uri.empty() && !needed.jwks &&
         !(needed.userinfo && metadata->userinfo_endpoint.empty()) &&
         !(needed.introspection && metadata->introspection_endpoint.empty());
}

absl::Duration Refresher::NextWait(bool succeeded) {
  absl::Duration wait = options_.interval;
  if (succeeded) {
    failures_ = 0;
  } else {
    wait = std::min(kFirstRetry * (1 << std::min(failures_, 6)), std::min(kLongestRetry, options_.interval));
    ++failures_;
  }
  return wait * (1 - kJitter * options_.random());
}

}  // namespace auth_service
