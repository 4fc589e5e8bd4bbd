#include "auth_service/registration/registrar.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "auth_service/provider/not_sent.h"
#include "auth_service/registration/initial_access_token.h"
#include "auth_service/token/token_form.h"
#include "common/log.h"
#include "common/token_digest.h"
#include "nlohmann/json.hpp"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RegisterClientRequest;
using gatehouse::auth::v1::RegisterClientResponse;
using gatehouse::auth::v1::RegisteredClient;
using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA;
using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_INVALID_TOKEN;
using gatehouse::auth::v1::REGISTRATION_REFUSAL_REASON_RATE_LIMITED;

// How many wrong initial access tokens are remembered; while there are so many, a further one is answered like one too
// many of its address.
constexpr int kMaxWrongTokens = 10'000;
constexpr size_t kMaxMetadataBytes = 64 * 1024;
constexpr size_t kMaxAddressBytes = 64;
constexpr size_t kMaxRequestIdBytes = 64;
// Before each attempt to take a registration back, and what one may take.
constexpr absl::Duration kWithdrawalPauses[] = {absl::ZeroDuration(), absl::Milliseconds(500), absl::Seconds(2)};
constexpr absl::Duration kWithdrawalTimeout = absl::Seconds(5);

constexpr char kOpenId[] = "openid";
constexpr char kOfflineAccess[] = "offline_access";

LogtoApplicationType TypeOf(ClientKind kind) {
  switch (kind) {
    case ClientKind::kNative:
      return LogtoApplicationType::kNative;
    case ClientKind::kBrowser:
      return LogtoApplicationType::kSpa;
    case ClientKind::kConfidential:
      return LogtoApplicationType::kTraditional;
  }
  return LogtoApplicationType::kNative;
}

absl::string_view KindName(ClientKind kind) {
  switch (kind) {
    case ClientKind::kNative:
      return "native";
    case ClientKind::kBrowser:
      return "browser";
    case ClientKind::kConfidential:
      return "confidential";
  }
  return "native";
}

absl::Status CheckSizes(const RegisterClientRequest& request) {
  const struct {
    const char* name;
    size_t size;
    size_t most;
  } fields[] = {
      {"metadata_json", request.metadata_json().size(), kMaxMetadataBytes},
      {"initial_access_token", request.initial_access_token().size(), kMaxTokenBytes},
      {"client_address", request.client_address().size(), kMaxAddressBytes},
      {"request_id", request.request_id().size(), kMaxRequestIdBytes},
  };
  for (const auto& field : fields) {
    if (field.size > field.most) {
      return absl::InvalidArgumentError(
          absl::StrCat(field.name, " must have at most ", field.most, " bytes, has ", field.size));
    }
  }
  return absl::OkStatus();
}

RegisterClientResponse Refuse(gatehouse::auth::v1::RegistrationRefusalReason reason, std::string description) {
  RegisterClientResponse response;
  response.mutable_refusal()->set_reason(reason);
  response.mutable_refusal()->set_description(std::move(description));
  return response;
}

RegisterClientResponse RefuseForNow(std::string description, absl::Duration wait) {
  RegisterClientResponse response = Refuse(REGISTRATION_REFUSAL_REASON_RATE_LIMITED, std::move(description));
  // Whole seconds, upwards.
  response.mutable_refusal()->mutable_retry_after()->set_seconds(
      std::max<int64_t>(1, absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1)))));
  return response;
}

// RFC 7591, section 3.2.1: everything as it was registered.
std::string InformationResponse(const ClientMetadata& client, const std::string& id, const LogtoSecret& secret,
                                const std::string& scope, absl::Time now) {
  nlohmann::ordered_json document = {{"client_id", id}, {"client_id_issued_at", absl::ToUnixSeconds(now)}};
  if (!secret.value.empty()) {
    document["client_secret"] = secret.value;
    document["client_secret_expires_at"] =
        secret.expire_time == absl::InfiniteFuture() ? 0 : absl::ToUnixSeconds(secret.expire_time);
  }
  document["client_name"] = client.client_name;
  document["redirect_uris"] = client.redirect_uris;
  document["application_type"] = client.kind == ClientKind::kNative ? "native" : "web";
  document["token_endpoint_auth_method"] = AuthMethodName(client.auth_method);
  document["grant_types"] = {"authorization_code"};
  if (client.refresh_token) document["grant_types"].push_back("refresh_token");
  document["response_types"] = {"code"};
  document["scope"] = scope;
  const std::pair<const char*, const std::string*> uris[] = {{"client_uri", &client.client_uri},
                                                             {"logo_uri", &client.logo_uri},
                                                             {"tos_uri", &client.tos_uri},
                                                             {"policy_uri", &client.policy_uri}};
  for (const auto& [name, value] : uris) {
    if (!value->empty()) document[name] = *value;
  }
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Registrar::Registrar(RegistrarOptions options, ManagementApi& api, RegistrationMetrics& metrics,
                     const common::Clock& clock)
    : options_(std::move(options)),
      api_(api),
      metrics_(metrics),
      clock_(clock),
      limits_(options_.per_hour, options_.per_hour_per_address, clock),
      wrong_tokens_(kMaxWrongTokens, kWrongTokensPerHour, clock) {}

absl::StatusOr<RegisterClientResponse> Registrar::Register(const RegisterClientRequest& request, absl::Time deadline,
                                                           const std::function<bool()>& caller_gone) {
  if (const absl::Status status = CheckSizes(request); !status.ok()) return status;
  ClientMetadata client;
  absl::StatusOr<RegisterClientResponse> response = Decide(request, deadline, caller_gone, client);
  absl::string_view outcome = "registered";
  std::string reason;
  if (!response.ok()) {
    outcome = "unavailable";
    reason = std::string(response.status().message());
    metrics_.unavailable.Increment();
  } else if (response->has_refusal()) {
    outcome = RegistrationRefusalReasonName(response->refusal().reason());
    reason = response->refusal().description();
    metrics_.refused(response->refusal().reason()).Increment();
  } else {
    metrics_.registered.Increment();
  }
  common::LogAlways("client_registration",
                    {{"outcome", outcome},
                     {"reason", reason},
                     {"client_id", response.ok() ? response->client().client_id() : ""},
                     {"client_name", client.client_name},
                     {"kind", response.ok() && response->has_client() ? KindName(client.kind) : ""},
                     {"redirect_hosts", absl::StrJoin(client.redirect_hosts, " ")},
                     {"client_address", request.client_address()},
                     {"request_id", request.request_id()}});
  return response;
}

absl::StatusOr<RegisterClientResponse> Registrar::Decide(const RegisterClientRequest& request, absl::Time deadline,
                                                         const std::function<bool()>& caller_gone,
                                                         ClientMetadata& client) {
  if (!options_.token_file.empty()) {
    absl::StatusOr<std::optional<RegisterClientResponse>> refusal = CheckInitialAccessToken(request);
    if (!refusal.ok()) return refusal.status();
    if (refusal->has_value()) return **std::move(refusal);
  }
  if (const auto refusal = ReadClientMetadata(request.metadata_json(), options_.allowed_hosts, client);
      refusal.has_value()) {
    return Refuse(refusal->reason(), refusal->description());
  }
  if (const std::optional<absl::Duration> wait = limits_.Take(request.client_address()); wait.has_value()) {
    return RefuseForNow("too many clients were registered in the last hour", *wait);
  }
  absl::StatusOr<RegisteredClient> registered = Create(client, request.request_id(), deadline, caller_gone);
  if (absl::IsInvalidArgument(registered.status())) {
    // Logto is stricter than we are; what it found is in the log.
    common::Log(common::Severity::kWarning, "registration_refused_by_provider",
                {{"message", registered.status().message()}, {"request_id", request.request_id()}});
    return Refuse(REGISTRATION_REFUSAL_REASON_INVALID_CLIENT_METADATA, "the provider refuses this client metadata");
  }
  if (WasNotSent(registered.status())) limits_.GiveBack(request.client_address());
  if (!registered.ok()) return registered.status();
  RegisterClientResponse response;
  *response.mutable_client() = *std::move(registered);
  return response;
}

absl::StatusOr<std::optional<RegisterClientResponse>> Registrar::CheckInitialAccessToken(
    const RegisterClientRequest& request) {
  constexpr char kTooMany[] = "too many wrong initial access tokens came from this address in the last hour";
  // Also for who has found it now: otherwise there would be no end to guessing.
  if (const auto wait = wrong_tokens_.WaitOf(request.client_address()); wait.has_value()) {
    return RefuseForNow(kTooMany, *wait);
  }
  const absl::StatusOr<std::string> expected = ReadInitialAccessToken(options_.token_file);
  if (!expected.ok()) {
    common::Log(common::Severity::kError, "registration_token_unreadable", {{"message", expected.status().message()}});
    return absl::UnavailableError("the initial access token cannot be read");
  }
  // Digests are of one length, and comparing them takes the same time wherever they differ.
  const std::string& token = request.initial_access_token();
  const common::TokenDigest given = common::DigestToken(token, "registration");
  const common::TokenDigest wanted = common::DigestToken(*expected, "registration");
  if (CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) == 0) return std::nullopt;
  if (!token.empty()) {
    if (const auto wait = wrong_tokens_.Take(request.client_address()); wait.has_value()) {
      return RefuseForNow(kTooMany, *wait);
    }
  }
  return Refuse(REGISTRATION_REFUSAL_REASON_INVALID_TOKEN, "a registration needs the initial access token");
}

Registrar::Grant Registrar::GrantOf(const ClientMetadata& client) const {
  const auto wants = [&](absl::string_view scope) {
    return !client.scopes_asked || std::find(client.scopes.begin(), client.scopes.end(), scope) != client.scopes.end();
  };
  Grant grant;
  std::vector<std::string> named;
  if (wants(kOpenId)) named.push_back(kOpenId);
  if (wants(kOfflineAccess) && client.refresh_token) named.push_back(kOfflineAccess);
  for (const std::string& scope : options_.user_scopes) {
    if (!wants(scope)) continue;
    grant.consent.user_scopes.push_back(scope);
    named.push_back(scope);
  }
  for (const ResourceScope& scope : options_.resource_scopes) {
    if (!scope.name.empty() && !wants(scope.name)) continue;
    grant.consent.resource_scope_ids.push_back(scope.id);
    if (!scope.name.empty()) named.push_back(scope.name);
  }
  // Logto lets every application ask for it, and refuses who asks for nothing.
  if (named.empty()) named.push_back(kOpenId);
  grant.scope = absl::StrJoin(named, " ");
  return grant;
}

absl::StatusOr<RegisteredClient> Registrar::Create(const ClientMetadata& client, absl::string_view request_id,
                                                   absl::Time deadline, const std::function<bool()>& caller_gone) {
  NewLogtoApplication application;
  application.name = client.client_name;
  application.description = "Registered by itself through Gatehouse";
  application.type = TypeOf(client.kind);
  application.redirect_uris = client.redirect_uris;
  application.always_issue_refresh_token = client.refresh_token;
  application.custom_data = {{"registered_by", "gatehouse"},
                             {"registration_request_id", std::string(request_id)},
                             {"client_uri", client.client_uri}};
  if (caller_gone()) return NotSent(absl::UnavailableError("the caller is gone"));
  const absl::StatusOr<std::string> id = api_.CreateApplication(application, deadline);
  if (absl::IsInvalidArgument(id.status()) || WasNotSent(id.status())) return id.status();
  if (!id.ok()) {
    // Its answer may have been lost on the way; an operator can find it by the request id.
    common::Log(common::Severity::kWarning, "registration_outcome_unknown",
                {{"message", id.status().message()}, {"request_id", request_id}});
    return absl::UnavailableError(id.status().message());
  }
  const absl::StatusOr<std::string> document = Complete(client, *id, deadline, caller_gone);
  if (!document.ok()) {
    Withdraw(*id, request_id);
    // Also when Logto refused something: what it refuses now is of our settings, and not the client's fault.
    return absl::UnavailableError(document.status().message());
  }
  RegisteredClient registered;
  registered.set_client_id(*id);
  registered.set_document_json(*document);
  return registered;
}

absl::StatusOr<std::string> Registrar::Complete(const ClientMetadata& client, const std::string& id,
                                                absl::Time deadline, const std::function<bool()>& caller_gone) {
  const absl::Status gone = absl::UnavailableError("the caller is gone");
  const Grant grant = GrantOf(client);
  if (!grant.consent.user_scopes.empty() || !grant.consent.resource_scope_ids.empty()) {
    if (caller_gone()) return gone;
    const absl::Status status = api_.AddUserConsentScopes(id, grant.consent, deadline);
    if (!status.ok()) return absl::Status(status.code(), absl::StrCat("consent scopes: ", status.message()));
  }
  LogtoBranding branding;
  branding.logo_uri = client.logo_uri;
  branding.terms_of_use_uri = client.tos_uri;
  branding.privacy_policy_uri = client.policy_uri;
  if (!branding.empty()) {
    branding.display_name = client.client_name;
    if (caller_gone()) return gone;
    const absl::Status status = api_.SetSignInExperience(id, branding, deadline);
    if (!status.ok()) return absl::Status(status.code(), absl::StrCat("branding: ", status.message()));
  }
  LogtoSecret secret;
  if (client.kind == ClientKind::kConfidential) {
    if (caller_gone()) return gone;
    absl::StatusOr<std::vector<LogtoSecret>> secrets = api_.GetApplicationSecrets(id, deadline);
    if (!secrets.ok())
      return absl::Status(secrets.status().code(), absl::StrCat("secret: ", secrets.status().message()));
    if (secrets->empty()) return absl::UnavailableError("secret: the application has none");
    secret = std::move(secrets->front());
  }
  if (caller_gone() || clock_.Now() >= deadline) return gone;
  return InformationResponse(client, id, secret, grant.scope, clock_.Now());
}

void Registrar::Withdraw(const std::string& client_id, absl::string_view request_id) {
  absl::Status status;
  for (const absl::Duration pause : kWithdrawalPauses) {
    if (pause > absl::ZeroDuration()) options_.sleep(pause);
    status = api_.DeleteApplication(client_id, clock_.Now() + kWithdrawalTimeout);
    if (status.ok()) {
      metrics_.withdrawn.Increment();
      return;
    }
  }
  metrics_.left_behind.Increment();
  common::Log(common::Severity::kError, "registration_left_behind",
              {{"application_id", client_id},
               {"message", absl::StrCat("delete this application by hand: ", status.message())},
               {"request_id", request_id}});
}

}  // namespace auth_service
