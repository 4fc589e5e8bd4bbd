#include "auth_service/token/token_form.h"

#include <string>

#include "gtest/gtest.h"

namespace auth_service {
namespace {

TEST(TokenFormTest, ThreePartsWithAJsonHeaderAreAJwt) {
  EXPECT_EQ(FormOf("eyJhbGciOiJFUzM4NCJ9.e30.c2ln"), TokenForm::kJwt);
  EXPECT_EQ(FormOf("eyJhbGciOiJub25lIn0.e30."), TokenForm::kJwt);  // no signature: to be refused as a JWT
  EXPECT_EQ(FormOf("e30.."), TokenForm::kJwt);
}

TEST(TokenFormTest, OtherTokensAreOpaque) {
  EXPECT_EQ(FormOf("xR3_-opaque.~+/=="), TokenForm::kOpaque);
  EXPECT_EQ(FormOf("a.b.c"), TokenForm::kOpaque);
  EXPECT_EQ(FormOf("W10.e30.c2ln"), TokenForm::kOpaque);              // the header is an array
  EXPECT_EQ(FormOf("eyJhbGciOiJFUzM4NCJ9.e30"), TokenForm::kOpaque);  // two parts
  EXPECT_EQ(FormOf("eyJhbGciOiJFUzM4NCJ9.a.b.c.d"), TokenForm::kOpaque);
}

TEST(TokenFormTest, WhatNoBearerTokenMayHoldIsMalformed) {
  for (const std::string token : {"", "=", "==", "a b", "a\r\nHost: x", "a\"b", "a=b", "\xC3\xA9", "a,b", "{}"}) {
    EXPECT_EQ(FormOf(token), TokenForm::kMalformed) << token;
  }
  EXPECT_EQ(FormOf(std::string("a\0b", 3)), TokenForm::kMalformed);
}

TEST(TokenFormTest, TheLengthIsBounded) {
  EXPECT_EQ(FormOf(std::string(kMaxTokenBytes, 'a')), TokenForm::kOpaque);
  EXPECT_EQ(FormOf(std::string(kMaxTokenBytes + 1, 'a')), TokenForm::kMalformed);
}

TEST(TokenFormTest, Base64UrlIsReadStrictly) {
  EXPECT_EQ(DecodeBase64Url("_-8"), "\xFF\xEF");
  EXPECT_EQ(DecodeBase64Url(""), "");
  for (const char* text : {"a", "ab==", "ab+c", "ab/c", "ab c", "abcde"}) {
    EXPECT_EQ(DecodeBase64Url(text), std::nullopt) << text;
  }
}

TEST(TokenFormTest, AJwsHasExactlyThreeParts) {
  const auto parts = SplitJws("a.b.c");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->header, "a");
  EXPECT_EQ(parts->payload, "b");
  EXPECT_EQ(parts->signature, "c");
  for (const char* text : {"", "a", "a.b", "a.b.c.d"}) EXPECT_FALSE(SplitJws(text).has_value()) << text;
}

}  // namespace
}  // namespace auth_service
