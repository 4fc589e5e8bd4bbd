#include "mcp_edge/dispatch/parameter_headers.h"

#include <map>
#include <string>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using nlohmann::json;
using Type = HeaderParameter::Type;

const std::vector<HeaderParameter>& Parameters() {
  static const auto* const parameters = new std::vector<HeaderParameter>{
      {"Region", {"region"}, Type::kString},
      {"Count", {"options", "count"}, Type::kInteger},
      {"Dry", {"dry"}, Type::kBoolean},
  };
  return *parameters;
}

// The JSON-RPC code for `arguments` with these headers; 0: all well.
int Check(const char* arguments, const std::map<std::string, std::string>& sent) {
  MirrorHeaders headers;
  headers.parameter = [&](absl::string_view name) {
    const auto found = sent.find(std::string(name));
    return found == sent.end() ? HeaderField() : HeaderField{absl::string_view(found->second), false};
  };
  const auto error = CheckParameterHeaders(headers, Parameters(), json::parse(arguments));
  return error.has_value() ? WireErrorOf(error->kind).json_rpc : 0;
}

constexpr int kMismatch = -32020;

TEST(ParameterHeadersTest, StringsAreComparedAfterDecoding) {
  EXPECT_EQ(Check(R"({"region":"Hello"})", {{"Region", "Hello"}}), 0);
  EXPECT_EQ(Check(R"({"region":"Hello"})", {{"Region", "=?base64?SGVsbG8=?="}}), 0);
  EXPECT_EQ(Check(R"({"region":"Hello"})", {{"Region", "=?base64?SGVsbG8?="}}), kMismatch);
  EXPECT_EQ(Check(R"({"region":"Hello"})", {{"Region", "=?base64?SGVs!!!bG8=?="}}), kMismatch);
  EXPECT_EQ(Check(R"({"region":"SGVsbG8="})", {{"Region", "SGVsbG8="}}), 0);
  EXPECT_EQ(Check(R"({"region":"=?base64?SGVsbG8="})", {{"Region", "=?base64?SGVsbG8="}}), 0);
  EXPECT_EQ(Check(R"({"region":"hello"})", {{"Region", "Hello"}}), kMismatch);
  EXPECT_EQ(Check(R"({"region":""})", {{"Region", ""}}), 0);
}

TEST(ParameterHeadersTest, AHeaderGoesWithAValueAndOnlyWithOne) {
  EXPECT_EQ(Check("{}", {}), 0);
  EXPECT_EQ(Check(R"({"region":null,"options":{"count":null}})", {}), 0);
  EXPECT_EQ(Check(R"({"region":"test-value"})", {}), kMismatch);
  EXPECT_EQ(Check("{}", {{"Region", "x"}}), kMismatch);
  EXPECT_EQ(Check(R"({"region":null})", {{"Region", "null"}}), kMismatch);
  EXPECT_EQ(Check("{}", {{"Unknown", "x"}}), 0);
}

TEST(ParameterHeadersTest, IntegersAreComparedAsNumbers) {
  for (const char* same : {"42", "42.0", "42.00", "042"}) {
    EXPECT_EQ(Check(R"({"options":{"count":42}})", {{"Count", same}}), 0) << same;
  }
  for (const char* other : {"43", "4.2e1", "0x2A", "", "-", "42.", ".42", "42 1", "inf", "nan", "42.5"}) {
    EXPECT_EQ(Check(R"({"options":{"count":42}})", {{"Count", other}}), kMismatch) << other;
  }
  EXPECT_EQ(Check(R"({"options":{"count":42.0}})", {{"Count", "42"}}), 0);
  EXPECT_EQ(Check(R"({"options":{"count":-7}})", {{"Count", "-7"}}), 0);
  EXPECT_EQ(Check(R"({"options":{"count":9007199254740993}})", {{"Count", "9007199254740992"}}), kMismatch);
  EXPECT_EQ(Check(R"({"options":{"count":18446744073709551615}})", {{"Count", "-1"}}), kMismatch);
}

TEST(ParameterHeadersTest, BooleansAreWords) {
  EXPECT_EQ(Check(R"({"dry":true})", {{"Dry", "true"}}), 0);
  EXPECT_EQ(Check(R"({"dry":true})", {{"Dry", "True"}}), kMismatch);
  EXPECT_EQ(Check(R"({"dry":false})", {{"Dry", "0"}}), kMismatch);
}

TEST(ParameterHeadersTest, WhatTheSchemaRefusesIsLeftToIt) {
  EXPECT_EQ(Check(R"({"region":["x"],"options":5})", {{"Region", "x"}}), 0);
}

TEST(ParameterHeadersTest, TwoDifferentValuesAreAMismatch) {
  MirrorHeaders headers;
  headers.parameter = [](absl::string_view) { return HeaderField{"x", true}; };
  EXPECT_TRUE(
      CheckParameterHeaders(headers, {{"Region", {"region"}, Type::kString}}, json{{"region", "x"}}).has_value());
}

}  // namespace
}  // namespace mcp_edge
