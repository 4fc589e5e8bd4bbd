#include "auth_service/token/jwt_verifier.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "auth_service/token/test_keys.h"
#include "auth_service/token/token_form.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RefusalReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kResource[] = "https://mcp.example.com/mcp";
constexpr int64_t kNow = 1'800'000'000;

// Keys that a test gives.
class FakeKeySource final : public KeySource {
 public:
  void Set(const std::string& jwks) {
    auto keys = ParseKeys(jwks);
    ASSERT_TRUE(keys.ok()) << keys.status();
    current_ = std::make_shared<const Keys>(*std::move(keys));
  }

  std::shared_ptr<const Keys> current() const override { return current_; }

  absl::Status RefreshForUnknownKey(absl::string_view key_id, absl::Duration timeout) override {
    ++refreshes;
    last_key_id = std::string(key_id);
    last_timeout = timeout;
    if (!after_refresh.empty()) Set(after_refresh);
    return refresh_status;
  }

  int refreshes = 0;
  std::string last_key_id;
  absl::Duration last_timeout;
  std::string after_refresh;
  absl::Status refresh_status;

 private:
  std::shared_ptr<const Keys> current_;
};

// One key for each algorithm, made once.
const TestKey& KeyFor(const std::string& algorithm) {
  static auto* const keys = new std::map<std::string, TestKey>;
  return keys->try_emplace(algorithm, algorithm).first->second;
}

std::string Jwks(const std::string& keys) { return absl::StrCat("{\"keys\":[", keys, "]}"); }

class JwtVerifierTest : public ::testing::Test {
 protected:
  JwtVerifierTest() : clock_(absl::FromUnixSeconds(kNow)), verifier_(kIssuer, absl::Seconds(30), keys_, clock_) {
    keys_.Set(Jwks(
        absl::StrCat(KeyFor("ES384").Jwk("ec", "\"alg\":\"ES384\",\"use\":\"sig\""), ",", KeyFor("RS256").Jwk("rsa"))));
  }

  static std::string Header(absl::string_view alg = "ES384", absl::string_view kid = "ec",
                            absl::string_view typ = "at+jwt") {
    return absl::StrCat("{\"alg\":\"", alg, "\",\"typ\":\"", typ, "\",\"kid\":\"", kid, "\"}");
  }

  // The claims of Logto's access tokens; `change` replaces one with a text, an empty text removes it.
  static std::string Claims(const std::map<std::string, std::string>& change = {}) {
    std::map<std::string, std::string> claims = {
        {"jti", "\"a\""},
        {"sub", "\"ffsuss18c8xn\""},
        {"iat", absl::StrCat(kNow - 10)},
        {"exp", absl::StrCat(kNow + 3600)},
        {"scope", "\"read write\""},
        {"client_id", "\"smartmail\""},
        {"iss", absl::StrCat("\"", kIssuer, "\"")},
        {"aud", absl::StrCat("\"", kResource, "\"")},
    };
    for (const auto& [name, value] : change) claims[name] = value;
    std::string text;
    for (const auto& [name, value] : claims) {
      if (!value.empty()) absl::StrAppend(&text, text.empty() ? "{" : ",", "\"", name, "\":", value);
    }
    return text + "}";
  }

  static std::string Sign(const std::string& claims) { return KeyFor("ES384").Sign(Header(), claims); }

  RefusalReason ReasonOf(const std::string& token) {
    const std::optional<Verdict> verdict = verifier_.VerifyLocally(token, kResource);
    if (!verdict.has_value()) {
      ADD_FAILURE() << "undecided";
      return gatehouse::auth::v1::REFUSAL_REASON_UNSPECIFIED;
    }
    EXPECT_FALSE(verdict->accepted()) << verdict->response.DebugString();
    EXPECT_EQ(verdict->response.refusal().description(), RefusalDescription(verdict->response.refusal().reason()));
    EXPECT_FALSE(verdict->detail.empty());
    return verdict->response.refusal().reason();
  }

  RefusalReason ReasonOfClaims(const std::map<std::string, std::string>& change) {
    return ReasonOf(Sign(Claims(change)));
  }

  bool Accepts(const std::string& token) {
    const std::optional<Verdict> verdict = verifier_.VerifyLocally(token, kResource);
    return verdict.has_value() && verdict->accepted();
  }

  FakeKeySource keys_;
  common::FakeClock clock_;
  JwtVerifier verifier_;
};

TEST_F(JwtVerifierTest, AGoodTokenTellsWhoTheCallerIs) {
  const std::optional<Verdict> verdict = verifier_.VerifyLocally(Sign(Claims()), kResource);
  ASSERT_TRUE(verdict.has_value());
  ASSERT_TRUE(verdict->accepted()) << verdict->detail;
  const auto& principal = verdict->response.principal();
  EXPECT_EQ(principal.issuer(), kIssuer);
  EXPECT_EQ(principal.subject(), "ffsuss18c8xn");
  EXPECT_EQ(principal.client_id(), "smartmail");
  EXPECT_THAT(principal.scopes(), ElementsAre("read", "write"));
  EXPECT_TRUE(principal.scopes_known());
  EXPECT_EQ(principal.claims_json(), Claims());
  EXPECT_EQ(principal.expire_time().seconds(), kNow + 3600);
  EXPECT_EQ(principal.token_kind(), gatehouse::auth::v1::TOKEN_KIND_JWT);
  EXPECT_TRUE(principal.audience_known());
  ASSERT_EQ(principal.claim_origins_size(), 1);
  EXPECT_EQ(principal.claim_origins(0).source(), gatehouse::auth::v1::CLAIM_SOURCE_TOKEN);
  EXPECT_THAT(principal.claim_origins(0).claims(),
              ElementsAre("aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub"));
  EXPECT_EQ(keys_.refreshes, 0);
}

TEST_F(JwtVerifierTest, EveryAllowedAlgorithmIsVerified) {
  for (const char* algorithm : {"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}) {
    const TestKey& key = KeyFor(algorithm);
    keys_.Set(Jwks(key.Jwk("k")));  // as Logto after a rotation to RSA: the JWK has no `alg`
    EXPECT_TRUE(Accepts(key.Sign(Header(algorithm, "k"), Claims()))) << algorithm;
    keys_.Set(Jwks(key.Jwk("k", absl::StrCat("\"alg\":\"", algorithm, "\""))));
    EXPECT_TRUE(Accepts(key.Sign(Header(algorithm, "k"), Claims()))) << algorithm;
    EXPECT_EQ(ReasonOf(TestKey(algorithm).Sign(Header(algorithm, "k"), Claims())),
              gatehouse::auth::v1::REFUSAL_REASON_BAD_SIGNATURE)
        << algorithm;
  }
}

TEST_F(JwtVerifierTest, AClaimThatWasChangedBreaksTheSignature) {
  const std::string good = Sign(Claims());
  const JwsParts parts = *SplitJws(good);
  const std::string forged =
      absl::StrCat(parts.header, ".", Base64Url(Claims({{"sub", "\"root\""}})), ".", parts.signature);
  EXPECT_EQ(ReasonOf(forged), gatehouse::auth::v1::REFUSAL_REASON_BAD_SIGNATURE);
}

TEST_F(JwtVerifierTest, ASignatureOfAnotherLengthIsWrong) {
  const std::string good = Sign(Claims());
  const JwsParts parts = *SplitJws(good);
  const std::string signature = *DecodeBase64Url(parts.signature);
  const std::string signed_part = absl::StrCat(parts.header, ".", parts.payload, ".");
  for (const std::string& other : {std::string(), signature.substr(1), signature + std::string(2, '\0'),
                                   std::string(96, '\0'), std::string(2, '\0')}) {
    EXPECT_EQ(ReasonOf(signed_part + Base64Url(other)), gatehouse::auth::v1::REFUSAL_REASON_BAD_SIGNATURE);
  }
}

TEST_F(JwtVerifierTest, AlgorithmsOffTheListAreRefused) {
  for (const char* algorithm :
       {"none", "None", "NONE", "HS256", "HS384", "HS512", "EdDSA", "ES256K", "es384", "", "dir"}) {
    EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(Header(algorithm), Claims())),
              gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED)
        << algorithm;
  }
  EXPECT_EQ(ReasonOf(absl::StrCat(Base64Url(R"({"alg":"none","typ":"at+jwt"})"), ".", Base64Url(Claims()), ".")),
            gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED);
  EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(R"({"typ":"at+jwt","kid":"ec"})", Claims())),
            gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED);
  EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(R"({"alg":["ES384"],"typ":"at+jwt","kid":"ec"})", Claims())),
            gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED);
}

TEST_F(JwtVerifierTest, Hs256SignedWithThePublicKeyIsRefused) {
  for (const char* kid : {"ec", "rsa"}) {
    const TestKey& key = kid == std::string("ec") ? KeyFor("ES384") : KeyFor("RS256");
    for (const std::string& secret : {key.PublicPem(), key.Jwk(kid)}) {
      EXPECT_EQ(ReasonOf(SignHs256(Header("HS256", kid), Claims(), secret)),
                gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED);
    }
  }
}

TEST_F(JwtVerifierTest, TheAlgorithmMustFitTheKey) {
  // Another curve, another type, and another algorithm than the JWK allows.
  EXPECT_EQ(ReasonOf(KeyFor("ES256").Sign(Header("ES256", "ec"), Claims())),
            gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED);
  EXPECT_EQ(ReasonOf(KeyFor("RS256").Sign(Header("RS256", "ec"), Claims())),
            gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED);
  EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(Header("ES384", "rsa"), Claims())),
            gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED);
  keys_.Set(Jwks(KeyFor("RS256").Jwk("rsa", "\"alg\":\"PS256\"")));
  EXPECT_EQ(ReasonOf(KeyFor("RS256").Sign(Header("RS256", "rsa"), Claims())),
            gatehouse::auth::v1::REFUSAL_REASON_ALGORITHM_NOT_ALLOWED);
}

TEST_F(JwtVerifierTest, CriticalExtensionsAreNotUnderstood) {
  EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(R"({"alg":"ES384","typ":"at+jwt","kid":"ec","crit":["b64"],"b64":false})",
                                          Claims())),
            gatehouse::auth::v1::REFUSAL_REASON_MALFORMED);
}

TEST_F(JwtVerifierTest, TypeMustSayAccessToken) {
  for (const char* type : {"at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt"}) {
    EXPECT_TRUE(Accepts(KeyFor("ES384").Sign(Header("ES384", "ec", type), Claims()))) << type;
  }
  for (const char* type : {"", "logout+jwt", "id_token", "dpop+jwt", "oauth-id-jag+jwt", "application/jwt"}) {
    EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(Header("ES384", "ec", type), Claims())),
              gatehouse::auth::v1::REFUSAL_REASON_WRONG_TYPE)
        << type;
  }
  EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(R"({"alg":"ES384","kid":"ec"})", Claims())),
            gatehouse::auth::v1::REFUSAL_REASON_WRONG_TYPE);
}

TEST_F(JwtVerifierTest, AnIdTokenIsNoAccessToken) {
  const std::map<std::string, std::string> of_logto = {{"aud", "\"smartmail\""}, {"scope", ""}, {"client_id", ""}};
  EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(R"({"alg":"ES384","kid":"ec"})", Claims(of_logto))),
            gatehouse::auth::v1::REFUSAL_REASON_WRONG_TYPE);
  EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(Header("ES384", "ec", "JWT"), Claims(of_logto))),
            gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE);
  // Even for a client whose id is the resource.
  for (const char* claim : {"nonce", "at_hash", "c_hash", "s_hash", "events"}) {
    EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(Header("ES384", "ec", "JWT"), Claims({{claim, "\"x\""}}))),
              gatehouse::auth::v1::REFUSAL_REASON_WRONG_TYPE)
        << claim;
    // A header that says at+jwt is the issuer's word for it.
    EXPECT_TRUE(Accepts(Sign(Claims({{claim, "\"x\""}})))) << claim;
  }
}

TEST_F(JwtVerifierTest, WhatIsNoJwtIsMalformed) {
  const std::string header = Base64Url(Header());
  const std::string signature(128, 'A');
  for (const std::string& token :
       {std::string("a"), std::string("a.b"), std::string("a.b.c"), std::string(".."),
        absl::StrCat("W10.e30.", signature), absl::StrCat(header, ".a=.", signature), absl::StrCat(header, ".e30.*"),
        absl::StrCat(header, ".e30.A"), absl::StrCat(header, ".e30.", signature, ".x")}) {
    EXPECT_EQ(ReasonOf(token), gatehouse::auth::v1::REFUSAL_REASON_MALFORMED) << token;
  }
  EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(R"({"alg":"ES384","typ":"at+jwt","kid":7})", Claims())),
            gatehouse::auth::v1::REFUSAL_REASON_MALFORMED);
  EXPECT_EQ(ReasonOf(KeyFor("ES384").Sign(R"({"alg":"none","alg":"ES384","typ":"at+jwt","kid":"ec"})", Claims())),
            gatehouse::auth::v1::REFUSAL_REASON_MALFORMED);
}

TEST_F(JwtVerifierTest, SignedClaimsThatAreNoJsonObjectAreMalformed) {
  for (const std::string& payload :
       {std::string(), std::string("[]"), std::string("null"), std::string("{"), std::string("{\"a\":\"\xFF\"}"),
        std::string("{\"sub\":\"a\",\"sub\":\"b\"}"), "{\"a\":" + std::string(5000, '[') + "}"}) {
    EXPECT_EQ(ReasonOf(Sign(payload)), gatehouse::auth::v1::REFUSAL_REASON_MALFORMED) << payload.substr(0, 80);
  }
}

TEST_F(JwtVerifierTest, TheIssuerMustBeEqualByteForByte) {
  for (const char* issuer : {"\"https://id.example.com/oidc/\"", "\"https://ID.example.com/oidc\"", "\"\"",
                             "\"https://evil.example.com/oidc\""}) {
    EXPECT_EQ(ReasonOfClaims({{"iss", issuer}}), gatehouse::auth::v1::REFUSAL_REASON_WRONG_ISSUER) << issuer;
  }
}

TEST_F(JwtVerifierTest, TheAudienceMustContainTheResource) {
  EXPECT_TRUE(Accepts(Sign(Claims({{"aud", R"(["https://other.example.com/","https://mcp.example.com/mcp"])"}}))));
  for (const char* audience : {"\"https://mcp.example.com/mcp/\"", "\"https://mcp.example.com\"", "\"\"", "[]", "[1]",
                               "[[\"https://mcp.example.com/mcp\"]]", "\"https://MCP.example.com/mcp\"",
                               "\"https://mcp.example.com/mcp https://x/\"", "[\"x\",null]"}) {
    EXPECT_EQ(ReasonOfClaims({{"aud", audience}}), gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE) << audience;
  }
  const std::optional<Verdict> verdict = verifier_.VerifyLocally(Sign(Claims()), "https://mcp.example.com/sse");
  EXPECT_EQ(verdict->response.refusal().reason(), gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE);
  EXPECT_THAT(verdict->detail, HasSubstr("https://mcp.example.com/mcp"));
}

TEST_F(JwtVerifierTest, ATokenForTheManagementApiIsForAnotherResource) {
  // As Logto issues it to a machine: the same issuer, key and type.
  EXPECT_EQ(ReasonOfClaims({{"aud", "\"https://default.logto.app/api\""},
                            {"scope", "\"all\""},
                            {"sub", "\"m2m-client\""},
                            {"client_id", "\"m2m-client\""}}),
            gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE);
}

TEST_F(JwtVerifierTest, ATokenExpiresAfterItsTimeAndTheSkew) {
  EXPECT_TRUE(Accepts(Sign(Claims({{"exp", absl::StrCat(kNow - 29)}}))));
  EXPECT_EQ(ReasonOfClaims({{"exp", absl::StrCat(kNow - 30)}}), gatehouse::auth::v1::REFUSAL_REASON_EXPIRED);
  EXPECT_EQ(ReasonOfClaims({{"exp", "0"}}), gatehouse::auth::v1::REFUSAL_REASON_EXPIRED);
  EXPECT_TRUE(Accepts(Sign(Claims({{"exp", absl::StrCat(kNow, ".5")}}))));
}

TEST_F(JwtVerifierTest, ATokenOfTheFutureIsNotValidYet) {
  for (const char* name : {"nbf", "iat"}) {
    EXPECT_TRUE(Accepts(Sign(Claims({{name, absl::StrCat(kNow + 30)}})))) << name;
    EXPECT_EQ(ReasonOfClaims({{name, absl::StrCat(kNow + 31)}}), gatehouse::auth::v1::REFUSAL_REASON_NOT_YET_VALID)
        << name;
  }
}

TEST_F(JwtVerifierTest, ClaimsThatMustBeThereAreMissed) {
  for (const char* name : {"iss", "aud", "exp", "sub"}) {
    for (const char* value : {"", "null", "true", "{}"}) {
      if (absl::string_view(name) == "aud" && absl::string_view(value).empty())
        continue;  // is for nobody, so not for us
      EXPECT_EQ(ReasonOfClaims({{name, value}}), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM) << name << value;
    }
  }
  EXPECT_EQ(ReasonOfClaims({{"aud", ""}}), gatehouse::auth::v1::REFUSAL_REASON_WRONG_AUDIENCE);
  EXPECT_EQ(ReasonOfClaims({{"sub", "\"\""}}), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM);
  EXPECT_EQ(ReasonOfClaims({{"sub", "12345"}}), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM);
  for (const char* time : {"\"1900000000\"", "-1", "1e300", "1800000000000000"}) {
    EXPECT_EQ(ReasonOfClaims({{"exp", time}}), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM) << time;
  }
  EXPECT_EQ(ReasonOfClaims({{"nbf", "\"soon\""}}), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM);
  EXPECT_EQ(ReasonOfClaims({{"iat", "null"}}), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM);
  for (const char* scope : {"1", "{}", "[\"a\",1]", "null"}) {
    EXPECT_EQ(ReasonOfClaims({{"scope", scope}}), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM) << scope;
  }
}

TEST_F(JwtVerifierTest, ARefusalSaysWhoseTokenItIsOnceTheSignatureIsGood) {
  const auto refusal_of = [&](const std::string& token) {
    return verifier_.VerifyLocally(token, kResource)->response.refusal();
  };
  const auto expired = refusal_of(Sign(Claims({{"exp", "0"}, {"client_id", "\"smartmail\""}})));
  EXPECT_EQ(expired.issuer(), kIssuer);
  EXPECT_FALSE(expired.subject().empty());
  EXPECT_EQ(expired.client_id(), "smartmail");
  std::string tampered = Sign(Claims({{"exp", "0"}}));
  tampered[tampered.size() - 3] = tampered[tampered.size() - 3] == 'A' ? 'B' : 'A';
  const auto bad = refusal_of(tampered);
  EXPECT_EQ(bad.reason(), gatehouse::auth::v1::REFUSAL_REASON_BAD_SIGNATURE);
  EXPECT_EQ(bad.issuer() + bad.subject() + bad.client_id(), "");
  EXPECT_EQ(refusal_of(Sign(Claims({{"iss", "\"https://other.example.com\""}}))).subject(), "");
}

TEST_F(JwtVerifierTest, IssuedAtMayBeAbsent) { EXPECT_TRUE(Accepts(Sign(Claims({{"iat", ""}})))); }

TEST_F(JwtVerifierTest, ScopesComeAsStringOrArray) {
  const auto scopes = [&](const char* scope) {
    const std::optional<Verdict> verdict = verifier_.VerifyLocally(Sign(Claims({{"scope", scope}})), kResource);
    const auto& all = verdict->response.principal().scopes();
    return std::vector<std::string>(all.begin(), all.end());
  };
  EXPECT_THAT(scopes("[\"b\",\"a\"]"), ElementsAre("b", "a"));
  EXPECT_THAT(scopes("\" b  a \""), ElementsAre("b", "a"));
  EXPECT_THAT(scopes("\"\""), ElementsAre());
  EXPECT_THAT(scopes(""), ElementsAre());
}

TEST_F(JwtVerifierTest, AScopeThatIsSeveralIsRefused) {
  for (const char* scope :
       {R"(["mail:read","mail:read mail:write"])", R"(["mail:read\tmail:write"])", R"([""])",
        R"("mail:read\tmail:write")", R"("mail:read\nmail:write")", R"("mail:read\u00a0mail:write")",
        R"("mail:read\u2028x")", R"("a \"b\"")", R"("a\\b")", R"("a\u0000")"}) {
    EXPECT_EQ(ReasonOfClaims({{"scope", scope}}), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM) << scope;
  }
}

TEST_F(JwtVerifierTest, TheClientIsClientIdElseAzp) {
  const auto client = [&](const std::map<std::string, std::string>& change) {
    return verifier_.VerifyLocally(Sign(Claims(change)), kResource)->response.principal().client_id();
  };
  EXPECT_EQ(client({{"azp", "\"other\""}}), "smartmail");
  EXPECT_EQ(client({{"client_id", ""}, {"azp", "\"other\""}}), "other");
  EXPECT_EQ(client({{"client_id", ""}}), "");
}

TEST_F(JwtVerifierTest, ClaimsAreTheTextThatWasSignedWithoutWhiteSpace) {
  const std::string claims = absl::StrCat("{ \"sub\" : \"a  b\" ,\n\"z\":1.50e+1, \"exp\":", kNow + 9, ", \"iss\":\"",
                                          kIssuer, "\",\"aud\":\"", kResource, "\"}");
  const std::optional<Verdict> verdict = verifier_.VerifyLocally(Sign(claims), kResource);
  ASSERT_TRUE(verdict.has_value() && verdict->accepted());
  EXPECT_EQ(verdict->response.principal().claims_json(),
            absl::StrCat("{\"sub\":\"a  b\",\"z\":1.50e+1,\"exp\":", kNow + 9, ",\"iss\":\"", kIssuer, "\",\"aud\":\"",
                         kResource, "\"}"));
}

TEST_F(JwtVerifierTest, WithoutAKeyIdTheKeysThatFitAreTried) {
  const std::string header = R"({"alg":"ES384","typ":"at+jwt"})";
  EXPECT_TRUE(Accepts(KeyFor("ES384").Sign(header, Claims())));
  // None of them has signed it, or none fits: the issuer may have a newer one.
  EXPECT_FALSE(verifier_.VerifyLocally(TestKey("ES384").Sign(header, Claims()), kResource).has_value());
  EXPECT_FALSE(verifier_.VerifyLocally(KeyFor("ES256").Sign(R"({"alg":"ES256","typ":"at+jwt"})", Claims()), kResource)
                   .has_value());
}

TEST_F(JwtVerifierTest, WithoutAKeyIdASignatureIsWrongOnlyIfNoNewerKeyHasMadeIt) {
  const TestKey rotated("ES384");
  const std::string token = rotated.Sign(R"({"alg":"ES384","typ":"at+jwt"})", Claims());
  const absl::Time deadline = clock_.Now() + absl::Seconds(3);
  keys_.refresh_status = absl::UnavailableError("fetched a moment ago");
  EXPECT_EQ(verifier_.VerifyWithProvider(token, kResource, deadline).status().code(), absl::StatusCode::kUnavailable);
  keys_.refresh_status = absl::OkStatus();
  absl::StatusOr<Verdict> verdict = verifier_.VerifyWithProvider(token, kResource, deadline);
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(verdict->response.refusal().reason(), gatehouse::auth::v1::REFUSAL_REASON_BAD_SIGNATURE);
  keys_.after_refresh = Jwks(rotated.Jwk("new"));
  verdict = verifier_.VerifyWithProvider(token, kResource, deadline);
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_TRUE(verdict->accepted());
}

TEST_F(JwtVerifierTest, AnUnknownKeyIsAskedForOnce) {
  const TestKey& rotated = KeyFor("ES256");
  const std::string token = rotated.Sign(Header("ES256", "new"), Claims());
  EXPECT_FALSE(verifier_.VerifyLocally(token, kResource).has_value());
  keys_.after_refresh = Jwks(rotated.Jwk("new"));
  const absl::StatusOr<Verdict> verdict =
      verifier_.VerifyWithProvider(token, kResource, clock_.Now() + absl::Seconds(3));
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_TRUE(verdict->accepted());
  EXPECT_EQ(keys_.refreshes, 1);
  EXPECT_EQ(keys_.last_timeout, absl::Seconds(3));
}

TEST_F(JwtVerifierTest, AKeyThatTheIssuerDoesNotPublishIsUnknown) {
  const absl::StatusOr<Verdict> verdict = verifier_.VerifyWithProvider(
      KeyFor("ES256").Sign(Header("ES256", "nobody's"), Claims()), kResource, clock_.Now() + absl::Seconds(3));
  ASSERT_TRUE(verdict.ok());
  EXPECT_EQ(verdict->response.refusal().reason(), gatehouse::auth::v1::REFUSAL_REASON_UNKNOWN_KEY);
}

TEST_F(JwtVerifierTest, WhileKeysCannotBeFetchedAnUnknownKeyIsNoVerdict) {
  keys_.refresh_status = absl::UnavailableError("down");
  EXPECT_EQ(verifier_
                .VerifyWithProvider(KeyFor("ES256").Sign(Header("ES256", "new"), Claims()), kResource,
                                    clock_.Now() + absl::Seconds(3))
                .status()
                .code(),
            absl::StatusCode::kUnavailable);
  // Keys that are here serve on.
  EXPECT_TRUE(Accepts(Sign(Claims())));
}

TEST_F(JwtVerifierTest, WithoutAnyKeysOnlyTheHeaderIsJudged) {
  FakeKeySource none;
  JwtVerifier verifier(kIssuer, absl::ZeroDuration(), none, clock_);
  EXPECT_FALSE(verifier.VerifyLocally(Sign(Claims()), kResource).has_value());
  EXPECT_TRUE(verifier.VerifyLocally(KeyFor("ES384").Sign(Header("none"), Claims()), kResource).has_value());
}

// The corpus of jwt_fuzz: what its file names promise is so.
TEST_F(JwtVerifierTest, TheCorpusIsJudgedAsItsFileNamesSay) {
  const std::filesystem::path folder = "auth_service/token/testdata/jwt_fuzz";
  const auto read = [](const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  keys_.Set(read(folder / "jwks"));
  int good = 0;
  int bad = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("good_")) {
      EXPECT_TRUE(Accepts(read(entry.path()))) << name;
      ++good;
    } else if (name.starts_with("fail_")) {
      EXPECT_FALSE(Accepts(read(entry.path()))) << name;
      ++bad;
    }
  }
  EXPECT_GE(good, 4);
  EXPECT_GE(bad, 25);
}

}  // namespace
}  // namespace auth_service
