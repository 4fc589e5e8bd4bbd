#include "mcp_edge/protocol/list_rendering.h"

#include <string>

#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"

namespace mcp_edge {
namespace {

using nlohmann::json;
using Version = ProtocolVersion;
namespace tool = gatehouse::tool::v1;

json Parsed(const std::string& text) {
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

TEST(ListRenderingTest, EachVersionSeesTheFieldsItHas) {
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

TEST(ListRenderingTest, SchemasPassThroughByteForByte) {
  EXPECT_NE(RenderTool("t", FullTool(), Version::k2026_07_28).find(FullTool().input_schema_json()), std::string::npos);
}

TEST(ListRenderingTest, OutputSchemasThatAreNotObjectsAreForModernClientsOnly) {
  tool::Tool tool = FullTool();
  tool.set_output_schema_json(R"({"type":"array"})");
  EXPECT_FALSE(Parsed(RenderTool("t", tool, Version::k2025_11_25)).contains("outputSchema"));
  EXPECT_TRUE(Parsed(RenderTool("t", tool, Version::k2026_07_28)).contains("outputSchema"));
}

TEST(ListRenderingTest, ResourcesHaveTheFieldsOfTheVersion) {
  tool::Resource resource;
  resource.set_uri("test://a");
  resource.set_name("a");
  resource.set_title("A");
  resource.set_mime_type("text/plain");
  resource.set_size(0);
  resource.mutable_annotations()->add_audience(tool::ROLE_ASSISTANT);
  resource.mutable_annotations()->mutable_last_modified_time()->set_seconds(1);
  resource.add_icons()->set_src("data:,");
  resource.set_meta_json(R"({"k":1})");
  EXPECT_EQ(
      RenderResource(resource, Version::k2024_11_05),
      R"({"uri":"test://a","name":"a","mimeType":"text/plain","size":0,"annotations":{"audience":["assistant"]}})");
  const json third = Parsed(RenderResource(resource, Version::k2025_06_18));
  EXPECT_EQ(third["title"], "A");
  EXPECT_EQ(third["annotations"]["lastModified"], "1970-01-01T00:00:01Z");
  EXPECT_EQ(third["_meta"]["k"], 1);
  EXPECT_FALSE(third.contains("icons"));
  EXPECT_TRUE(Parsed(RenderResource(resource, Version::k2025_11_25)).contains("icons"));
}

TEST(ListRenderingTest, TemplatesHaveTheFieldsOfTheVersion) {
  tool::ResourceTemplate resource_template;
  resource_template.set_uri_template("test://{id}");
  resource_template.set_name("t");
  resource_template.set_title("T");
  resource_template.set_description("d");
  EXPECT_EQ(RenderResourceTemplate(resource_template, Version::k2025_03_26),
            R"({"uriTemplate":"test://{id}","name":"t","description":"d"})");
  EXPECT_EQ(RenderResourceTemplate(resource_template, Version::k2026_07_28),
            R"({"uriTemplate":"test://{id}","name":"t","title":"T","description":"d"})");
}

TEST(ListRenderingTest, PromptsHaveTheFieldsOfTheVersion) {
  tool::Prompt prompt;
  prompt.set_name("inner");
  auto* argument = prompt.add_arguments();
  argument->set_name("x");
  argument->set_title("X");
  argument->set_required(true);
  EXPECT_EQ(RenderPrompt("p.inner", prompt, Version::k2025_03_26),
            R"({"name":"p.inner","arguments":[{"name":"x","required":true}]})");
  EXPECT_EQ(RenderPrompt("p.inner", prompt, Version::k2025_06_18),
            R"({"name":"p.inner","arguments":[{"name":"x","title":"X","required":true}]})");
}

}  // namespace
}  // namespace mcp_edge
