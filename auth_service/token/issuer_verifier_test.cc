#include "auth_service/token/issuer_verifier.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "auth_service/provider/discovery.h"
#include "auth_service/provider/fake_http_client.h"
#include "auth_service/provider/key_set.h"
#include "auth_service/token/jwt_verifier.h"
#include "auth_service/token/test_keys.h"
#include "common/clock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RefusalReason;

constexpr char kA[] = "https://a.example.com/oidc";
constexpr char kB[] = "https://b.example.com";
constexpr char kResource[] = "https://mcp.example.com/mcp";

// Two issuers, with keys that have the same key id.
class IssuerVerifierTest : public ::testing::Test {
 protected:
  IssuerVerifierTest() {
    ProviderIsUp(kA, key_of_a_);
    ProviderIsUp(kB, key_of_b_);
    EXPECT_TRUE(discovery_a_.Refresh().ok() && keys_a_.Refresh().ok());
    EXPECT_TRUE(discovery_b_.Refresh().ok() && keys_b_.Refresh().ok());
  }

  void ProviderIsUp(const std::string& issuer, const TestKey& key) {
    provider_.Answer(issuer + "/.well-known/openid-configuration", 200,
                     absl::StrCat(R"({"issuer":")", issuer, R"(","jwks_uri":")", issuer, R"(/jwks"})"));
    provider_.Answer(issuer + "/jwks", 200, absl::StrCat("{\"keys\":[", key.Jwk("k"), "]}"));
  }

  static std::string Sign(const TestKey& key, absl::string_view iss_member, absl::string_view kid = "k") {
    return key.Sign(absl::StrCat(R"({"alg":"ES384","typ":"at+jwt","kid":")", kid, "\"}"),
                    absl::StrCat("{", iss_member, R"("aud":")", kResource, R"(","sub":"alice","exp":1800003600})"));
  }

  static std::string Token(const TestKey& key, absl::string_view issuer, absl::string_view kid = "k") {
    return Sign(key, absl::StrCat("\"iss\":\"", issuer, "\","), kid);
  }

  absl::StatusOr<Verdict> Judge(const std::string& token) {
    if (std::optional<Verdict> verdict = verifier_.VerifyLocally(token, kResource)) return *std::move(verdict);
    return verifier_.VerifyWithProvider(token, kResource, clock_.Now() + absl::Seconds(5));
  }

  RefusalReason ReasonOf(const std::string& token) {
    const absl::StatusOr<Verdict> verdict = Judge(token);
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.ok() ? verdict->response.refusal().reason() : gatehouse::auth::v1::REFUSAL_REASON_UNSPECIFIED;
  }

  const TestKey key_of_a_{"ES384"};
  const TestKey key_of_b_{"ES384"};
  common::FakeClock clock_;
  FakeHttpClient provider_;
  Discovery discovery_a_{kA, absl::Seconds(5), provider_, clock_};
  KeySet keys_a_{discovery_a_, absl::Seconds(5), provider_, clock_};
  JwtVerifier jwt_a_{kA, absl::Seconds(30), keys_a_, clock_};
  Discovery discovery_b_{kB, absl::Seconds(5), provider_, clock_};
  KeySet keys_b_{discovery_b_, absl::Seconds(5), provider_, clock_};
  JwtVerifier jwt_b_{kB, absl::Seconds(30), keys_b_, clock_};
  IssuerVerifier verifier_{{{kA, &jwt_a_}, {kB, &jwt_b_}}};
};

TEST_F(IssuerVerifierTest, EachIssuersTokensAreItsOwn) {
  const absl::StatusOr<Verdict> of_a = Judge(Token(key_of_a_, kA));
  ASSERT_TRUE(of_a.ok() && of_a->accepted());
  EXPECT_EQ(of_a->response.principal().issuer(), kA);
  const absl::StatusOr<Verdict> of_b = Judge(Token(key_of_b_, kB));
  ASSERT_TRUE(of_b.ok() && of_b->accepted());
  EXPECT_EQ(of_b->response.principal().issuer(), kB);
}

TEST_F(IssuerVerifierTest, KeysOfOneIssuerNeverVerifyATokenThatSaysAnother) {
  EXPECT_EQ(ReasonOf(Token(key_of_a_, kB)), gatehouse::auth::v1::REFUSAL_REASON_BAD_SIGNATURE);
  EXPECT_EQ(ReasonOf(Token(key_of_b_, kA)), gatehouse::auth::v1::REFUSAL_REASON_BAD_SIGNATURE);
  // Nor do they when the other publishes no key of that name.
  provider_.Answer(std::string(kA) + "/jwks", 200, absl::StrCat("{\"keys\":[", key_of_a_.Jwk("only-a"), "]}"));
  ASSERT_TRUE(keys_a_.Refresh().ok());
  EXPECT_EQ(ReasonOf(Token(key_of_a_, kB, "only-a")), gatehouse::auth::v1::REFUSAL_REASON_UNKNOWN_KEY);
}

TEST_F(IssuerVerifierTest, ATokenOfNobodyAsksNobody) {
  const size_t before = provider_.requests().size();
  for (const char* issuer :
       {"https://evil.example.com", "", "https://a.example.com/oidc/", "https://A.example.com/oidc"}) {
    EXPECT_EQ(ReasonOf(Token(key_of_a_, issuer, "unknown")), gatehouse::auth::v1::REFUSAL_REASON_WRONG_ISSUER)
        << issuer;
  }
  for (const char* member : {"", "\"iss\":null,", "\"iss\":[\"https://a.example.com/oidc\"],", "\"iss\":7,"}) {
    EXPECT_EQ(ReasonOf(Sign(key_of_a_, member, "unknown")), gatehouse::auth::v1::REFUSAL_REASON_MISSING_CLAIM)
        << member;
  }
  const std::string twice = absl::StrCat("\"iss\":\"", kA, "\",\"iss\":\"", kB, "\",");
  EXPECT_EQ(ReasonOf(Sign(key_of_a_, twice)), gatehouse::auth::v1::REFUSAL_REASON_MALFORMED);
  for (const char* token : {"e30.W10.", "e30.*.", "e30.", "e30.e3.a.b"}) {
    EXPECT_EQ(ReasonOf(token), gatehouse::auth::v1::REFUSAL_REASON_MALFORMED) << token;
  }
  EXPECT_EQ(provider_.requests().size(), before);
}

TEST_F(IssuerVerifierTest, AnIssuerThatIsAwayMakesOnlyItsOwnTokensUnavailable) {
  Discovery away("https://away.example.com", absl::Seconds(5), provider_, clock_);
  KeySet no_keys(away, absl::Seconds(5), provider_, clock_);
  JwtVerifier jwt(away.issuer(), absl::Seconds(30), no_keys, clock_);
  IssuerVerifier verifier({{kA, &jwt_a_}, {away.issuer(), &jwt}});
  const std::string token = Token(key_of_b_, away.issuer());
  EXPECT_FALSE(verifier.VerifyLocally(token, kResource).has_value());
  EXPECT_EQ(verifier.VerifyWithProvider(token, kResource, clock_.Now() + absl::Seconds(5)).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_TRUE(verifier.VerifyLocally(Token(key_of_a_, kA), kResource)->accepted());
}

}  // namespace
}  // namespace auth_service
