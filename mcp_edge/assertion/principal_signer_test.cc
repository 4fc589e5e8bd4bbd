#include "mcp_edge/assertion/principal_signer.h"

#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "prometheus/registry.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr char kEdge[] = "https://mcp.example.com/mcp";

tool::Principal Alice() {
  tool::Principal principal;
  principal.set_issuer("https://id.example.com/oidc");
  principal.set_subject("al\"ice");
  principal.set_client_id("smartmail");
  principal.add_scopes("openid");
  principal.add_scopes("mail:read");
  principal.set_scopes_known(true);
  principal.set_audience_known(true);
  principal.set_claims_json(R"({"z":1.0,"a":12345678901234567890123,"sub":"al\"ice"})");
  tool::ClaimOrigin& origin = *principal.add_claim_origins();
  origin.set_source(tool::CLAIM_SOURCE_DIRECTORY);
  origin.add_claims("z");
  return principal;
}

class PrincipalSignerTest : public testing::Test {
 protected:
  void ExpireAt(absl::Time time, tool::Principal& principal) {
    principal.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(time));
  }

  // What an assertion says, once its signature has been verified with the key that is published under its `kid`.
  Json Open(const std::string& assertion) {
    const auto jws = common::SplitJws(assertion);
    if (!jws.has_value()) return nullptr;
    const Json header = Json::parse(jws->header_json);
    EXPECT_EQ(header["alg"], "ES256");
    EXPECT_EQ(header["typ"], "gatehouse-principal+jwt");
    const Json published = Json::parse(signer_.KeySetJson());
    for (const Json& jwk : published["keys"]) {
      if (jwk["kid"] != header["kid"]) continue;
      const auto key =
          common::Es256PublicKey::FromCoordinates(jwk["x"].get<std::string>(), jwk["y"].get<std::string>());
      if (key.has_value() && key->Verify(jws->signed_text, jws->signature)) return Json::parse(jws->payload);
    }
    ADD_FAILURE() << "no published key made this signature";
    return nullptr;
  }

  // How many were signed so far.
  double SignedTotal() {
    for (const auto& family : registry_.Collect()) {
      if (family.name == "gatehouse_edge_principals_signed_total") return family.metric[0].counter.value;
    }
    return -1;
  }

  int64_t Now() const { return absl::ToUnixSeconds(clock_.Now()); }

  common::FakeClock clock_;
  prometheus::Registry registry_;
  PrincipalSigner signer_{kEdge, {common::Es256PrivateKey::Generate()}, clock_, registry_};
};

TEST_F(PrincipalSignerTest, SaysEverythingOfThePrincipalToOneService) {
  tool::Principal alice = Alice();
  ExpireAt(clock_.Now() + absl::Hours(1), alice);
  const std::string assertion = signer_.Sign(alice, "whoami");
  Json said = Open(assertion);
  EXPECT_EQ(said["jti"].get<std::string>().size(), 43);
  said.erase("jti");
  EXPECT_EQ(said, Json({{"iss", kEdge},
                        {"aud", "whoami"},
                        {"sub", "al\"ice"},
                        {"idp", "https://id.example.com/oidc"},
                        {"client_id", "smartmail"},
                        {"scope", "openid mail:read"},
                        {"scopes_known", true},
                        {"audience_known", true},
                        {"token_exp", Now() + 3600},
                        {"claims", Json::parse(alice.claims_json())},
                        {"claim_origins", {{{"source", "directory"}, {"claims", {"z"}}}}},
                        {"iat", Now()},
                        {"exp", Now() + 120}}));
  // Byte for byte: numbers that no double holds, and the order.
  EXPECT_THAT(common::SplitJws(assertion)->payload, HasSubstr("\"claims\":" + alice.claims_json()));
}

TEST_F(PrincipalSignerTest, WhatIsNotKnownIsNotSaid) {
  tool::Principal principal;
  principal.set_issuer("https://id.example.com/oidc");
  principal.set_subject("bob");
  const Json said = Open(signer_.Sign(principal, "whoami"));
  for (const char* absent : {"client_id", "token_exp", "claims", "claim_origins"}) EXPECT_FALSE(said.contains(absent));
  EXPECT_EQ(said["scopes_known"], false);
  EXPECT_EQ(said["audience_known"], false);
  EXPECT_EQ(said["scope"], "");
}

TEST_F(PrincipalSignerTest, IsSignedOnceForHalfOfItsLife) {
  const std::string first = signer_.Sign(Alice(), "whoami");
  clock_.Advance(absl::Seconds(59));
  EXPECT_EQ(signer_.Sign(Alice(), "whoami"), first);
  clock_.Advance(absl::Seconds(2));
  const std::string second = signer_.Sign(Alice(), "whoami");
  EXPECT_NE(second, first);
  EXPECT_EQ(Open(second)["exp"], Now() + 120);
  EXPECT_EQ(SignedTotal(), 2);
}

TEST_F(PrincipalSignerTest, AnotherServiceOrAnythingElseOfThePrincipalIsAnotherAssertion) {
  const std::string first = signer_.Sign(Alice(), "whoami");
  const std::string elsewhere = signer_.Sign(Alice(), "todo");
  EXPECT_EQ(Open(elsewhere)["aud"], "todo");
  tool::Principal other = Alice();
  other.add_scopes("mail:write");
  EXPECT_EQ(Open(signer_.Sign(other, "whoami"))["scope"], "openid mail:read mail:write");
  EXPECT_EQ(SignedTotal(), 3);
}

TEST_F(PrincipalSignerTest, DoesNotOutliveTheToken) {
  tool::Principal alice = Alice();
  ExpireAt(clock_.Now() + absl::Seconds(30), alice);
  const std::string assertion = signer_.Sign(alice, "whoami");
  EXPECT_EQ(Open(assertion)["exp"], Now() + 30);
  clock_.Advance(absl::Seconds(16));
  EXPECT_NE(signer_.Sign(alice, "whoami"), assertion);
}

TEST_F(PrincipalSignerTest, LastsLongEnoughForACallThatWasLetIn) {
  tool::Principal alice = Alice();
  ExpireAt(clock_.Now() + absl::Seconds(1), alice);
  const Json said = Open(signer_.Sign(alice, "whoami"));
  EXPECT_EQ(said["exp"], Now() + 30);
  EXPECT_EQ(said["token_exp"], Now() + 1);
}

TEST_F(PrincipalSignerTest, ATaskThatOutlivesTheTokenStillHasAnAssertionThatTellsTheTruth) {
  tool::Principal alice = Alice();
  ExpireAt(clock_.Now() - absl::Seconds(30), alice);
  const Json said = Open(signer_.Sign(alice, "whoami"));
  EXPECT_EQ(said["token_exp"], Now() - 30);
  EXPECT_EQ(said["exp"], Now() + 120);
}

TEST_F(PrincipalSignerTest, FractionsOfASecondAreKept) {
  tool::Principal alice = Alice();
  ExpireAt(clock_.Now() + absl::Hours(1), alice);
  alice.mutable_expire_time()->set_nanos(250'000'000);
  EXPECT_THAT(common::SplitJws(signer_.Sign(alice, "whoami"))->payload,
              HasSubstr(absl::StrCat("\"token_exp\":", Now() + 3600, ".25,")));
}

TEST_F(PrincipalSignerTest, ClaimsThatAreNoObjectAreNotSigned) {
  for (const char* claims : {"[]", "{", "{},\"sub\":\"admin\",\"x\":{}", "{}{}", "nonsense"}) {
    tool::Principal alice = Alice();
    alice.set_claims_json(claims);
    const Json said = Open(signer_.Sign(alice, "whoami"));
    EXPECT_FALSE(said.contains("claims")) << claims;
    EXPECT_EQ(said["sub"], "al\"ice");
  }
}

TEST_F(PrincipalSignerTest, TheFirstKeySignsAndAllArePublished) {
  const auto old_key = common::Es256PrivateKey::Generate();
  const auto new_key = common::Es256PrivateKey::Generate();
  EXPECT_TRUE(signer_.SetKeys({old_key, new_key}));
  EXPECT_FALSE(signer_.SetKeys({old_key, new_key}));
  const std::string before = signer_.Sign(Alice(), "whoami");
  EXPECT_EQ(Json::parse(signer_.KeySetJson())["keys"].size(), 2);
  EXPECT_TRUE(signer_.SetKeys({new_key, old_key}));
  const std::string after = signer_.Sign(Alice(), "whoami");
  EXPECT_NE(after, before);  // at once, and not when the cached one expires
  EXPECT_EQ(Json::parse(common::SplitJws(after)->header_json)["kid"], new_key.public_key().key_id());
  EXPECT_FALSE(Open(before).is_null());  // still good
  EXPECT_THAT(signer_.KeySetJson(), Not(HasSubstr("\"d\"")));
}

TEST_F(PrincipalSignerTest, LargeOnesAreNotKept) {
  tool::Principal alice = Alice();
  alice.set_claims_json("{\"x\":\"" + std::string(60'000, 'x') + "\"}");
  EXPECT_NE(signer_.Sign(alice, "whoami"), signer_.Sign(alice, "whoami"));
}

TEST(ReadPrincipalKeysTest, AnErrorNamesTheFileAndNotWhatItHolds) {
  EXPECT_EQ(ReadPrincipalKeys("/nonexistent").status().code(), absl::StatusCode::kNotFound);
  const std::string name = absl::StrCat(testing::TempDir(), "/keys.pem");
  std::ofstream(name) << "c2VjcmV0";
  const absl::Status status = ReadPrincipalKeys(name).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(name));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("c2VjcmV0")));
}

}  // namespace
}  // namespace mcp_edge
