#include "common/token_digest.h"

#include "gtest/gtest.h"

namespace common {
namespace {

TEST(TokenDigestTest, DiffersByTokenAndByResource) {
  EXPECT_EQ(DigestToken("t", "r"), DigestToken("t", "r"));
  EXPECT_NE(DigestToken("t", "r"), DigestToken("t", "s"));
  EXPECT_NE(DigestToken("t", "r"), DigestToken("u", "r"));
}

TEST(TokenDigestTest, TheBoundaryBetweenTokenAndResourceCounts) {
  EXPECT_NE(DigestToken("ab", "c"), DigestToken("a", "bc"));
}

TEST(TokenDigestTest, IsSha256) {
  // printf 'abc\0' | sha256sum
  EXPECT_EQ(DigestToken("abc", "")[0], 0xdc);
}

}  // namespace
}  // namespace common
