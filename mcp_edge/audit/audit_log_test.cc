#include "mcp_edge/audit/audit_log.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/log.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "prometheus/text_serializer.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

class AuditLogTest : public testing::Test {
 protected:
  // The line that recording `decision` writes; null: none.
  json Line(const Decision& decision, bool writes = true) {
    AuditLog audit(writes, registry_);
    common::FlushLog();
    testing::internal::CaptureStderr();
    audit.Record(decision);
    common::FlushLog();
    const std::string text = testing::internal::GetCapturedStderr();
    return text.empty() ? json() : json::parse(text, nullptr, /*allow_exceptions=*/false);
  }

  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  prometheus::Registry registry_;
};

TEST_F(AuditLogTest, SaysWhoDidWhatWithWhichScopes) {
  Principal principal;
  principal.issuer = "https://issuer";
  principal.subject = "alice\n\"";
  principal.client_id = "agent";
  principal.scopes = {"openid", "todo:read"};
  principal.scopes_known = true;
  Decision decision = {.principal = &principal, .method = "tools/call", .name = "delete"};
  decision.arguments = R"({"id":"secret"})";
  decision.scopes_asked = "todo:delete";
  decision.outcome = Decision::Outcome::kChallenged;
  decision.reason = "insufficient_scope";
  decision.request_id = "r1";
  decision.duration = absl::Microseconds(1'234);
  json line = Line(decision);
  ASSERT_TRUE(line.is_object());
  EXPECT_TRUE(line.contains("time"));
  line.erase("time");
  EXPECT_EQ(line, json::parse(R"({"severity":"INFO","service":"gatehouse","event":"audit","request_id":"r1",
      "issuer":"https://issuer","subject":"alice\n\"","client_id":"agent","method":"tools/call","name":"delete","arguments":"redacted",
      "scopes_asked":"todo:delete","scopes_held":"openid todo:read","outcome":"challenged",
      "reason":"insufficient_scope","duration_us":1234})"));
}

TEST_F(AuditLogTest, ArgumentsAreWrittenIfTheyAreAskedFor) {
  const std::string arguments = R"({"id":"7"})";
  for (const bool writes_arguments : {false, true}) {
    AuditLog audit(true, registry_, writes_arguments);
    common::FlushLog();
    testing::internal::CaptureStderr();
    audit.Record({.method = "tools/call", .arguments = arguments});
    audit.Record({.method = "tools/call", .arguments = std::string(9000, 'x')});
    audit.Record({.method = "tasks/get"});
    common::FlushLog();
    std::vector<std::string> written;
    for (absl::string_view line : absl::StrSplit(testing::internal::GetCapturedStderr(), '\n', absl::SkipEmpty())) {
      written.push_back(json::parse(line)["arguments"]);
    }
    const std::string redacted = "redacted";
    EXPECT_EQ(written, writes_arguments ? std::vector<std::string>({arguments, std::string(4096, 'x'), ""})
                                        : std::vector<std::string>({redacted, redacted, ""}));
  }
}

TEST_F(AuditLogTest, UnknownScopesAreSaidToBeUnknownAndNobodyIsNobody) {
  Principal principal;
  EXPECT_EQ(Line({.principal = &principal, .method = "tools/call"})["scopes_held"], "unknown");
  const json line = Line({.method = "POST /mcp", .outcome = Decision::Outcome::kRefused, .reason = "EXPIRED"});
  EXPECT_EQ(line["subject"], "");
  EXPECT_EQ(line["scopes_held"], "");
  EXPECT_EQ(line["outcome"], "refused");
}

TEST_F(AuditLogTest, WhatTheClientMadeLongIsCut) {
  Principal principal;
  principal.scopes_known = true;
  principal.scopes.assign(1'000, std::string(200, 's'));
  const std::string name(100'000, 'n');
  const json line = Line({.principal = &principal, .method = "tools/call", .name = name});
  EXPECT_LT(line.dump().size(), 4'000u);
}

TEST_F(AuditLogTest, SwitchedOffItStillCounts) {
  EXPECT_TRUE(Line({.method = "tools/call"}, /*writes=*/false).is_null());
  Line({.method = "x", .outcome = Decision::Outcome::kFailed, .reason = "unavailable"}, /*writes=*/false);
  EXPECT_TRUE(absl::StrContains(Metrics(), "gatehouse_edge_decisions_total{outcome=\"allowed\",reason=\"\"} 1"))
      << Metrics();
  EXPECT_TRUE(absl::StrContains(Metrics(), "{outcome=\"failed\",reason=\"unavailable\"} 1")) << Metrics();
}

}  // namespace
}  // namespace mcp_edge
