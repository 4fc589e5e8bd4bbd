#include "auth_service/provider/key_set.h"

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth_service/provider/fake_http_client.h"
#include "auth_service/token/test_keys.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

constexpr char kIssuer[] = "https://id.example.com/oidc";
constexpr char kMetadata[] = "https://id.example.com/oidc/.well-known/openid-configuration";
constexpr char kJwksUri[] = "https://id.example.com/oidc/jwks";

const TestKey& EcKey() {
  static const auto* const key = new TestKey("ES384");
  return *key;
}

std::string Jwks(const std::string& keys) { return absl::StrCat("{\"keys\":[", keys, "]}"); }

TEST(ParseKeysTest, ReadsEcAndRsaKeys) {
  const absl::StatusOr<Keys> keys = ParseKeys(
      Jwks(absl::StrCat(EcKey().Jwk("a", "\"alg\":\"ES384\",\"use\":\"sig\",\"key_ops\":[\"verify\"]"), ",",
                        TestKey("ES256").Jwk("b"), ",", TestKey("ES512").Jwk("c"), ",", TestKey("RS256").Jwk(""))));
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_EQ(keys->size(), 4u);
  EXPECT_EQ((*keys)[0].key_id, "a");
  EXPECT_EQ((*keys)[0].algorithm, "ES384");
  EXPECT_EQ((*keys)[0].type, KeyType::kEcP384);
  EXPECT_EQ((*keys)[0].signature_bytes, 96u);
  EXPECT_EQ((*keys)[1].type, KeyType::kEcP256);
  EXPECT_EQ((*keys)[1].signature_bytes, 64u);
  EXPECT_EQ((*keys)[2].type, KeyType::kEcP521);
  EXPECT_EQ((*keys)[2].signature_bytes, 132u);
  EXPECT_EQ((*keys)[3].type, KeyType::kRsa);
  EXPECT_EQ((*keys)[3].signature_bytes, 256u);
  EXPECT_EQ((*keys)[3].key_id, "");
  EXPECT_EQ((*keys)[3].algorithm, "");
}

TEST(ParseKeysTest, LeavesOutKeysThatMustNotVerify) {
  const std::string coordinate(64, 'A');
  for (const std::string& key : {
           EcKey().Jwk("a", "\"use\":\"enc\""),
           EcKey().Jwk("a", "\"use\":7"),
           EcKey().Jwk("", "\"kid\":7"),
           EcKey().Jwk("a", "\"alg\":[\"ES384\"]"),
           EcKey().Jwk("a", "\"alg\":\"none\""),
           EcKey().Jwk("a", "\"alg\":\"HS256\""),
           EcKey().Jwk("a", "\"alg\":\"ES256\""),
           EcKey().Jwk("a", "\"alg\":\"ECDH-ES\""),
           TestKey("RS256").Jwk("a", "\"alg\":\"RSA-OAEP\""),
           EcKey().Jwk("a", "\"key_ops\":[\"sign\"]"),
           EcKey().Jwk("a", "\"key_ops\":\"verify\""),
           TestKey("RS256", 1024).Jwk("a"),
           std::string(R"({"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0","kid":"a","alg":"HS256"})"),
           std::string(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"),
           std::string(R"({"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"})"),
           std::string(R"({"kty":"EC","crv":"P-384"})"),
           std::string(R"({"kty":"RSA","n":"AQAB"})"),
           absl::StrCat(R"({"kty":"EC","crv":"P-384","x":")", coordinate, R"(","y":")", coordinate,
                        "\"}"),  // off curve
           std::string("{}"),
           std::string("[]"),
           std::string("null"),
       }) {
    const absl::StatusOr<Keys> keys = ParseKeys(Jwks(key + "," + EcKey().Jwk("good")));
    ASSERT_TRUE(keys.ok()) << key;
    ASSERT_EQ(keys->size(), 1u) << key;
    EXPECT_EQ((*keys)[0].key_id, "good");
  }
}

TEST(ParseKeysTest, WhatIsNoJwkSetIsAnError) {
  for (const char* text : {"", "[]", "{}", "{\"keys\":{}}", "<html>", "{\"keys\":[}"}) {
    EXPECT_FALSE(ParseKeys(text).ok()) << text;
  }
  EXPECT_TRUE(ParseKeys(R"({"keys":[]})").ok());
}

TEST(ParseKeysTest, TheirNumberIsBounded) {
  std::string keys = EcKey().Jwk("0");
  for (int i = 1; i < 100; ++i) absl::StrAppend(&keys, ",", EcKey().Jwk(absl::StrCat(i)));
  EXPECT_EQ(ParseKeys(Jwks(keys))->size(), 64u);
}

class KeySetTest : public ::testing::Test {
 protected:
  KeySetTest() {
    provider_.Answer(kMetadata, 200, absl::StrCat(R"({"issuer":")", kIssuer, R"(","jwks_uri":")", kJwksUri, "\"}"));
    provider_.Answer(kJwksUri, 200, Jwks(EcKey().Jwk("first")));
    EXPECT_TRUE(discovery_.Refresh().ok());
  }

  std::string FirstKeyId() {
    const auto keys = keys_.current();
    return keys == nullptr || keys->empty() ? "none" : keys->front().key_id;
  }

  common::FakeClock clock_;
  FakeHttpClient provider_;
  Discovery discovery_{kIssuer, absl::Seconds(5), provider_, clock_};
  KeySet keys_{discovery_, absl::Seconds(5), provider_, clock_};
};

TEST_F(KeySetTest, FetchesTheKeysThatTheMetadataNames) {
  EXPECT_EQ(keys_.current(), nullptr);
  ASSERT_TRUE(keys_.Refresh().ok());
  EXPECT_EQ(FirstKeyId(), "first");
}

TEST_F(KeySetTest, WithoutMetadataThereIsNothingToAsk) {
  Discovery nothing_yet(kIssuer, absl::Seconds(5), provider_, clock_);
  KeySet keys(nothing_yet, absl::Seconds(5), provider_, clock_);
  EXPECT_EQ(keys.Refresh().code(), absl::StatusCode::kUnavailable);
}

TEST_F(KeySetTest, OfAnIssuerWithoutJwksUriNothingIsKnown) {
  provider_.Answer(kMetadata, 200, absl::StrCat(R"({"issuer":")", kIssuer, "\"}"));
  Discovery without_keys(kIssuer, absl::Seconds(5), provider_, clock_);
  ASSERT_TRUE(without_keys.Refresh().ok());
  KeySet keys(without_keys, absl::Seconds(5), provider_, clock_);
  EXPECT_EQ(keys.Refresh().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(keys.current(), nullptr);
  EXPECT_EQ(keys.RefreshForUnknownKey("k", absl::Seconds(1)).code(), absl::StatusCode::kUnavailable);
}

TEST_F(KeySetTest, NoKeysAtAllAreNeverTakenNotEvenAtTheStart) {
  for (const std::string& jwks :
       {Jwks(""), Jwks(R"({"kty":"oct","k":"c2VjcmV0"})"), Jwks(EcKey().Jwk("a", "\"use\":\"enc\"")), Jwks("5")}) {
    provider_.Answer(kJwksUri, 200, jwks);
    EXPECT_EQ(keys_.Refresh().code(), absl::StatusCode::kUnavailable) << jwks;
    EXPECT_EQ(keys_.current(), nullptr) << jwks;
    EXPECT_EQ(keys_.RefreshForUnknownKey("first", absl::Seconds(1)).code(), absl::StatusCode::kUnavailable) << jwks;
  }
  // A token brings the keys as soon as they are there.
  provider_.Answer(kJwksUri, 200, Jwks(EcKey().Jwk("first")));
  clock_.Advance(kFailedKeysInterval);
  EXPECT_TRUE(keys_.RefreshForUnknownKey("first", absl::Seconds(1)).ok());
  EXPECT_EQ(FirstKeyId(), "first");
}

TEST_F(KeySetTest, AreFetchedFromAnInternalAddressOnlyIfTheIssuerHasOne) {
  for (const bool is_internal : {false, true}) {
    HttpResponse metadata{200, absl::StrCat(R"({"issuer":")", kIssuer, R"(","jwks_uri":")", kJwksUri, "\"}")};
    metadata.is_internal = is_internal;
    provider_.AnswerWith(kMetadata, metadata);
    ASSERT_TRUE(discovery_.Refresh().ok());
    ASSERT_TRUE(keys_.Refresh().ok());
    EXPECT_EQ(provider_.requests().back().url, kJwksUri);
    EXPECT_EQ(provider_.requests().back().may_be_internal, is_internal);
  }
}

TEST_F(KeySetTest, TheLastGoodKeysStay) {
  ASSERT_TRUE(keys_.Refresh().ok());
  for (const int status : {500, 404, 302, 401}) {
    provider_.Answer(kJwksUri, status, "");
    EXPECT_EQ(keys_.Refresh().code(), absl::StatusCode::kUnavailable) << status;
  }
  provider_.Answer(kJwksUri, 200, "<html>");
  EXPECT_EQ(keys_.Refresh().code(), absl::StatusCode::kUnavailable);
  provider_.AnswerWith(kJwksUri, absl::DeadlineExceededError("slow"));
  EXPECT_EQ(keys_.Refresh().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(FirstKeyId(), "first");
}

TEST_F(KeySetTest, NoKeysAtAllDoNotReplaceGoodOnes) {
  ASSERT_TRUE(keys_.Refresh().ok());
  for (const std::string& jwks :
       {Jwks(""), Jwks(R"({"kty":"oct","k":"c2VjcmV0"})"), Jwks(EcKey().Jwk("a", "\"use\":\"enc\""))}) {
    provider_.Answer(kJwksUri, 200, jwks);
    EXPECT_EQ(keys_.Refresh().code(), absl::StatusCode::kUnavailable) << jwks;
    EXPECT_EQ(FirstKeyId(), "first") << jwks;
  }
  EXPECT_EQ(keys_.RefreshForUnknownKey("k", absl::Seconds(1)).code(), absl::StatusCode::kUnavailable);
  provider_.Answer(kMetadata, 200, absl::StrCat(R"({"issuer":")", kIssuer, "\"}"));
  EXPECT_EQ(discovery_.Refresh().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(keys_.Refresh().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(FirstKeyId(), "first");
  provider_.Answer(kMetadata, 200, absl::StrCat(R"({"issuer":")", kIssuer, R"(","jwks_uri":")", kJwksUri, "\"}"));
  provider_.Answer(kJwksUri, 200, Jwks(EcKey().Jwk("second")));
  ASSERT_TRUE(discovery_.Refresh().ok());
  EXPECT_TRUE(keys_.Refresh().ok());
  EXPECT_EQ(FirstKeyId(), "second");
}

TEST_F(KeySetTest, UnknownKeysAreAskedForOnceInAnInterval) {
  ASSERT_TRUE(keys_.Refresh().ok());
  provider_.Answer(kJwksUri, 200, Jwks(EcKey().Jwk("second")));
  EXPECT_TRUE(keys_.RefreshForUnknownKey("k", absl::Seconds(1)).ok());
  EXPECT_EQ(FirstKeyId(), "second");
  provider_.Answer(kJwksUri, 200, Jwks(EcKey().Jwk("third")));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(keys_.RefreshForUnknownKey("k", absl::Seconds(1)).ok());
  clock_.Advance(kUnknownKeyInterval - absl::Seconds(1));
  EXPECT_TRUE(keys_.RefreshForUnknownKey("k", absl::Seconds(1)).ok());
  EXPECT_EQ(provider_.CountOf(kJwksUri), 2);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(keys_.RefreshForUnknownKey("k", absl::Seconds(1)).ok());
  EXPECT_EQ(FirstKeyId(), "third");
  EXPECT_EQ(provider_.CountOf(kJwksUri), 3);
}

TEST_F(KeySetTest, AKeyIsMissingOnlyIfItWasLookedForAfterATokenNamedIt) {
  // First named: the keys are fetched, and it is not among them.
  EXPECT_TRUE(keys_.RefreshForUnknownKey("a", absl::Seconds(1)).ok());
  // Named in the interval after that: nobody has looked since.
  EXPECT_EQ(keys_.RefreshForUnknownKey("b", absl::Seconds(1)).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(keys_.RefreshForUnknownKey("b", absl::Seconds(1)).code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(keys_.RefreshForUnknownKey("a", absl::Seconds(1)).ok());
  EXPECT_EQ(provider_.CountOf(kJwksUri), 1);
  // Whatever looks next looks for all of them.
  ASSERT_TRUE(keys_.Refresh().ok());
  EXPECT_TRUE(keys_.RefreshForUnknownKey("b", absl::Seconds(1)).ok());
  EXPECT_EQ(keys_.RefreshForUnknownKey("c", absl::Seconds(1)).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(provider_.CountOf(kJwksUri), 2);
  clock_.Advance(kUnknownKeyInterval);
  EXPECT_TRUE(keys_.RefreshForUnknownKey("d", absl::Seconds(1)).ok());
  EXPECT_TRUE(keys_.RefreshForUnknownKey("c", absl::Seconds(1)).ok());
}

TEST_F(KeySetTest, ManyMadeUpKeyIdsMakeNobodyForgetThatNothingIsKnownYet) {
  EXPECT_TRUE(keys_.RefreshForUnknownKey("a", absl::Seconds(1)).ok());
  for (int i = 0; i < 5000; ++i) {
    EXPECT_FALSE(keys_.RefreshForUnknownKey(absl::StrCat("made-up", i), absl::Seconds(1)).ok());
  }
  EXPECT_FALSE(keys_.RefreshForUnknownKey("new", absl::Seconds(1)).ok());
  EXPECT_EQ(provider_.CountOf(kJwksUri), 1);
}

TEST_F(KeySetTest, AnAnswerThatWasOvertakenDoesNotReplaceTheNewerOne) {
  // The first request is answered last, with what was true when it was made.
  class Reordering final : public HttpClient {
   public:
    explicit Reordering(KeySet** keys) : keys_(keys) {}
    absl::StatusOr<HttpResponse> Send(const HttpRequest&) override {
      if (++requests == 1) {
        EXPECT_TRUE((*keys_)->Refresh().ok());
        return HttpResponse{200, Jwks(EcKey().Jwk("old"))};
      }
      return HttpResponse{200, Jwks(EcKey().Jwk("new"))};
    }
    int requests = 0;

   private:
    KeySet** keys_;
  };
  KeySet* pointer = nullptr;
  Reordering client(&pointer);
  KeySet keys(discovery_, absl::Seconds(5), client, clock_);
  pointer = &keys;
  EXPECT_TRUE(keys.Refresh().ok());
  ASSERT_EQ(keys.current()->size(), 1u);
  EXPECT_EQ(keys.current()->front().key_id, "new");
}

TEST_F(KeySetTest, AFailureIsTriedAgainSooner) {
  provider_.Answer(kJwksUri, 503, "");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(keys_.RefreshForUnknownKey("k", absl::Seconds(1)).code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(provider_.CountOf(kJwksUri), 1);
  provider_.Answer(kJwksUri, 200, Jwks(EcKey().Jwk("second")));
  clock_.Advance(kFailedKeysInterval);
  EXPECT_TRUE(keys_.RefreshForUnknownKey("k", absl::Seconds(1)).ok());
  EXPECT_EQ(FirstKeyId(), "second");
}

TEST_F(KeySetTest, TheRequestTakesNoLongerThanTheCallerHas) {
  EXPECT_TRUE(keys_.RefreshForUnknownKey("k", absl::Milliseconds(300)).ok());
  EXPECT_EQ(provider_.requests().back().timeout, absl::Milliseconds(300));
  clock_.Advance(kUnknownKeyInterval);
  EXPECT_TRUE(keys_.RefreshForUnknownKey("k", absl::Seconds(60)).ok());
  EXPECT_EQ(provider_.requests().back().timeout, absl::Seconds(5));
}

TEST_F(KeySetTest, ConcurrentCallersShareOneRequestAndTheirNumberIsBounded) {
  const size_t before = provider_.requests().size();
  provider_.Hold();
  std::atomic<int> ok{0};
  std::atomic<int> turned_away{0};
  std::vector<std::thread> callers;
  const auto call = [&] {
    if (keys_.RefreshForUnknownKey("k", absl::Seconds(60)).ok()) {
      ++ok;
    } else {
      ++turned_away;
    }
  };
  callers.emplace_back(call);
  provider_.AwaitRequests(before + 1);
  for (int i = 0; i < 30; ++i) callers.emplace_back(call);
  while (turned_away < 14) std::this_thread::yield();  // 16 wait with the one that asks
  provider_.Release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(ok, 17);
  EXPECT_EQ(turned_away, 14);
  EXPECT_EQ(provider_.CountOf(kJwksUri), 1);
}

TEST_F(KeySetTest, ACallerDoesNotWaitLongerThanItsTime) {
  const size_t before = provider_.requests().size();
  provider_.Hold();
  std::thread first([&] { (void)keys_.RefreshForUnknownKey("k", absl::Seconds(60)); });
  provider_.AwaitRequests(before + 1);
  EXPECT_EQ(keys_.RefreshForUnknownKey("k", absl::Milliseconds(1)).code(), absl::StatusCode::kUnavailable);
  provider_.Release();
  first.join();
}

}  // namespace
}  // namespace auth_service
