#include "mcp_edge/assertion/principal_signer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/json_text.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/read_file.h"
#include "common/secure_random.h"
#include "nlohmann/json.hpp"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

constexpr size_t kMaxFileBytes = 64 << 10;
constexpr size_t kMaxCachedBytes = 8 << 10;
constexpr size_t kMaxCached = 10'000;

// Names of ClaimSource in `claim_origins`.
const char* SourceName(tool::ClaimSource source) {
  switch (source) {
    case tool::CLAIM_SOURCE_TOKEN:
      return "token";
    case tool::CLAIM_SOURCE_USERINFO:
      return "userinfo";
    case tool::CLAIM_SOURCE_INTROSPECTION:
      return "introspection";
    case tool::CLAIM_SOURCE_DIRECTORY:
      return "directory";
    default:
      return "unspecified";
  }
}

void AppendText(absl::string_view name, absl::string_view value, std::string& out) {
  absl::StrAppend(&out, ",\"", name, "\":");
  common::AppendJsonString(value, out);
}

// A NumericDate (RFC 7519, section 2), with as many decimals as it needs.
std::string NumericDate(absl::Time time) {
  const absl::Duration since_epoch = time - absl::UnixEpoch();
  std::string text = absl::StrCat(absl::ToUnixSeconds(time));
  const int64_t nanos = (since_epoch % absl::Seconds(1)) / absl::Nanoseconds(1);
  if (nanos <= 0) return text;
  std::string decimals = absl::StrCat(nanos + 1'000'000'000);
  decimals[0] = '.';
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return text + decimals;
}

// What stands in the claims set as it is must be one JSON object and nothing more, or it could say anything.
bool IsObject(const std::string& json) {
  return !json.empty() && json.front() == '{' && json.back() == '}' && nlohmann::json::accept(json);
}

std::string ClaimsSet(const tool::Principal& principal, absl::string_view issuer, absl::string_view audience,
                      absl::Time issue_time, absl::Time expire_time) {
  std::string json = "{\"iss\":";
  json.reserve(512 + principal.claims_json().size());
  common::AppendJsonString(issuer, json);
  AppendText("aud", audience, json);
  AppendText("sub", principal.subject(), json);
  AppendText("idp", principal.issuer(), json);
  if (!principal.client_id().empty()) AppendText("client_id", principal.client_id(), json);
  AppendText("scope", absl::StrJoin(principal.scopes(), " "), json);
  absl::StrAppend(&json, ",\"scopes_known\":", principal.scopes_known() ? "true" : "false",
                  ",\"audience_known\":", principal.audience_known() ? "true" : "false");
  if (principal.has_expire_time()) {
    absl::StrAppend(&json, ",\"token_exp\":", NumericDate(common::FromProto(principal.expire_time())));
  }
  if (IsObject(principal.claims_json())) {
    absl::StrAppend(&json, ",\"claims\":", principal.claims_json());
  } else if (!principal.claims_json().empty()) {
    common::Log(common::Severity::kError, "claims_not_signed",
                {{"message", "auth_service gave claims that are no JSON object: tools get none"}});
  }
  if (!principal.claim_origins().empty()) {
    absl::StrAppend(&json, ",\"claim_origins\":[");
    for (int i = 0; i < principal.claim_origins_size(); ++i) {
      const tool::ClaimOrigin& origin = principal.claim_origins(i);
      absl::StrAppend(&json, i == 0 ? "" : ",", "{\"source\":\"", SourceName(origin.source()), "\",\"claims\":[");
      for (int j = 0; j < origin.claims_size(); ++j) {
        if (j > 0) json += ',';
        common::AppendJsonString(origin.claims(j), json);
      }
      json += "]}";
    }
    json += ']';
  }
  absl::StrAppend(&json, ",\"iat\":", absl::ToUnixSeconds(issue_time), ",\"exp\":", absl::ToUnixSeconds(expire_time),
                  ",\"jti\":\"", common::UnguessableId(), "\"}");
  return json;
}

}  // namespace

absl::StatusOr<PrincipalKeys> ReadPrincipalKeys(const std::string& file_name) {
  const absl::StatusOr<std::string> pem = common::ReadFile("the principal key file", file_name, kMaxFileBytes);
  if (!pem.ok()) return pem.status();
  absl::StatusOr<PrincipalKeys> keys = common::Es256PrivateKey::FromPem(*pem);
  if (keys.ok()) return keys;
  return absl::Status(keys.status().code(), absl::StrCat(file_name, ": ", keys.status().message()));
}

PrincipalSigner::PrincipalSigner(std::string issuer, PrincipalKeys keys, const common::Clock& clock,
                                 prometheus::Registry& registry)
    : issuer_(std::move(issuer)),
      clock_(clock),
      signed_total_(prometheus::BuildCounter()
                        .Name("gatehouse_edge_principals_signed_total")
                        .Help("Principals signed for a tool service; calls that reuse one are not counted.")
                        .Register(registry)
                        .Add({})),
      cache_(kMaxCached, clock) {
  SetKeys(std::move(keys));
}

bool PrincipalSigner::SetKeys(PrincipalKeys keys) {
  const auto same = [](const common::Es256PrivateKey& a, const common::Es256PrivateKey& b) {
    return a.public_key().key_id() == b.public_key().key_id();
  };
  auto signing = std::make_shared<Signing>();
  signing->header_json = absl::StrCat(R"({"alg":"ES256","typ":"gatehouse-principal+jwt","kid":")",
                                      keys.front().public_key().key_id(), "\"}");
  signing->keys = std::move(keys);
  absl::MutexLock lock(&mutex_);
  if (signing_ != nullptr &&
      std::equal(signing_->keys.begin(), signing_->keys.end(), signing->keys.begin(), signing->keys.end(), same)) {
    return false;
  }
  signing_ = std::move(signing);
  return true;
}

std::shared_ptr<const PrincipalSigner::Signing> PrincipalSigner::signing() const {
  absl::MutexLock lock(&mutex_);
  return signing_;
}

std::string PrincipalSigner::KeySetJson() const {
  const std::shared_ptr<const Signing> current = signing();
  return absl::StrCat("{\"keys\":[",
                      absl::StrJoin(current->keys, ",",
                                    [](std::string* out, const common::Es256PrivateKey& key) {
                                      absl::StrAppend(out, key.public_key().Jwk());
                                    }),
                      "]}");
}

std::string PrincipalSigner::Sign(const tool::Principal& principal, absl::string_view audience) {
  const std::shared_ptr<const Signing> current = signing();
  const common::Es256PrivateKey& key = current->keys.front();
  // By what it says, and not by the object that says it: the next verdict about the same token is another object.
  const common::TokenDigest digest = common::DigestToken(
      principal.SerializeAsString(), absl::StrCat(audience, absl::string_view("\0", 1), key.public_key().key_id()));
  if (const auto cached = cache_.Get(digest); cached.has_value()) return **cached;

  const absl::Time now = clock_.Now();
  absl::Time expire_time = now + kAssertionLifetime;
  if (principal.has_expire_time()) {
    const absl::Time token_expire_time = common::FromProto(principal.expire_time());
    // A call that was let in must still be believed when a busy service comes to it.
    if (token_expire_time > now) {
      expire_time = std::clamp(token_expire_time, now + kMinAssertionLifetime, expire_time);
    }
  }
  const auto assertion = std::make_shared<const std::string>(
      common::SignJws(current->header_json, ClaimsSet(principal, issuer_, audience, now, expire_time), key));
  signed_total_.Increment();
  if (assertion->size() <= kMaxCachedBytes) cache_.Put(digest, assertion, now + (expire_time - now) / 2);
  return *assertion;
}

}  // namespace mcp_edge
