#include "auth_service/doctor/key_checks.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "auth_service/provider/fake_http_client.h"
#include "auth_service/token/test_keys.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::HasSubstr;

class KeyChecksTest : public ::testing::Test {
 protected:
  CheckedKeys Check(const std::vector<std::string>& keys) {
    return CheckBody(absl::StrCat("{\"keys\":[", absl::StrJoin(keys, ","), "]}"));
  }

  CheckedKeys CheckBody(const std::string& body, int status = 200) {
    client_.Answer("https://id.example.com/jwks", status, body);
    return CheckKeys(probe_, "https://id.example.com/jwks");
  }

  FakeHttpClient client_;
  Probe probe_{client_, absl::Seconds(1), false};
  const TestKey ec_{"ES384"};
};

TEST_F(KeyChecksTest, TellsWhichAlgorithmsThereAre) {
  const TestKey rsa("RS256");
  const CheckedKeys checked =
      Check({ec_.Jwk("a", "\"alg\":\"ES384\""), rsa.Jwk("b"), R"({"kty":"OKP","crv":"Ed25519","x":"AA"})"});
  EXPECT_EQ(checked.finding.outcome, Outcome::kOk);
  EXPECT_EQ(checked.finding.text, "2 usable keys: ES384, RSA of 2048 bits without alg; 1 of no use here");
  EXPECT_EQ(checked.keys.size(), 2);
}

TEST_F(KeyChecksTest, WithoutUsableKeysNothingWorks) {
  EXPECT_EQ(Check({}).finding.outcome, Outcome::kFailure);
  EXPECT_EQ(Check({TestKey("RS256", 1024).Jwk("small")}).finding.outcome, Outcome::kFailure);
  EXPECT_EQ(CheckBody("{}").finding.outcome, Outcome::kFailure);
  EXPECT_EQ(CheckBody("", 500).finding.outcome, Outcome::kFailure);
  client_.AnswerWith("https://id.example.com/jwks", absl::UnavailableError("away"));
  EXPECT_THAT(CheckKeys(probe_, "https://id.example.com/jwks").finding.text, HasSubstr("away"));
}

TEST_F(KeyChecksTest, APublishedSecretIsAFailure) {
  EXPECT_THAT(Check({ec_.Jwk("a", "\"d\":\"AAAA\"")}).finding.text, HasSubstr("private"));
  EXPECT_THAT(Check({ec_.Jwk("a"), R"({"kty":"oct","k":"AAAA"})"}).finding.text, HasSubstr("private"));
}

TEST_F(KeyChecksTest, KeyIdsShouldTellKeysApart) {
  EXPECT_THAT(Check({ec_.Jwk("a"), ec_.Jwk("a")}).finding.text, HasSubstr("the same kid"));
  const std::string without = ec_.Jwk("");
  EXPECT_EQ(Check({without, without, without, without}).finding.outcome, Outcome::kOk);
  EXPECT_THAT(Check({without, without, without, without, without}).finding.text, HasSubstr("5 without kid"));
}

TEST_F(KeyChecksTest, ALargeSetIsAWarning) {
  EXPECT_EQ(Check({ec_.Jwk("a", absl::StrCat("\"x5c\":[\"", std::string(150'000, 'A'), "\"]"))}).finding.outcome,
            Outcome::kWarning);
}

}  // namespace
}  // namespace auth_service
