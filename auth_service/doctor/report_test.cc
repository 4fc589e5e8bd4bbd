#include "auth_service/doctor/report.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace auth_service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Findings kFindings = {Ok("pkce", "S256 is announced"), Warning("iss", "no iss", "Update it."),
                            Failure("resource", "unknown", "Register it."), Skipped("token", "no token", "Give one.")};

TEST(ReportTest, ALineForEachFindingAndWhatToDoMostUrgentFirst) {
  EXPECT_EQ(TextReport("https://id.example.com/oidc", "https://mcp.example.com/mcp", kFindings),
            "issuer    https://id.example.com/oidc\n"
            "resource  https://mcp.example.com/mcp\n"
            "\n"
            "ok       pkce            S256 is announced\n"
            "warning  iss             no iss\n"
            "FAILURE  resource        unknown\n"
            "skipped  token           no token\n"
            "\n"
            "What to do next\n"
            "  1. resource: Register it.\n"
            "  2. iss: Update it.\n"
            "\n"
            "To check more\n"
            "  1. token: Give one.\n"
            "\n"
            "1 failed, 1 warned, 1 ok, 1 skipped\n");
}

TEST(ReportTest, WhatAProviderSaysCannotMoveTheCursor) {
  const std::string report = TextReport("i", "r",
                                        {Ok("issuer",
                                            "a\x1b[2Jb\r\nc\xC2\x9B"
                                            "d\x7F Gr\xC3\xBC\xC3\x9F"
                                            "e" +
                                                std::string(5000, 'x'))});
  EXPECT_THAT(report, HasSubstr("a?[2Jb??c?d? Gr\xC3\xBC\xC3\x9F"
                                "exxx"));
  EXPECT_THAT(report, Not(HasSubstr("\x1b")));
  EXPECT_LT(report.size(), 2000);
}

TEST(ReportTest, JsonIsForMachines) {
  const auto report = nlohmann::json::parse(JsonReport("i", "r", kFindings));
  EXPECT_EQ(report["ok"], false);
  EXPECT_EQ(report["checks"].size(), 4);
  EXPECT_EQ(report["checks"][0], nlohmann::json({{"check", "pkce"}, {"outcome", "ok"}, {"text", "S256 is announced"}}));
  EXPECT_EQ(report["checks"][2]["advice"], "Register it.");
  // Bytes that are no UTF-8 do no harm.
  EXPECT_EQ(nlohmann::json::parse(JsonReport("i", "r", {Ok("issuer", "\xFF")}))["ok"], true);
}

TEST(ReportTest, OnlyAFailureIsUnhealthy) {
  EXPECT_FALSE(Healthy(kFindings));
  EXPECT_TRUE(Healthy({Ok("a", ""), Warning("b", "", ""), Skipped("c", "")}));
}

}  // namespace
}  // namespace auth_service
