#include "tool_service/whoami/whoami_tool.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tool_service/sdk/fake_tool_context.h"
#include "tool_service/sdk/service.h"

namespace tool_service {
namespace {

using ::testing::HasSubstr;

// Key order, white space, escapes, big numbers and unknown claims must all survive.
constexpr char kClaims[] =
    R"({"sub":"u1", "username":"alice","name":null,"score":12345678901234567890.50,"\u0061":"é","sub2":[1,{"z":1,"a":2}]})";

TEST(WhoamiTest, ReturnsTheClaimsByteForByteAsTextAndAsStructuredContent) {
  FakeToolContext context;
  context.mutable_principal().set_claims_json(kClaims);
  for (const char* arguments : {"", "{}", " { } "}) {
    const auto outcome = Whoami(context, arguments);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    const auto& result = std::get<CallToolResult>(*outcome);
    ASSERT_EQ(result.content_size(), 1);
    EXPECT_EQ(result.content(0).text().text(), kClaims);
    EXPECT_EQ(result.structured_content_json(), kClaims);
    EXPECT_FALSE(result.is_error());
  }
}

TEST(WhoamiTest, MetaSaysWhereEachClaimComesFrom) {
  FakeToolContext context;
  gatehouse::tool::v1::Principal& principal = context.mutable_principal();
  principal.set_claims_json(kClaims);
  const auto meta = [&] {
    const auto outcome = Whoami(context, "");
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return nlohmann::json::parse(std::get<CallToolResult>(*outcome).meta_json());
  };
  EXPECT_EQ(meta(), nlohmann::json::parse(R"({"dev.gatehouse/identity":{"audienceKnown":false,"claimSources":{}}})"));
  principal.set_audience_known(true);
  const auto add = [&](gatehouse::tool::v1::ClaimSource source, const std::string& claim) {
    auto& origin = *principal.add_claim_origins();
    origin.set_source(source);
    origin.add_claims(claim);
    origin.add_claims(claim + "\"2");
  };
  add(gatehouse::tool::v1::CLAIM_SOURCE_TOKEN, "t");
  add(gatehouse::tool::v1::CLAIM_SOURCE_USERINFO, "u");
  add(gatehouse::tool::v1::CLAIM_SOURCE_INTROSPECTION, "i");
  add(gatehouse::tool::v1::CLAIM_SOURCE_DIRECTORY, "d");
  EXPECT_EQ(meta(), nlohmann::json::parse(
                        R"({"dev.gatehouse/identity":{"audienceKnown":true,"claimSources":{"t":"token","t\"2":"token",)"
                        R"("u":"userinfo","u\"2":"userinfo","i":"introspection","i\"2":"introspection",)"
                        R"("d":"directory","d\"2":"directory"}}})"));
}

TEST(WhoamiTest, WithoutAPrincipalIsUnauthenticated) {
  FakeToolContext context;
  EXPECT_EQ(Whoami(context, "").status().code(), absl::StatusCode::kUnauthenticated);
}

TEST(WhoamiTest, ArgumentsAreRefused) {
  FakeToolContext context;
  context.mutable_principal().set_claims_json(kClaims);
  const absl::Status status = Whoami(context, R"({"user":"bob"})").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"user\""));
  EXPECT_EQ(Whoami(context, "[]").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(WhoamiTest, TheToolIsAcceptedAndSaysThatItChangesNothing) {
  Service service("whoami");
  ASSERT_TRUE(service.AddTool(WhoamiTool(), Whoami, Execution::kInline).ok());
  const Tool tool = service.catalog()->tools(0);
  EXPECT_EQ(tool.name(), "whoami");
  EXPECT_TRUE(tool.annotations().read_only());
  EXPECT_FALSE(tool.annotations().destructive());
  EXPECT_TRUE(tool.annotations().idempotent());
  EXPECT_FALSE(tool.annotations().open_world());
  const auto input = nlohmann::json::parse(tool.input_schema_json());
  EXPECT_EQ(input["additionalProperties"], false);
  const auto output = nlohmann::json::parse(tool.output_schema_json());
  EXPECT_EQ(output["required"], nlohmann::json::array({"sub"}));
  EXPECT_EQ(output["properties"]["email"]["type"], nlohmann::json::array({"string", "null"}));
}

}  // namespace
}  // namespace tool_service
