#include "tool_service/sdk/principal_verifier.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tool_service/sdk/json.h"

namespace tool_service {
namespace {

namespace tool = gatehouse::tool::v1;
using Json = nlohmann::json;

constexpr char kType[] = "gatehouse-principal+jwt";
constexpr size_t kMaxAssertionBytes = 256 << 10;  // claims of 64 KiB that are in it as they are, encoded
constexpr size_t kMaxHeaderBytes = 1024;
constexpr size_t kMaxCachedBytes = 16 << 10;
constexpr size_t kMaxCached = 10'000;
// The edge makes them for two minutes. Nothing that lives long can have been made by it, and what was verified once is
// not believed for longer than this without a look at the keys.
constexpr absl::Duration kMaxLifetime = absl::Minutes(5);
constexpr absl::Duration kMaxReuse = absl::Minutes(2);
constexpr absl::Duration kClockSkew = absl::Seconds(10);
constexpr absl::Duration kMaxWait = absl::Seconds(5);

// What stands before and after the last dot of an assertion; the same texts only if the assertion is the same.
absl::string_view SignedPart(absl::string_view assertion) { return assertion.substr(0, assertion.rfind('.')); }
absl::string_view SignaturePart(absl::string_view assertion) { return assertion.substr(assertion.rfind('.') + 1); }

PrincipalVerdict Refuse(PrincipalRefusal refusal, absl::string_view why) {
  return RefusedPrincipal{refusal, absl::StrCat("The edge's assertion of who calls was not accepted: ", why, ".")};
}

// A piece of what somebody says, fit for a log line.
std::string Excerpt(absl::string_view text) {
  std::string excerpt(text.substr(0, 64));
  std::replace_if(
      excerpt.begin(), excerpt.end(), [](unsigned char c) { return !absl::ascii_isprint(c) || c == '"'; }, '?');
  return absl::StrCat("\"", excerpt, "\"");
}

// The member if it is a string; otherwise nothing.
const std::string* FindString(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get_ptr<const std::string*>() : nullptr;
}

// A NumericDate (RFC 7519, section 2). Nothing if it is not a number within the years to 9999.
std::optional<absl::Time> FindTime(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number()) return std::nullopt;
  const double seconds = member->get<double>();
  if (!(seconds >= 0 && seconds < 253402300800.0)) return std::nullopt;
  const double whole = std::floor(seconds);
  return absl::FromUnixSeconds(static_cast<int64_t>(whole)) + absl::Microseconds(std::round((seconds - whole) * 1e6));
}

// The end of the JSON value that begins at `begin`, in text that is known to be JSON.
size_t EndOfValue(absl::string_view json, size_t begin) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = begin; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == '}')) {
      return i;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return json.size();
}

// The text of a member of an object as it was signed, so that numbers and order stay. `json` is known to be an object.
absl::string_view RawMember(absl::string_view json, absl::string_view name) {
  const std::string quoted = absl::StrCat("\"", name, "\"");
  size_t begin = json.find('{') + 1;
  while (begin < json.size()) {
    const size_t end = EndOfValue(json, begin);
    const absl::string_view member = json.substr(begin, end - begin);
    const size_t key = member.find('"');
    if (key != absl::string_view::npos && member.substr(key, quoted.size()) == quoted) {
      return absl::StripAsciiWhitespace(member.substr(member.find(':', key + quoted.size()) + 1));
    }
    begin = end + 1;
  }
  return "";
}

tool::ClaimSource SourceFromName(absl::string_view name) {
  if (name == "token") return tool::CLAIM_SOURCE_TOKEN;
  if (name == "userinfo") return tool::CLAIM_SOURCE_USERINFO;
  if (name == "introspection") return tool::CLAIM_SOURCE_INTROSPECTION;
  if (name == "directory") return tool::CLAIM_SOURCE_DIRECTORY;
  return tool::CLAIM_SOURCE_UNSPECIFIED;
}

void TakeClaimOrigins(const Json& origins, tool::Principal& principal) {
  if (!origins.is_array()) return;
  for (const Json& origin : origins) {
    if (!origin.is_object()) continue;
    tool::ClaimOrigin& taken = *principal.add_claim_origins();
    if (const std::string* source = FindString(origin, "source")) taken.set_source(SourceFromName(*source));
    const auto claims = origin.find("claims");
    if (claims == origin.end() || !claims->is_array()) continue;
    for (const Json& claim : *claims) {
      if (claim.is_string()) taken.add_claims(claim.get<std::string>());
    }
  }
}

bool IsTrue(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_boolean() && member->get<bool>();
}

}  // namespace

absl::string_view PrincipalRefusalName(PrincipalRefusal refusal) {
  switch (refusal) {
    case PrincipalRefusal::kMissing:
      return "missing";
    case PrincipalRefusal::kMalformed:
      return "malformed";
    case PrincipalRefusal::kWrongType:
      return "wrong_type";
    case PrincipalRefusal::kWrongAlgorithm:
      return "wrong_algorithm";
    case PrincipalRefusal::kUnknownKey:
      return "unknown_key";
    case PrincipalRefusal::kBadSignature:
      return "bad_signature";
    case PrincipalRefusal::kWrongIssuer:
      return "wrong_issuer";
    case PrincipalRefusal::kWrongAudience:
      return "wrong_audience";
    case PrincipalRefusal::kExpired:
      return "expired";
    case PrincipalRefusal::kNotYetValid:
      return "not_yet_valid";
    case PrincipalRefusal::kNoKeys:
      return "no_keys";
  }
  return "unknown";
}

PrincipalVerifier::PrincipalVerifier(PrincipalVerifierOptions options, PrincipalKeys& keys, const common::Clock& clock)
    : options_(std::move(options)), keys_(keys), clock_(clock), cache_(kMaxCached, clock) {}

std::optional<PrincipalVerdict> PrincipalVerifier::VerifyNow(absl::string_view assertion) {
  if (assertion.empty()) return Refuse(PrincipalRefusal::kMissing, "there is none");
  if (assertion.size() > kMaxAssertionBytes) {
    return Refuse(PrincipalRefusal::kMalformed, absl::StrCat("it has more than ", kMaxAssertionBytes, " bytes"));
  }
  if (assertion.size() <= kMaxCachedBytes) {
    // A digest of all of it would cost most of what it costs to find it.
    const auto known = cache_.Get(common::DigestToken(SignaturePart(assertion), ""));
    if (known.has_value() && (*known)->signed_text == SignedPart(assertion)) return (*known)->principal;
  }
  const std::shared_ptr<const KeySet> keys = keys_.current();
  if (keys == nullptr) return std::nullopt;
  return Judge(assertion, *keys);
}

PrincipalVerdict PrincipalVerifier::Verify(absl::string_view assertion, absl::Time deadline) {
  if (std::optional<PrincipalVerdict> verdict = VerifyNow(assertion); verdict.has_value()) return *std::move(verdict);
  const absl::Status fetched = keys_.AwaitFetch(std::min(deadline, absl::Now() + kMaxWait));
  // Whatever came of it, they may be here now.
  if (std::optional<PrincipalVerdict> verdict = VerifyNow(assertion); verdict.has_value()) return *std::move(verdict);
  if (!fetched.ok()) {
    return RefusedPrincipal{PrincipalRefusal::kNoKeys,
                            "The keys that verify who calls cannot be had now; try again in a moment."};
  }
  return Refuse(PrincipalRefusal::kUnknownKey, "nobody who may make one has published its key");
}

std::optional<PrincipalVerdict> PrincipalVerifier::Judge(absl::string_view assertion, const KeySet& keys) {
  const auto malformed = [](absl::string_view why) { return Refuse(PrincipalRefusal::kMalformed, why); };
  const std::optional<common::Jws> jws = common::SplitJws(assertion);
  if (!jws.has_value()) return malformed("it is not three parts of base64url");
  if (jws->header_json.size() > kMaxHeaderBytes) return malformed("its header is too long");
  const absl::StatusOr<Json> header = ParseJsonObject("the header", jws->header_json, /*max_depth=*/4);
  if (!header.ok()) return malformed("its header is no JSON object");

  // There is one algorithm, whatever the header says; it must say so, or it was made for something else.
  const std::string* const algorithm = FindString(*header, "alg");
  if (algorithm == nullptr || *algorithm != "ES256") {
    return Refuse(PrincipalRefusal::kWrongAlgorithm,
                  absl::StrCat("alg is ", Excerpt(algorithm == nullptr ? "" : *algorithm), ", not ES256"));
  }
  const std::string* const type = FindString(*header, "typ");
  if (type == nullptr || *type != kType) {
    return Refuse(PrincipalRefusal::kWrongType,
                  absl::StrCat("typ is ", Excerpt(type == nullptr ? "" : *type), ", not ", kType));
  }
  // RFC 7515, section 4.1.11: extensions that are critical and not understood make a JWS invalid. None are understood.
  if (header->contains("crit")) return malformed("it has critical extensions");
  const std::string* const key_id = FindString(*header, "kid");
  if (key_id == nullptr) return malformed("it names no key");
  const auto key = keys.find(*key_id);
  if (key == keys.end()) return std::nullopt;
  if (!key->second.Verify(jws->signed_text, jws->signature)) {
    return Refuse(PrincipalRefusal::kBadSignature, "the signature is not that of its key");
  }

  absl::Time expire_time;
  PrincipalVerdict verdict = JudgeClaims(jws->payload, expire_time);
  if (const auto* principal = std::get_if<std::shared_ptr<const tool::Principal>>(&verdict);
      principal != nullptr && assertion.size() <= kMaxCachedBytes) {
    cache_.Put(common::DigestToken(SignaturePart(assertion), ""),
               std::make_shared<const Verified>(Verified{std::string(SignedPart(assertion)), *principal}),
               std::min(expire_time, clock_.Now() + kMaxReuse));
  }
  return verdict;
}

PrincipalVerdict PrincipalVerifier::JudgeClaims(absl::string_view claims_json, absl::Time& expire_time) const {
  const absl::StatusOr<Json> claims = ParseJsonObject("the claims set", claims_json);
  if (!claims.ok()) return Refuse(PrincipalRefusal::kMalformed, "its claims set is no JSON object");

  const std::string* const issuer = FindString(*claims, "iss");
  if (!options_.issuer.empty() && (issuer == nullptr || *issuer != options_.issuer)) {
    return Refuse(PrincipalRefusal::kWrongIssuer,
                  absl::StrCat("iss is ", Excerpt(issuer == nullptr ? "" : *issuer), ", not ", options_.issuer));
  }
  const std::string* const audience = FindString(*claims, "aud");
  if (audience == nullptr || !absl::c_linear_search(options_.audiences, *audience)) {
    return Refuse(PrincipalRefusal::kWrongAudience,
                  absl::StrCat("it is for the tool service ", Excerpt(audience == nullptr ? "" : *audience),
                               " and this is \"", absl::StrJoin(options_.audiences, "\" or \""), "\""));
  }
  const std::optional<absl::Time> expires = FindTime(*claims, "exp");
  const std::optional<absl::Time> issued = FindTime(*claims, "iat");
  if (!expires.has_value() || !issued.has_value()) {
    return Refuse(PrincipalRefusal::kMalformed, "exp or iat is missing or no time");
  }
  const absl::Time now = clock_.Now();
  if (now >= *expires + kClockSkew) return Refuse(PrincipalRefusal::kExpired, "it has expired");
  if (now + kClockSkew < *issued) {
    return Refuse(PrincipalRefusal::kNotYetValid, "it was made in the future: the clocks differ");
  }
  if (*expires - *issued > kMaxLifetime) return Refuse(PrincipalRefusal::kMalformed, "it lives for too long");
  expire_time = *expires;

  const std::string* const subject = FindString(*claims, "sub");
  const std::string* const provider = FindString(*claims, "idp");
  if (subject == nullptr || subject->empty() || provider == nullptr || provider->empty()) {
    return Refuse(PrincipalRefusal::kMalformed, "sub or idp is missing");
  }
  auto principal = std::make_shared<tool::Principal>();
  principal->set_issuer(*provider);
  principal->set_subject(*subject);
  if (const std::string* client_id = FindString(*claims, "client_id")) principal->set_client_id(*client_id);
  if (const std::string* scope = FindString(*claims, "scope")) {
    for (const absl::string_view one : absl::StrSplit(*scope, ' ', absl::SkipEmpty())) {
      principal->add_scopes(std::string(one));
    }
  }
  principal->set_scopes_known(IsTrue(*claims, "scopes_known"));
  principal->set_audience_known(IsTrue(*claims, "audience_known"));
  if (const std::optional<absl::Time> token_expires = FindTime(*claims, "token_exp"); token_expires.has_value()) {
    const timespec spec = absl::ToTimespec(*token_expires);
    principal->mutable_expire_time()->set_seconds(spec.tv_sec);
    principal->mutable_expire_time()->set_nanos(static_cast<int32_t>(spec.tv_nsec));
  }
  if (const auto own = claims->find("claims"); own != claims->end() && own->is_object()) {
    const absl::string_view text = RawMember(claims_json, "claims");
    // The text and what was read must be the same: a name that comes twice, or is written with escapes, has two
    // readings.
    if (Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false) != *own) {
      return Refuse(PrincipalRefusal::kMalformed, "its claims can be read in two ways");
    }
    principal->set_claims_json(text.data(), text.size());
  }
  if (const auto origins = claims->find("claim_origins"); origins != claims->end()) {
    TakeClaimOrigins(*origins, *principal);
  }
  return std::shared_ptr<const tool::Principal>(std::move(principal));
}

}  // namespace tool_service
