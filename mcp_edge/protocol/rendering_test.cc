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

tool::Tool FullTool() {
  tool::Tool tool;
  tool.set_name("t");
  tool.set_title("Title");
  tool.set_description("Does.");
  tool.set_input_schema_json(R"({"type":"object","properties":{"n":{"maximum":1.50}}})");
  tool.set_output_schema_json(R"({"type":"object"})");
  tool.mutable_annotations()->set_read_only(true);
  tool.add_icons()->set_src("https://example.com/i.png");
  tool.set_meta_json(R"({"example.com/k":1})");
  return tool;
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

TEST(RenderingTest, EachVersionSeesTheFieldsItHas) {
  const json oldest = Parsed(RenderTool("p.t", FullTool(), Version::k2024_11_05));
  EXPECT_EQ(oldest.size(), 3) << oldest;  // name, description, inputSchema
  EXPECT_EQ(oldest["name"], "p.t");
  const json second = Parsed(RenderTool("t", FullTool(), Version::k2025_03_26));
  EXPECT_EQ(second["annotations"]["readOnlyHint"], true);
  EXPECT_EQ(second["annotations"]["title"], "Title");
  EXPECT_FALSE(second.contains("title"));
  const json third = Parsed(RenderTool("t", FullTool(), Version::k2025_06_18));
  EXPECT_EQ(third["title"], "Title");
  EXPECT_TRUE(third.contains("outputSchema"));
  EXPECT_TRUE(third.contains("_meta"));
  EXPECT_FALSE(third.contains("icons"));
  EXPECT_TRUE(Parsed(RenderTool("t", FullTool(), Version::k2025_11_25)).contains("icons"));
}

TEST(RenderingTest, SchemasPassThroughByteForByte) {
  EXPECT_NE(RenderTool("t", FullTool(), Version::k2026_07_28).find(FullTool().input_schema_json()), std::string::npos);
}

TEST(RenderingTest, OutputSchemasThatAreNotObjectsAreForModernClientsOnly) {
  tool::Tool tool = FullTool();
  tool.set_output_schema_json(R"({"type":"array"})");
  EXPECT_FALSE(Parsed(RenderTool("t", tool, Version::k2025_11_25)).contains("outputSchema"));
  EXPECT_TRUE(Parsed(RenderTool("t", tool, Version::k2026_07_28)).contains("outputSchema"));
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

}  // namespace
}  // namespace mcp_edge
