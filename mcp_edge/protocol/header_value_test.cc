#include "mcp_edge/protocol/header_value.h"

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

TEST(HeaderValueTest, PlainValuesAreLiteral) {
  for (const char* value :
       {"", "whoami", "SGVsbG8=", "=?base64?SGVsbG8=", "SGVsbG8=?=", "=?BASE64?SGVsbG8=?=", "a\tb"}) {
    EXPECT_EQ(*DecodeHeaderValue(value), value);
  }
}

TEST(HeaderValueTest, WrappedValuesAreDecoded) {
  EXPECT_EQ(*DecodeHeaderValue("=?base64?SGVsbG8=?="), "Hello");
  EXPECT_EQ(*DecodeHeaderValue("=?base64?w6k=?="), "é");
  EXPECT_EQ(*DecodeHeaderValue("=?base64?"
                               "?="),
            "");
}

TEST(HeaderValueTest, BadBase64IsRefused) {
  for (const char* value : {"=?base64?SGVsbG8?=", "=?base64?SGVs!!!bG8=?=", "=?base64?SGVsbG8==?=", "=?base64?====?=",
                            "=?base64?/w==?=", "=?base64?SGVs bG8?=", "=?base64?SGVs-_8=?="}) {
    EXPECT_FALSE(DecodeHeaderValue(value).ok()) << value;
  }
}

TEST(HeaderValueTest, OtherCharactersAreRefused) {
  EXPECT_FALSE(DecodeHeaderValue("caf\xc3\xa9").ok());
  EXPECT_FALSE(DecodeHeaderValue("a\x01").ok());
  EXPECT_FALSE(DecodeHeaderValue("a\x7f").ok());
}

TEST(HeaderValueTest, TrimsBlanksAndTabs) { EXPECT_EQ(TrimHeaderValue(" \t a b\t "), "a b"); }

}  // namespace
}  // namespace mcp_edge
