#include "auth_service/token/token_verifier.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace auth_service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Remembers what it was given.
class RecordingVerifier final : public Verifier {
 public:
  std::optional<Verdict> VerifyLocally(absl::string_view token, absl::string_view) override {
    local.emplace_back(token);
    return std::nullopt;
  }
  absl::StatusOr<Verdict> VerifyWithProvider(absl::string_view token, absl::string_view, absl::Time) override {
    with_provider.emplace_back(token);
    return absl::UnavailableError("recording");
  }

  std::vector<std::string> local;
  std::vector<std::string> with_provider;
};

TEST(TokenVerifierTest, EachTokenGoesToTheVerifierOfItsForm) {
  RecordingVerifier jwt;
  RecordingVerifier opaque;
  TokenVerifier verifier(jwt, opaque);
  EXPECT_FALSE(verifier.VerifyLocally("e30.e30.", "r").has_value());
  EXPECT_FALSE(verifier.VerifyLocally("opaque", "r").has_value());
  EXPECT_FALSE(verifier.VerifyWithProvider("e30.e30.", "r", absl::InfiniteFuture()).ok());
  EXPECT_FALSE(verifier.VerifyWithProvider("opaque", "r", absl::InfiniteFuture()).ok());
  EXPECT_THAT(jwt.local, ElementsAre("e30.e30."));
  EXPECT_THAT(jwt.with_provider, ElementsAre("e30.e30."));
  EXPECT_THAT(opaque.local, ElementsAre("opaque"));
  EXPECT_THAT(opaque.with_provider, ElementsAre("opaque"));
}

TEST(TokenVerifierTest, WhatIsNoTokenGoesNowhere) {
  RecordingVerifier jwt;
  RecordingVerifier opaque;
  TokenVerifier verifier(jwt, opaque);
  const std::optional<Verdict> local = verifier.VerifyLocally("a\r\nX-Injected: b", "r");
  ASSERT_TRUE(local.has_value());
  EXPECT_EQ(local->response.refusal().reason(), gatehouse::auth::v1::REFUSAL_REASON_MALFORMED);
  const absl::StatusOr<Verdict> asked = verifier.VerifyWithProvider("a b", "r", absl::InfiniteFuture());
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(asked->response.refusal().reason(), gatehouse::auth::v1::REFUSAL_REASON_MALFORMED);
  EXPECT_THAT(jwt.local, IsEmpty());
  EXPECT_THAT(opaque.local, IsEmpty());
  EXPECT_THAT(opaque.with_provider, IsEmpty());
}

}  // namespace
}  // namespace auth_service
