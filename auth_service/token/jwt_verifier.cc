#include "auth_service/token/jwt_verifier.h"

#include <cjose/cjose.h>

#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "auth_service/json/strict_json.h"
#include "auth_service/token/claims.h"
#include "auth_service/token/token_form.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::Principal;
using nlohmann::json;

// How many keys a token without `kid` is tried with.
constexpr int kMaxKeysTried = 4;

// Claims that only other kinds of token have: ID tokens (OpenID Connect Core 1.0, sections 2 and 3.3.2.11) and security
// events such as logout tokens (RFC 8417).
constexpr const char* kForeignClaims[] = {"nonce", "at_hash", "c_hash", "s_hash", "events"};

struct JwsDeleter {
  void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
};

// A piece of what a token says, for a log line.
std::string Excerpt(absl::string_view text) { return absl::StrCat("'", text.substr(0, 128), "'"); }

// What to call the key that a token is signed with: the `kid` of its header; if it names none, the token itself, so
// that keys which were fetched for another such token do not count as looked for on behalf of this one.
std::string KeyNameOf(absl::string_view token) {
  const std::optional<JwsParts> parts = SplitJws(token);
  const std::optional<std::string> header = parts.has_value() ? DecodeBase64Url(parts->header) : std::nullopt;
  const std::optional<json> members = header.has_value() ? ParseJsonObject(*header) : std::nullopt;
  return members.has_value() && members->contains("kid") ? std::string(StringMember(*members, "kid"))
                                                         : std::string(token);
}

bool IsGenericType(absl::string_view type) { return absl::EqualsIgnoreCase(type, "JWT"); }

bool IsAccessTokenType(absl::string_view type) {
  return absl::EqualsIgnoreCase(type, "at+jwt") || absl::EqualsIgnoreCase(type, "application/at+jwt");
}

bool Fits(const VerificationKey& key, const SignatureAlgorithm& algorithm) {
  return key.type == algorithm.key_type && (key.algorithm.empty() || key.algorithm == algorithm.name);
}

// The payload, if the signature is that of `key`.
std::optional<std::string> VerifiedPayload(absl::string_view token, const VerificationKey& key) {
  cjose_err error;
  const std::unique_ptr<cjose_jws_t, JwsDeleter> jws(cjose_jws_import(token.data(), token.size(), &error));
  if (jws == nullptr || !cjose_jws_verify(jws.get(), key.key.get(), &error)) return std::nullopt;
  uint8_t* payload = nullptr;  // stays owned by `jws`
  size_t size = 0;
  if (!cjose_jws_get_plaintext(jws.get(), &payload, &size, &error)) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(payload), size);
}

}  // namespace

std::optional<Verdict> JwtVerifier::VerifyLocally(absl::string_view token, absl::string_view resource) {
  const std::shared_ptr<const Keys> keys = keys_.current();
  return Judge(token, resource, keys == nullptr ? Keys() : *keys, false);
}

absl::StatusOr<Verdict> JwtVerifier::VerifyWithProvider(absl::string_view token, absl::string_view resource,
                                                        absl::Time deadline) {
  const absl::Status refreshed = keys_.RefreshForUnknownKey(KeyNameOf(token), deadline - clock_.Now());
  if (const std::shared_ptr<const Keys> keys = keys_.current(); keys != nullptr) {
    std::optional<Verdict> verdict = Judge(token, resource, *keys, refreshed.ok());
    if (verdict.has_value()) return *std::move(verdict);
  }
  if (!refreshed.ok()) return absl::UnavailableError(refreshed.message());
  return Refuse(gatehouse::auth::v1::REFUSAL_REASON_UNKNOWN_KEY, "the issuer publishes no key with the token's kid");
}

std::optional<Verdict> JwtVerifier::Judge(absl::string_view token, absl::string_view resource, const Keys& keys,
                                          bool newest) const {
  const std::optional<JwsParts> parts = SplitJws(token);
  if (!parts.has_value()) return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED, "not three parts");
  const std::optional<std::string> header_json = DecodeBase64Url(parts->header);
  const std::optional<json> header = header_json.has_value() ? ParseJsonObject(*header_json) : std::nullopt;
  if (!header.has_value()) return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED, "the header is no JSON object");

  const absl::string_view alg = StringMember(*header, "alg");
  const SignatureAlgorithm* const algorithm = FindSignatureAlgorithm(alg);
  if (algorithm == nullptr) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED, absl::StrCat("alg ", Excerpt(alg)));
  }
  // RFC 7515, section 4.1.11: extensions that are critical and not understood make a JWS invalid. None are understood.
  if (header->contains("crit")) return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED, "crit in the header");
  const absl::string_view type = StringMember(*header, "typ");
  if (!IsAccessTokenType(type) && !IsGenericType(type)) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_WRONG_TYPE, absl::StrCat("typ ", Excerpt(type)));
  }
  if (!DecodeBase64Url(parts->payload).has_value()) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED, "the payload is not base64url");
  }
  const std::optional<std::string> signature = DecodeBase64Url(parts->signature);
  if (!signature.has_value()) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED, "the signature is not base64url");
  }

  const auto kid = header->find("kid");
  if (kid != header->end() && !kid->is_string()) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED, "kid is not a string");
  }
  bool key_known = false;
  int tried = 0;
  for (const VerificationKey& key : keys) {
    if (kid != header->end() && key.key_id != kid->get_ref<const std::string&>()) continue;
    if (kid != header->end()) key_known = true;
    if (!Fits(key, *algorithm)) continue;
    key_known = true;
    if (tried++ == kMaxKeysTried) break;
    // cjose takes a signature of any length apart in the middle; RFC 7518, section 3.4, fixes the length.
    if (signature->size() != key.signature_bytes) continue;
    if (const std::optional<std::string> claims_json = VerifiedPayload(token, key); claims_json.has_value()) {
      return JudgeClaims(*claims_json, resource, IsGenericType(type));
    }
  }
  if (!key_known || (kid == header->end() && !newest)) return std::nullopt;
  if (tried == 0) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED,
                  absl::StrCat("alg ", Excerpt(alg), " does not fit the key"));
  }
  return Refuse(gatehouse::auth::v1::REFUSAL_REASON_BAD_SIGNATURE,
                absl::StrCat("kid ", Excerpt(StringMember(*header, "kid"))));
}

Verdict JwtVerifier::JudgeClaims(const std::string& claims_json, absl::string_view resource, bool generic_type) const {
  const std::optional<json> claims = ParseJsonObject(claims_json);
  if (!claims.has_value()) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MALFORMED,
                  "the claims set is no JSON object, or names one twice");
  }
  const auto issuer = claims->find("iss");
  if (issuer == claims->end() || !issuer->is_string()) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM, "iss is missing or no string");
  }
  if (*issuer != issuer_) {
    return Refuse(gatehouse::auth::v1::REFUSAL_REASON_WRONG_ISSUER,
                  absl::StrCat("iss ", Excerpt(issuer->get_ref<const std::string&>()), ", not '", issuer_, "'"));
  }
  Verdict verdict;
  Principal& principal = *verdict.response.mutable_principal();
  principal.set_issuer(issuer_);
  principal.set_subject(std::string(StringMember(*claims, "sub")));
  const absl::string_view client_id = StringMember(*claims, "client_id");
  principal.set_client_id(std::string(client_id.empty() ? StringMember(*claims, "azp") : client_id));
  const auto refuse = [&principal](gatehouse::auth::v1::RefusalReason reason, std::string detail) {
    return RefuseTokenOf(principal, reason, std::move(detail));
  };
  const auto missing = [&refuse](std::string what) {
    return refuse(gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM, std::move(what));
  };

  if (generic_type) {
    for (const char* name : kForeignClaims) {
      if (claims->contains(name)) {
        return refuse(gatehouse::auth::v1::REFUSAL_REASON_WRONG_TYPE, absl::StrCat("claim ", name));
      }
    }
  }

  const auto audience = claims->find("aud");
  if (audience == claims->end()) return refuse(gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE, "aud is missing");
  if (!audience->is_string() && !audience->is_array()) return missing("aud is neither string nor array");
  if (!AudienceContains(*audience, resource)) {
    return refuse(gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE,
                  absl::StrCat("aud ", Excerpt(audience->dump()), ", not '", resource, "'"));
  }

  const absl::Time now = clock_.Now();
  const std::optional<absl::Time> expire_time = TimeMember(*claims, "exp");
  if (!expire_time.has_value()) return missing("exp is missing or no time in seconds");
  if (now >= *expire_time + clock_skew_) {
    return refuse(gatehouse::auth::v1::REFUSAL_REASON_EXPIRED,
                  absl::StrCat("exp ", absl::FormatTime(*expire_time, absl::UTCTimeZone())));
  }
  for (const char* name : {"nbf", "iat"}) {
    if (!claims->contains(name)) continue;
    const std::optional<absl::Time> time = TimeMember(*claims, name);
    if (!time.has_value()) return missing(absl::StrCat(name, " is no time in seconds"));
    if (now + clock_skew_ < *time) {
      return refuse(gatehouse::auth::v1::REFUSAL_REASON_NOT_YET_VALID,
                    absl::StrCat(name, " ", absl::FormatTime(*time, absl::UTCTimeZone())));
    }
  }

  if (principal.subject().empty()) return missing("sub is missing, empty or no string");
  if (claims->contains("scope") && !AppendScopes((*claims)["scope"], principal)) {
    return missing("scope is neither a string nor an array of scopes, or holds what is none");
  }
  principal.set_scopes_known(true);
  principal.set_claims_json(CompactJson(claims_json));
  SetTimestamp(*expire_time, *principal.mutable_expire_time());
  AddClaimOrigin(*claims, gatehouse::auth::v1::CLAIM_SOURCE_TOKEN, principal);
  principal.set_token_kind(gatehouse::auth::v1::TOKEN_KIND_JWT);
  principal.set_audience_known(true);
  return verdict;
}

}  // namespace auth_service
