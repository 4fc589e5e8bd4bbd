#include "mcp_edge/protocol/rendering.h"

#include <string>

#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"

namespace mcp_edge {
namespace {

using nlohmann::json;
using Version = ProtocolVersion;
namespace tool = gatehouse::tool::v1;

json Parsed(const std::string& text) {
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  const auto parsed = ReadJson(text);
  EXPECT_TRUE(parsed.ok()) << parsed.status() << ": " << text;
  return parsed.ok() ? *parsed : json();
}

tool::CallToolResult FullResult() {
  tool::CallToolResult result;
  result.add_content()->mutable_text()->set_text("a \"b\"\n");
  result.add_content()->mutable_image()->set_data(std::string("\0\xff", 2));
  result.add_content()->mutable_audio()->set_data("wav");
  result.add_content()->mutable_resource_link()->set_uri("test://x");
  result.mutable_content(3)->mutable_resource_link()->set_name("X");
  auto* contents = result.add_content()->mutable_resource()->mutable_contents();
  contents->set_uri("test://y");
  contents->set_blob("bin");
  result.set_structured_content_json("{ \"n\": 1.50 }\n");
  return result;
}

TEST(RenderingTest, ContentIsTypedByVersion) {
  const json modern = Parsed(*RenderCallToolResult(FullResult(), Version::k2026_07_28));
  EXPECT_EQ(modern["content"][0]["text"], "a \"b\"\n");
  EXPECT_EQ(modern["content"][1]["data"], "AP8=");
  EXPECT_EQ(modern["content"][2]["type"], "audio");
  EXPECT_EQ(modern["content"][3]["type"], "resource_link");
  EXPECT_EQ(modern["content"][4]["resource"]["blob"], "Ymlu");
  EXPECT_EQ(modern["structuredContent"]["n"], 1.5);
  EXPECT_EQ(modern["resultType"], "complete");
  EXPECT_EQ(modern["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "gatehouse");
  EXPECT_EQ(modern["isError"], false);
  const json oldest = Parsed(*RenderCallToolResult(FullResult(), Version::k2024_11_05));
  EXPECT_EQ(oldest["content"][2]["type"], "text");
  EXPECT_EQ(oldest["content"][3]["text"], "X: test://x");
  EXPECT_FALSE(oldest.contains("structuredContent"));
  EXPECT_FALSE(oldest.contains("resultType"));
  EXPECT_FALSE(oldest.contains("_meta"));
}

TEST(RenderingTest, NumbersOfStructuredContentKeepTheirText) {
  EXPECT_NE(RenderCallToolResult(FullResult(), Version::k2025_11_25)->find(R"("structuredContent":{"n":1.50})"),
            std::string::npos);
}

TEST(RenderingTest, AResultsOwnMetaIsKeptBesideOurs) {
  tool::CallToolResult result;
  result.set_meta_json(R"({"a.example/b":2})");
  const json modern = Parsed(*RenderCallToolResult(result, Version::k2026_07_28));
  EXPECT_EQ(modern["_meta"]["a.example/b"], 2);
  EXPECT_TRUE(modern["_meta"].contains("io.modelcontextprotocol/serverInfo"));
  EXPECT_EQ(Parsed(*RenderCallToolResult(result, Version::k2025_06_18))["_meta"].size(), 1);
  EXPECT_EQ(modern["content"], json::array());
}

TEST(RenderingTest, WhatBreaksTheContractIsAnError) {
  tool::CallToolResult result;
  result.set_structured_content_json("{");
  EXPECT_EQ(RenderCallToolResult(result, Version::k2025_06_18).status().code(), absl::StatusCode::kInternal);
  result.Clear();
  result.add_content();
  EXPECT_EQ(RenderCallToolResult(result, Version::k2025_06_18).status().code(), absl::StatusCode::kInternal);
  result.Clear();
  result.set_meta_json("[]");
  EXPECT_EQ(RenderCallToolResult(result, Version::k2026_07_28).status().code(), absl::StatusCode::kInternal);
}

TEST(RenderingTest, LegacyResultsAreBare) {
  EXPECT_EQ(RenderResult("", Version::k2025_11_25), "{}");
  EXPECT_EQ(RenderCacheableResult("\"tools\":[]", {absl::Seconds(1), true}, Version::k2025_11_25), R"({"tools":[]})");
}

TEST(RenderingTest, CacheTermsAreForModernClients) {
  const json result = Parsed(RenderCacheableResult("\"tools\":[]", {absl::Seconds(2), false}, Version::k2026_07_28));
  EXPECT_EQ(result["ttlMs"], 2000);
  EXPECT_EQ(result["cacheScope"], "private");
}

TEST(RenderingTest, ProgressKeepsItsNumbers) {
  tool::Progress progress;
  progress.set_progress(0.5);
  progress.set_total(100);
  progress.set_message("half");
  EXPECT_EQ(RenderProgress(progress, "\"p\"", Version::k2025_03_26),
            R"({"progressToken":"p","progress":0.5,"total":100,"message":"half"})");
  EXPECT_EQ(RenderProgress(progress, "7", Version::k2024_11_05), R"({"progressToken":7,"progress":0.5,"total":100})");
}

TEST(RenderingTest, InitializeAndDiscoverDescribeTheServer) {
  const json oldest = Parsed(RenderInitializeResult(Version::k2024_11_05, ""));
  EXPECT_EQ(oldest["protocolVersion"], "2024-11-05");
  EXPECT_FALSE(oldest["serverInfo"].contains("title"));
  const json discover = Parsed(RenderDiscoverResult("Use it.", {absl::Seconds(60), true}));
  EXPECT_EQ(discover["supportedVersions"].size(), kProtocolVersionCount);
  EXPECT_EQ(discover["instructions"], "Use it.");
  EXPECT_FALSE(discover.contains("serverInfo"));
}

TEST(RenderingTest, ReadResourceEncodesBinaryContentsAndHintsModernClients) {
  tool::ReadResourceResult result;
  auto* text = result.add_contents();
  text->set_uri("test://a");
  text->set_mime_type("text/plain");
  text->set_text("hello");
  auto* blob = result.add_contents();
  blob->set_uri("test://b");
  blob->set_blob(std::string("\xff\x00", 2));
  blob->set_meta_json(R"({ "k": 1 })");
  const CacheTerms cache = {absl::Seconds(3), true};
  const json modern = Parsed(*RenderReadResourceResult(result, cache, Version::k2026_07_28));
  EXPECT_EQ(modern["contents"][0], json({{"uri", "test://a"}, {"mimeType", "text/plain"}, {"text", "hello"}}));
  EXPECT_EQ(modern["contents"][1]["blob"], "/wA=");
  EXPECT_EQ(modern["ttlMs"], 3000);
  EXPECT_EQ(modern["cacheScope"], "public");
  EXPECT_EQ(modern["resultType"], "complete");
  EXPECT_EQ(
      *RenderReadResourceResult(result, cache, Version::k2025_03_26),
      R"({"contents":[{"uri":"test://a","mimeType":"text/plain","text":"hello"},{"uri":"test://b","blob":"/wA="}]})");
  EXPECT_TRUE(Parsed(*RenderReadResourceResult(result, cache, Version::k2025_06_18))["contents"][1].contains("_meta"));
}

TEST(RenderingTest, AResourceWithoutContentsIsAnError) {
  EXPECT_EQ(RenderReadResourceResult({}, kNotCacheable, Version::k2026_07_28).status().code(),
            absl::StatusCode::kInternal);
}

TEST(RenderingTest, CacheHintsOverrideTheDefaultAsFarAsTheyGo) {
  const CacheTerms otherwise = {absl::Seconds(60), true};
  tool::CacheHint hint;
  EXPECT_EQ(CacheTermsOf(hint, otherwise).ttl, absl::Seconds(60));
  EXPECT_TRUE(CacheTermsOf(hint, otherwise).is_public);
  hint.set_scope(tool::CACHE_SCOPE_PRIVATE);
  hint.mutable_ttl()->set_nanos(5'000'000);
  EXPECT_EQ(CacheTermsOf(hint, otherwise).ttl, absl::Milliseconds(5));
  EXPECT_FALSE(CacheTermsOf(hint, otherwise).is_public);
}

TEST(RenderingTest, TimesToLiveAreWithinBounds) {
  EXPECT_EQ(Parsed(RenderCacheableResult("", {absl::Seconds(-1), false}, Version::k2026_07_28))["ttlMs"], 0);
  EXPECT_EQ(Parsed(RenderCacheableResult("", {absl::InfiniteDuration(), false}, Version::k2026_07_28))["ttlMs"],
            365LL * 24 * 3600 * 1000);
}

TEST(RenderingTest, KeptMembersEndAsACacheableResultDoes) {
  const CacheTerms cache = {absl::Seconds(1), true};
  for (const Version version : {Version::k2025_11_25, Version::k2026_07_28}) {
    EXPECT_EQ("{\"tools\":[]" + CacheableResultEnd(cache, version),
              RenderCacheableResult("\"tools\":[]", cache, version));
  }
}

TEST(RenderingTest, PromptsKeepTheirRoles) {
  tool::GetPromptResult result;
  result.set_description("d");
  result.add_messages()->mutable_content()->mutable_text()->set_text("q");
  result.add_messages()->set_role(tool::ROLE_ASSISTANT);
  result.mutable_messages(1)->mutable_content()->mutable_audio()->set_data("wav");
  EXPECT_EQ(*RenderGetPromptResult(result, Version::k2024_11_05),
            R"({"description":"d","messages":[{"role":"user","content":{"type":"text","text":"q"}},)"
            R"({"role":"assistant","content":{"type":"text","text":"[audio, , 3 bytes]"}}]})");
  const json modern = Parsed(*RenderGetPromptResult(result, Version::k2026_07_28));
  EXPECT_EQ(modern["messages"][1]["content"]["type"], "audio");
  EXPECT_EQ(modern["resultType"], "complete");
  EXPECT_FALSE(modern.contains("ttlMs"));
  result.add_messages();
  EXPECT_FALSE(RenderGetPromptResult(result, Version::k2026_07_28).ok());
}

TEST(RenderingTest, CompletionsAreCutAtAHundred) {
  tool::CompleteResponse response;
  EXPECT_EQ(RenderCompleteResult(response, Version::k2025_11_25), R"({"completion":{"values":[],"hasMore":false}})");
  for (int i = 0; i < 101; ++i) response.add_values("v");
  response.set_total(5);
  const json modern = Parsed(RenderCompleteResult(response, Version::k2026_07_28));
  EXPECT_EQ(modern["completion"]["values"].size(), 100);
  EXPECT_EQ(modern["completion"]["hasMore"], true);
  EXPECT_EQ(modern["completion"]["total"], 100);
  EXPECT_EQ(modern["resultType"], "complete");
}

TEST(RenderingTest, LogMessagesHaveALevelAndAnyData) {
  tool::LogMessage message;
  message.set_level(tool::LOG_LEVEL_NOTICE);
  message.set_data_json("{\n \"n\": 1.50 }");
  EXPECT_EQ(*RenderLogMessage(message), R"({"level":"notice","data":{"n":1.50}})");
  message.set_logger("db");
  message.set_data_json("null");
  EXPECT_EQ(*RenderLogMessage(message), R"({"level":"notice","logger":"db","data":null})");
  message.set_data_json("");
  EXPECT_FALSE(RenderLogMessage(message).ok());
  message.set_data_json("1");
  message.clear_level();
  EXPECT_FALSE(RenderLogMessage(message).ok());
}

TEST(RenderingTest, CapabilitiesAreThoseOfTheVersion) {
  const ServerCapabilities all = {.tools = true,
                                  .resources = true,
                                  .prompts = true,
                                  .list_changed = true,
                                  .subscribe = true,
                                  .logging = true,
                                  .completions = true,
                                  .tasks = true,
                                  .skills = true};
  const std::string lists = R"({"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},)"
                            R"("prompts":{"listChanged":true},"logging":{})";
  EXPECT_EQ(RenderServerCapabilities(all, Version::k2024_11_05), lists + "}");
  EXPECT_EQ(RenderServerCapabilities(all, Version::k2025_11_25), lists + R"(,"completions":{}})");
  EXPECT_EQ(RenderServerCapabilities(all, Version::k2026_07_28),
            lists + R"(,"completions":{},"extensions":{"io.modelcontextprotocol/tasks":{},)"
                    R"("io.modelcontextprotocol/skills":{"directoryRead":true}}})");
  EXPECT_EQ(RenderServerCapabilities({.resources = true}, Version::k2026_07_28), R"({"tools":{},"resources":{}})");
}

TEST(RenderingTest, TheServerDescribesItselfAsTheVersionAllows) {
  EXPECT_EQ(Parsed(RenderInitializeResult(Version::k2025_03_26, ""))["serverInfo"].size(), 2);
  EXPECT_EQ(Parsed(RenderInitializeResult(Version::k2025_06_18, ""))["serverInfo"].size(), 3);
  EXPECT_TRUE(Parsed(RenderInitializeResult(Version::k2025_11_25, ""))["serverInfo"].contains("description"));
}

TEST(RenderingTest, PrioritiesAndTimesThatNoClientCanReadAreMended) {
  tool::CallToolResult result;
  auto* block = result.add_content();
  block->mutable_text()->set_text("x");
  block->mutable_annotations()->set_priority(7);
  block->mutable_annotations()->mutable_last_modified_time()->set_seconds(1LL << 60);
  EXPECT_EQ(Parsed(*RenderCallToolResult(result, Version::k2025_11_25))["content"][0]["annotations"],
            json({{"priority", 1}}));
  block->mutable_annotations()->mutable_last_modified_time()->set_seconds(0);
  EXPECT_EQ(Parsed(*RenderCallToolResult(result, Version::k2025_11_25))["content"][0]["annotations"]["lastModified"],
            "1970-01-01T00:00:00Z");
}

TEST(RenderingTest, AServiceCannotNameItselfAsTheServer) {
  tool::CallToolResult result;
  result.set_meta_json(R"({"io.modelcontextprotocol/serverInfo":{"name":"x"},"k":1})");
  const json modern = Parsed(*RenderCallToolResult(result, Version::k2026_07_28));
  EXPECT_EQ(modern["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "gatehouse");
}

}  // namespace
}  // namespace mcp_edge
