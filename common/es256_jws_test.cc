#include "common/es256_jws.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The key and the signature of RFC 7515, appendix A.3.
constexpr char kX[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr char kY[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr char kExample[] =
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

// Made for this test with `openssl ecparam -genkey`.
constexpr char kP384[] =
    "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n"
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MIGkAgEBBDDF1nJ9n5bF5UNccqq8/VYwEL5+6mu3T5uv9gsYPaxct1nVkTOyatO+\n"
    "zI7Kz7GORcigBwYFK4EEACKhZANiAARHPbkrdAKs2KNo0P63KGCoImcbUZQ8sY3T\n"
    "4L4Lyqt2NjxXi+v0pP1OIcTqN0TN1UhLkXvM+VuVHZ5D4UrUx/TIb/wlSvz6yx2z\n"
    "5dIt1RORbUhBF3qOoH/bJv6jfV7reMM=\n"
    "-----END EC PRIVATE KEY-----\n";
constexpr char kTwoKeys[] =
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEICR6RnPVrNN4dRmeVBqkxHB7xsnmjF1jSFzNRQ9BIP/zoAoGCCqGSM49\n"
    "AwEHoUQDQgAEVWiYXWXabQiS4l3N6yiFXPTWqHLKv6r10ddo2zTvBiYshXDaVnds\n"
    "n3pNiOd4va4kBoDUkMQif0yPYceeTBHnTw==\n"
    "-----END EC PRIVATE KEY-----\n"
    "# the next one, in the other format\n"
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEsfjbQAXmhMUxat1\n"
    "UmVEzsmJJIbCYRHrJIDPRxARyHWhRANCAAQiXiWthcOyUi30GblGvOFpnacjbmko\n"
    "/icwdTZLWFmaLWZu6jx7DtRurGkhkT4PdtGkFwTQdAWdsh4WNV1VQYHZ\n"
    "-----END PRIVATE KEY-----\n";
constexpr char kEncrypted[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHrMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAg7WAmEVLWY/wIBATAM\n"
    "BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBAgQQT3Hf5igqAUdZ9FVxUHuPNQSBkGQY\n"
    "mWKdf37yoOIx1XdZ8uuqUMcO1Mwby4gdkI2H0snUwhiWxwCCjOKyi+QRL88/96IQ\n"
    "kB2TFJohluH3IJRVvkh6DznGZjamra5AS+n2hB6eLThglJE1/RGY0MoOczlHpsq6\n"
    "SDYIGZ9ujP/auLL2CzBS9skdXnKB5tuGdye2tGWo1r/+2YOtoWvzldmMJBmLtg==\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

TEST(Es256JwsTest, TheExampleOfTheRfcVerifies) {
  const auto key = Es256PublicKey::FromCoordinates(kX, kY);
  ASSERT_TRUE(key.has_value());
  const auto jws = SplitJws(kExample);
  ASSERT_TRUE(jws.has_value());
  EXPECT_EQ(jws->header_json, R"({"alg":"ES256"})");
  EXPECT_THAT(jws->payload, HasSubstr(R"("iss":"joe")"));
  EXPECT_TRUE(key->Verify(jws->signed_text, jws->signature));
}

TEST(Es256JwsTest, WhatIsSignedVerifiesWithThatKeyAndNoOther) {
  const Es256PrivateKey key = Es256PrivateKey::Generate();
  const Es256PrivateKey other = Es256PrivateKey::Generate();
  const std::string text = SignJws(R"({"alg":"ES256"})", "payload", key);
  const auto jws = SplitJws(text);
  ASSERT_TRUE(jws.has_value());
  EXPECT_EQ(jws->payload, "payload");
  EXPECT_TRUE(key.public_key().Verify(jws->signed_text, jws->signature));
  EXPECT_FALSE(other.public_key().Verify(jws->signed_text, jws->signature));
  EXPECT_NE(key.public_key().key_id(), other.public_key().key_id());
}

TEST(Es256JwsTest, EveryChangedBitOfTheSignatureIsNoticed) {
  const Es256PrivateKey key = Es256PrivateKey::Generate();
  const std::string good = key.Sign("message");
  ASSERT_EQ(good.size(), 64);
  EXPECT_FALSE(key.public_key().Verify("Message", good));
  for (size_t byte = 0; byte < good.size(); ++byte) {
    std::string bad = good;
    bad[byte] = static_cast<char>(bad[byte] ^ 1);
    EXPECT_FALSE(key.public_key().Verify("message", bad)) << byte;
  }
}

TEST(Es256JwsTest, OddSignaturesAreRefused) {
  const Es256PublicKey key = Es256PrivateKey::Generate().public_key();
  for (const std::string& odd :
       {std::string(), std::string(63, 'x'), std::string(65, 'x'), std::string(64, '\0'), std::string(64, '\xff')}) {
    EXPECT_FALSE(key.Verify("message", odd)) << odd.size();
  }
}

TEST(Es256JwsTest, AKeyIsWhatItsJwkSays) {
  const Es256PublicKey key = Es256PrivateKey::Generate().public_key();
  const std::string jwk = key.Jwk();
  const auto member = [&](const std::string& name) {
    const size_t begin = jwk.find("\"" + name + "\":\"") + name.size() + 4;
    return jwk.substr(begin, jwk.find('"', begin) - begin);
  };
  const auto again = Es256PublicKey::FromCoordinates(member("x"), member("y"));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->key_id(), member("kid"));
  EXPECT_EQ(again->key_id(), key.key_id());
  EXPECT_THAT(jwk, Not(HasSubstr("\"d\"")));
}

TEST(Es256JwsTest, NoPointOfTheCurveIsNoKey) {
  EXPECT_FALSE(Es256PublicKey::FromCoordinates(kX, kX).has_value());
  EXPECT_FALSE(Es256PublicKey::FromCoordinates(kX, "").has_value());
  EXPECT_FALSE(Es256PublicKey::FromCoordinates(kX, absl::StrCat(kY, "=")).has_value());
  EXPECT_FALSE(Es256PublicKey::FromCoordinates(std::string(43, 'A'), std::string(43, 'A')).has_value());
}

TEST(Es256JwsTest, PemKeysOfBothFormatsAreReadInTheirOrder) {
  const auto keys = Es256PrivateKey::FromPem(kTwoKeys);
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_EQ(keys->size(), 2);
  EXPECT_NE((*keys)[0].public_key().key_id(), (*keys)[1].public_key().key_id());
  for (const Es256PrivateKey& key : *keys) EXPECT_TRUE(key.public_key().Verify("m", key.Sign("m")));
}

TEST(Es256JwsTest, WhatIsNoP256PemIsRefusedWithoutShowingIt) {
  const std::string one = std::string(kTwoKeys);
  std::string many;
  for (int i = 0; i < 9; ++i) many += one;
  std::string damaged = one;
  damaged.replace(damaged.find("BEGIN PRIVATE KEY") + 30, 4, "AAAA");
  const struct {
    std::string pem;
    const char* message;
  } cases[] = {
      {"", "at least one private key"},
      {"no PEM", "at least one private key"},
      {kP384, "private key 1 is not one of the curve P-256"},
      {kEncrypted, "private key 1 cannot be read: it is damaged, or encrypted"},
      {damaged, "private key 2 cannot be read"},
      {many, "at most 16"},
  };
  for (const auto& each : cases) {
    const absl::Status status = Es256PrivateKey::FromPem(each.pem).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(each.message));
  }
}

TEST(Es256JwsTest, OnlyThreePartsOfBase64UrlAreAJws) {
  for (const char* text : {"", ".", "a.b", "YQ.YQ", "YQ.YQ.YQ.YQ", "YQ=.YQ.YQ", "YQ.YQ.YR", "Y Q.YQ.YQ", "+/.YQ.YQ"}) {
    EXPECT_FALSE(SplitJws(text).has_value()) << text;
  }
  EXPECT_TRUE(SplitJws("..").has_value());
  EXPECT_TRUE(SplitJws("YQ.YQ.YQ").has_value());
}

}  // namespace
}  // namespace common
