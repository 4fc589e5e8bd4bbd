#include "tool_service/sdk/principal_verifier.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace tool_service {
namespace {

using common::Es256PrivateKey;
using gatehouse::tool::v1::Principal;
using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr char kEdge[] = "https://mcp.example.com/mcp";

KeySet KeysOf(const Es256PrivateKey& key) { return {{key.public_key().key_id(), key.public_key()}}; }

class PrincipalVerifierTest : public testing::Test {
 protected:
  PrincipalVerifierTest() {
    keys_.Start();
    EXPECT_TRUE(keys_.AwaitFetch(absl::Now() + absl::Seconds(20)).ok());
  }

  // What the edge says of alice to this service.
  Json Claims() const {
    const int64_t now = absl::ToUnixSeconds(clock_.Now());
    return {{"iss", kEdge},
            {"aud", "mail"},
            {"sub", "alice"},
            {"idp", "https://id.example.com/oidc"},
            {"client_id", "smartmail"},
            {"scope", "openid mail:read"},
            {"scopes_known", true},
            {"audience_known", true},
            {"token_exp", now + 3600},
            {"claims", {{"sub", "alice"}, {"name", "Alice"}}},
            {"claim_origins", {{{"source", "directory"}, {"claims", {"name"}}}}},
            {"iat", now},
            {"exp", now + 120},
            {"jti", "1"}};
  }

  Json Header() const {
    return {{"alg", "ES256"}, {"typ", "gatehouse-principal+jwt"}, {"kid", edge_key_.public_key().key_id()}};
  }

  std::string Sign(const Json& claims) const { return common::SignJws(Header().dump(), claims.dump(), edge_key_); }

  PrincipalVerdict Verify(const std::string& assertion) {
    std::optional<PrincipalVerdict> verdict = verifier_.VerifyNow(assertion);
    if (verdict.has_value()) return *std::move(verdict);
    return RefusedPrincipal{PrincipalRefusal::kNoKeys, "needs keys"};
  }

  void ExpectRefused(PrincipalRefusal refusal, const std::string& assertion, const std::string& message = "") {
    const PrincipalVerdict verdict = Verify(assertion);
    ASSERT_TRUE(std::holds_alternative<RefusedPrincipal>(verdict)) << assertion;
    const RefusedPrincipal& refused = std::get<RefusedPrincipal>(verdict);
    EXPECT_EQ(PrincipalRefusalName(refused.refusal), PrincipalRefusalName(refusal)) << refused.message;
    EXPECT_THAT(refused.message, HasSubstr(message));
  }

  void ExpectAccepted(const std::string& assertion) {
    const PrincipalVerdict verdict = Verify(assertion);
    if (const auto* refused = std::get_if<RefusedPrincipal>(&verdict)) ADD_FAILURE() << refused->message;
  }

  const Es256PrivateKey edge_key_ = Es256PrivateKey::Generate();
  common::FakeClock clock_;
  PrincipalKeys keys_{"test", [this]() -> absl::StatusOr<KeySet> { return KeysOf(edge_key_); }, absl::Hours(1)};
  PrincipalVerifier verifier_{{{"mail"}, kEdge}, keys_, clock_};
};

TEST_F(PrincipalVerifierTest, TakesEveryFieldFromTheAssertion) {
  const PrincipalVerdict verdict = Verify(Sign(Claims()));
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<const Principal>>(verdict));
  const Principal& principal = *std::get<std::shared_ptr<const Principal>>(verdict);
  EXPECT_EQ(principal.issuer(), "https://id.example.com/oidc");
  EXPECT_EQ(principal.subject(), "alice");
  EXPECT_EQ(principal.client_id(), "smartmail");
  ASSERT_EQ(principal.scopes_size(), 2);
  EXPECT_EQ(principal.scopes(1), "mail:read");
  EXPECT_TRUE(principal.scopes_known());
  EXPECT_TRUE(principal.audience_known());
  EXPECT_EQ(principal.expire_time().seconds(), absl::ToUnixSeconds(clock_.Now()) + 3600);
  EXPECT_EQ(Json::parse(principal.claims_json()), Claims()["claims"]);
  ASSERT_EQ(principal.claim_origins_size(), 1);
  EXPECT_EQ(principal.claim_origins(0).source(), gatehouse::tool::v1::CLAIM_SOURCE_DIRECTORY);
  EXPECT_EQ(principal.claim_origins(0).claims(0), "name");
  EXPECT_EQ(principal.assertion(), "");
}

TEST_F(PrincipalVerifierTest, ClaimsComeByteForByteAsTheyWereSigned) {
  const int64_t now = absl::ToUnixSeconds(clock_.Now());
  const std::string claims = R"({ "z":1.0,"a\"}":[12345678901234567890123,{"claims":{}}], "s":"\\\"}," })";
  const std::string payload =
      absl::StrCat(R"({"claims_of":{"claims":1},"iss":")", kEdge, R"(","aud":"mail","sub":"a)",
                   R"(","idp":"i","claims":)", claims, R"(,"iat":)", now, R"(,"exp":)", now + 1.5, "}");
  const PrincipalVerdict verdict = Verify(common::SignJws(Header().dump(), payload, edge_key_));
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<const Principal>>(verdict));
  EXPECT_EQ(std::get<std::shared_ptr<const Principal>>(verdict)->claims_json(), claims);
}

TEST_F(PrincipalVerifierTest, ClaimsThatCanBeReadInTwoWaysAreNotBelieved) {
  const std::string rest = Claims().dump().substr(1);
  for (const char* other : {R"({"claims":{"sub":"mallory"},)", R"({"cl\u0061ims":{"sub":"mallory"},)"}) {
    const Json header = Header();
    const std::string both = common::SignJws(header.dump(), absl::StrCat(other, rest), edge_key_);
    const PrincipalVerdict verdict = Verify(both);
    if (const auto* principal = std::get_if<std::shared_ptr<const Principal>>(&verdict)) {
      EXPECT_EQ(Json::parse((*principal)->claims_json()), Claims()["claims"]) << other;
    }
  }
  ExpectRefused(PrincipalRefusal::kMalformed,
                common::SignJws(Header().dump(), absl::StrCat(R"({"claims":{"sub":"mallory"},)", rest), edge_key_),
                "two ways");
}

TEST_F(PrincipalVerifierTest, OneThatLivesForLongIsNotOfTheEdge) {
  Json claims = Claims();
  claims["exp"] = claims["iat"].get<int64_t>() + 300;
  ExpectAccepted(Sign(claims));
  claims["exp"] = claims["iat"].get<int64_t>() + 301;
  ExpectRefused(PrincipalRefusal::kMalformed, Sign(claims), "too long");
}

TEST_F(PrincipalVerifierTest, WhatIsNotSaidIsNotKnown) {
  Json claims = Claims();
  for (const char* name :
       {"client_id", "scope", "scopes_known", "audience_known", "token_exp", "claims", "claim_origins", "jti"}) {
    claims.erase(name);
  }
  const PrincipalVerdict verdict = Verify(Sign(claims));
  ASSERT_TRUE(std::holds_alternative<std::shared_ptr<const Principal>>(verdict));
  const Principal& principal = *std::get<std::shared_ptr<const Principal>>(verdict);
  EXPECT_FALSE(principal.scopes_known());
  EXPECT_FALSE(principal.audience_known());
  EXPECT_FALSE(principal.has_expire_time());
  EXPECT_EQ(principal.claims_json(), "");
}

TEST_F(PrincipalVerifierTest, NothingIsBelievedWithoutAnAssertion) {
  ExpectRefused(PrincipalRefusal::kMissing, "", "there is none");
}

TEST_F(PrincipalVerifierTest, AForgedKeyIsNotBelievedWhateverItCallsItself) {
  const Es256PrivateKey forger = Es256PrivateKey::Generate();
  // Under the name of the edge's key.
  ExpectRefused(PrincipalRefusal::kBadSignature, common::SignJws(Header().dump(), Claims().dump(), forger));
  // Under its own, which nobody has published; the key itself comes along.
  Json header = Header();
  header["kid"] = forger.public_key().key_id();
  header["jwk"] = Json::parse(forger.public_key().Jwk());
  header["jku"] = "https://evil.example.com/jwks.json";
  const std::string forged = common::SignJws(header.dump(), Claims().dump(), forger);
  EXPECT_FALSE(verifier_.VerifyNow(forged).has_value());
  const PrincipalVerdict verdict = verifier_.Verify(forged, absl::Now() + absl::Seconds(20));
  ASSERT_TRUE(std::holds_alternative<RefusedPrincipal>(verdict));
  EXPECT_EQ(std::get<RefusedPrincipal>(verdict).refusal, PrincipalRefusal::kUnknownKey);
}

TEST_F(PrincipalVerifierTest, NoOtherAlgorithmIsBelieved) {
  for (const char* algorithm : {"none", "None", "HS256", "ES384", "RS256", ""}) {
    Json header = Header();
    header["alg"] = algorithm;
    ExpectRefused(PrincipalRefusal::kWrongAlgorithm, common::SignJws(header.dump(), Claims().dump(), edge_key_));
    // Without a signature too.
    ExpectRefused(PrincipalRefusal::kWrongAlgorithm, absl::StrCat(common::Base64UrlEncode(header.dump()), ".",
                                                                  common::Base64UrlEncode(Claims().dump()), "."));
  }
  ExpectRefused(PrincipalRefusal::kBadSignature, absl::StrCat(common::Base64UrlEncode(Header().dump()), ".",
                                                              common::Base64UrlEncode(Claims().dump()), "."));
}

TEST_F(PrincipalVerifierTest, ATokenOfAnotherTypeIsNotBelieved) {
  for (const Json& type : {Json("JWT"), Json("at+jwt"), Json("GATEHOUSE-PRINCIPAL+JWT"), Json(1), Json(nullptr)}) {
    Json header = Header();
    header["typ"] = type;
    ExpectRefused(PrincipalRefusal::kWrongType, common::SignJws(header.dump(), Claims().dump(), edge_key_));
  }
}

TEST_F(PrincipalVerifierTest, AnAssertionForAnotherServiceIsNotBelieved) {
  for (const Json& audience : {Json("todo"), Json("MAIL"), Json(""), Json({"mail"}), Json({"mail", "todo"})}) {
    Json claims = Claims();
    claims["aud"] = audience;
    ExpectRefused(PrincipalRefusal::kWrongAudience, Sign(claims), "this is \"mail\"");
  }
}

TEST_F(PrincipalVerifierTest, AServiceMayHaveSeveralNames) {
  PrincipalVerifier verifier({{"post", "mail"}, ""}, keys_, clock_);
  EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const Principal>>(*verifier.VerifyNow(Sign(Claims()))));
}

TEST_F(PrincipalVerifierTest, AnotherEdgeIsNotBelievedIfOneIsNamed) {
  Json claims = Claims();
  claims["iss"] = "https://other.example.com/mcp";
  ExpectRefused(PrincipalRefusal::kWrongIssuer, Sign(claims), "https://other.example.com/mcp");
  PrincipalVerifier any_edge({{"mail"}, ""}, keys_, clock_);
  EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const Principal>>(*any_edge.VerifyNow(Sign(claims))));
}

TEST_F(PrincipalVerifierTest, ExpiresAlsoWhenItWasVerifiedBefore) {
  const std::string assertion = Sign(Claims());
  ExpectAccepted(assertion);
  clock_.Advance(absl::Seconds(119));
  ExpectAccepted(assertion);
  clock_.Advance(absl::Seconds(10));  // clocks may differ
  ExpectAccepted(assertion);
  clock_.Advance(absl::Seconds(1));
  ExpectRefused(PrincipalRefusal::kExpired, assertion);
}

TEST_F(PrincipalVerifierTest, AnAssertionFromTheFutureIsNotBelieved) {
  const int64_t now = absl::ToUnixSeconds(clock_.Now());
  Json claims = Claims();
  claims["iat"] = now + 10;
  ExpectAccepted(Sign(claims));
  claims["iat"] = now + 11;
  ExpectRefused(PrincipalRefusal::kNotYetValid, Sign(claims));
}

TEST_F(PrincipalVerifierTest, NoPartCanBeChanged) {
  const std::string good = Sign(Claims());
  ExpectAccepted(good);
  Json other = Claims();
  other["sub"] = "admin";
  const auto parts = [](const std::string& text) {
    const size_t first = text.find('.');
    const size_t last = text.rfind('.');
    return std::vector<std::string>{text.substr(0, first), text.substr(first + 1, last - first - 1),
                                    text.substr(last + 1)};
  };
  const auto p = parts(good);
  ExpectRefused(PrincipalRefusal::kBadSignature,
                absl::StrCat(p[0], ".", common::Base64UrlEncode(other.dump()), ".", p[2]));
  Json header = Header();
  header["x"] = 1;
  ExpectRefused(PrincipalRefusal::kBadSignature,
                absl::StrCat(common::Base64UrlEncode(header.dump()), ".", p[1], ".", p[2]));
  const std::string signature = *common::Base64UrlDecode(p[2]);
  ExpectRefused(PrincipalRefusal::kBadSignature,
                absl::StrCat(p[0], ".", p[1], ".", common::Base64UrlEncode(signature.substr(1))));
}

TEST_F(PrincipalVerifierTest, WhatIsNoAssertionIsMalformed) {
  Json critical = Header();
  critical["crit"] = {"exp"};
  Json nameless = Header();
  nameless.erase("kid");
  Json long_header = Header();
  long_header["x"] = std::string(2000, 'x');
  for (const std::string& text : {
           std::string("nonsense"),
           std::string("a.b.c"),
           std::string(1 << 20, 'x'),
           common::SignJws("[]", Claims().dump(), edge_key_),
           common::SignJws(critical.dump(), Claims().dump(), edge_key_),
           common::SignJws(nameless.dump(), Claims().dump(), edge_key_),
           common::SignJws(long_header.dump(), Claims().dump(), edge_key_),
           common::SignJws(Header().dump(), "[]", edge_key_),
           common::SignJws(Header().dump(), "", edge_key_),
       }) {
    ExpectRefused(PrincipalRefusal::kMalformed, text);
  }
  for (const char* name : {"sub", "idp", "exp", "iat"}) {
    Json claims = Claims();
    claims.erase(name);
    ExpectRefused(PrincipalRefusal::kMalformed, Sign(claims));
    claims[name] = name[0] == 'e' || name == std::string("iat") ? Json("soon") : Json(1);
    ExpectRefused(PrincipalRefusal::kMalformed, Sign(claims));
  }
}

TEST_F(PrincipalVerifierTest, AnOrdinaryTokenOfTheUserIsNotBelieved) {
  // With the very key of the edge: only `typ` and `aud` keep the two apart.
  ExpectRefused(PrincipalRefusal::kWrongType,
                common::SignJws(R"({"alg":"ES256","typ":"at+jwt","kid":")" + edge_key_.public_key().key_id() + "\"}",
                                R"({"iss":"https://id.example.com/oidc","aud":"mail","sub":"alice","exp":9999999999})",
                                edge_key_));
}

TEST(PrincipalVerifierKeysTest, ANewKeyIsFetchedWhenItIsFirstMet) {
  const Es256PrivateKey old_key = Es256PrivateKey::Generate();
  const Es256PrivateKey new_key = Es256PrivateKey::Generate();
  std::atomic<bool> rotated{false};
  PrincipalKeys keys(
      "test", [&]() -> absl::StatusOr<KeySet> { return KeysOf(rotated ? new_key : old_key); }, absl::Hours(1));
  keys.Start();
  ASSERT_TRUE(keys.AwaitFetch(absl::Now() + absl::Seconds(20)).ok());
  rotated = true;
  const common::SystemClock clock;
  PrincipalVerifier verifier({{"mail"}, ""}, keys, clock);
  const int64_t now = absl::ToUnixSeconds(clock.Now());
  const std::string assertion = common::SignJws(
      absl::StrCat(R"({"alg":"ES256","typ":"gatehouse-principal+jwt","kid":")", new_key.public_key().key_id(), "\"}"),
      absl::StrCat(R"({"iss":"e","aud":"mail","sub":"a","idp":"i","iat":)", now, R"(,"exp":)", now + 120, "}"),
      new_key);
  EXPECT_FALSE(verifier.VerifyNow(assertion).has_value());
  const PrincipalVerdict verdict = verifier.Verify(assertion, absl::Now() + absl::Seconds(20));
  EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const Principal>>(verdict));
}

TEST(PrincipalVerifierKeysTest, WithoutKeysNobodyCanTell) {
  PrincipalKeys keys(
      "test", []() -> absl::StatusOr<KeySet> { return absl::UnavailableError("away"); }, absl::Hours(1));
  keys.Start();
  const common::SystemClock clock;
  PrincipalVerifier verifier({{"mail"}, ""}, keys, clock);
  EXPECT_FALSE(verifier.VerifyNow("a.b.c").has_value());
  const PrincipalVerdict verdict = verifier.Verify("a.b.c", absl::Now() + absl::Seconds(20));
  ASSERT_TRUE(std::holds_alternative<RefusedPrincipal>(verdict));
  EXPECT_EQ(std::get<RefusedPrincipal>(verdict).refusal, PrincipalRefusal::kNoKeys);
}

}  // namespace
}  // namespace tool_service
