#include "mcp_edge/catalog/validation.h"

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using gatehouse::tool::v1::Tool;
using ::testing::HasSubstr;
using CatalogMessage = gatehouse::tool::v1::Catalog;

ValidatedCatalog Validate(const CatalogMessage& catalog, absl::string_view prefix = "") {
  return *ValidateCatalog(catalog, prefix, nullptr);
}

// Validates one tool; the reason for which it is refused, or "".
std::string Refusal(const std::function<void(Tool&)>& change, absl::string_view prefix = "") {
  CatalogMessage catalog;
  Tool& tool = *catalog.add_tools();
  tool.set_name("good");
  change(tool);
  const ValidatedCatalog validated = Validate(catalog, prefix);
  if (validated.refused.empty()) {
    EXPECT_EQ(validated.contents.tools.size(), 1u);
    return "";
  }
  EXPECT_TRUE(validated.contents.tools.empty());
  EXPECT_EQ(validated.refused[0].kind, "tool");
  return validated.refused[0].reason;
}

std::string Nested(int depth) {
  std::string text = R"({"type":"object","x":)";
  for (int i = 1; i < depth; ++i) text += "[";
  for (int i = 1; i < depth; ++i) text += "]";
  return text + "}";
}

TEST(ValidateToolTest, TakesOverWhatIsGood) {
  CatalogMessage catalog;
  Tool& tool = *catalog.add_tools();
  tool.set_name("send");
  tool.set_input_schema_json("{ \"type\": \"object\",\n \"z\": 1.0, \"a\": \"b c\" }");
  tool.set_output_schema_json(R"({ "type": "array" })");
  tool.set_meta_json(R"({ "a": 1 })");
  tool.set_required_client_capabilities_json(R"({"sampling": {}})");
  tool.add_required_scopes()->add_scopes("mail:send");
  tool.mutable_timeout()->set_seconds(3);
  tool.mutable_timeout()->set_nanos(500'000'000);
  const auto service = std::make_shared<ToolServiceClient>("mail", "ipv4:127.0.0.1:1");
  const auto validated = ValidateCatalog(catalog, "mail.", service);
  ASSERT_TRUE(validated.ok());
  ASSERT_EQ(validated->contents.tools.size(), 1u);
  const ToolEntry& entry = validated->contents.tools[0];
  EXPECT_EQ(entry.name, "mail.send");
  EXPECT_EQ(entry.tool.name(), "send");
  EXPECT_EQ(entry.tool.input_schema_json(), R"({"type":"object","z":1.0,"a":"b c"})");
  EXPECT_EQ(entry.tool.output_schema_json(), R"({"type":"array"})");
  EXPECT_EQ(entry.tool.meta_json(), R"({"a":1})");
  EXPECT_EQ(entry.required_client_capabilities, nlohmann::json::parse(R"({"sampling":{}})"));
  EXPECT_EQ(entry.required_scopes, (std::vector<ScopeSet>{{"mail:send"}}));
  EXPECT_EQ(entry.timeout, absl::Milliseconds(3500));
  EXPECT_EQ(entry.service, service);
}

TEST(ValidateToolTest, AbsentFieldsHaveTheirDefaults) {
  CatalogMessage catalog;
  catalog.add_tools()->set_name("t");
  const ToolEntry entry = Validate(catalog).contents.tools.at(0);
  EXPECT_EQ(entry.tool.input_schema_json(), R"({"type":"object","additionalProperties":false})");
  EXPECT_EQ(entry.tool.output_schema_json(), "");
  EXPECT_EQ(entry.tool.meta_json(), "");
  EXPECT_TRUE(entry.required_client_capabilities.is_object());
  EXPECT_TRUE(entry.required_client_capabilities.empty());
  EXPECT_TRUE(entry.required_scopes.empty());
  EXPECT_FALSE(entry.timeout.has_value());
}

TEST(ValidateToolTest, NamesAreBoundedWithTheirPrefix) {
  const auto name = [](std::string value) { return [value](Tool& tool) { tool.set_name(value); }; };
  EXPECT_EQ(Refusal(name("aZ09_.-")), "");
  EXPECT_EQ(Refusal(name(std::string(64, 'a'))), "");
  EXPECT_THAT(Refusal(name(std::string(65, 'a'))), HasSubstr("the name needs 1 to 64"));
  EXPECT_EQ(Refusal(name(std::string(62, 'a')), "p."), "");
  EXPECT_THAT(Refusal(name(std::string(63, 'a')), "p."), HasSubstr("the name needs 1 to 64"));
  EXPECT_THAT(Refusal(name(""), "p."), HasSubstr("the name needs 1 to 64"));
  for (const char* bad : {"a b", "a/b", "caf\xc3\xa9", "a\n", "a:b"}) {
    EXPECT_THAT(Refusal(name(bad)), HasSubstr("the name needs 1 to 64")) << bad;
  }
}

TEST(ValidateToolTest, InputSchemaIsAnObjectForObjects) {
  const auto schema = [](std::string value) { return [value](Tool& tool) { tool.set_input_schema_json(value); }; };
  EXPECT_EQ(Refusal(schema(Nested(64))), "");
  EXPECT_NE(Refusal(schema(Nested(65))), "");
  EXPECT_NE(Refusal(schema("{")), "");
  EXPECT_NE(Refusal(schema(R"({"type":"object"} x)")), "");
  EXPECT_NE(Refusal(schema(R"({"type":"object","type":"array"})")), "");
  EXPECT_THAT(Refusal(schema("[]")), HasSubstr("input_schema_json is not a JSON object"));
  EXPECT_THAT(Refusal(schema("true")), HasSubstr("input_schema_json is not a JSON object"));
  EXPECT_THAT(Refusal(schema("{}")), HasSubstr("\"type\":\"object\""));
  EXPECT_THAT(Refusal(schema(R"({"type":"array"})")), HasSubstr("\"type\":\"object\""));
  EXPECT_THAT(Refusal(schema(R"({"type":["object"]})")), HasSubstr("\"type\":\"object\""));
  EXPECT_THAT(Refusal(schema(R"({"type":"object","x":")" + std::string(256 << 10, 'x') + "\"}")),
              HasSubstr("input_schema_json may have at most 262144 bytes"));
}

TEST(ValidateToolTest, SchemasAreCompiledOnceForEachText) {
  CatalogMessage catalog;
  for (const char* const schema :
       {R"({"type":"object","required":["a"]})", R"({ "type":"object","required":["a"] })"}) {
    Tool& tool = *catalog.add_tools();
    tool.set_name("t");
    tool.set_input_schema_json(schema);
    tool.set_output_schema_json(schema);
  }
  catalog.add_tools()->set_name("without");
  const ValidatedCatalog validated = Validate(catalog);
  ASSERT_EQ(validated.contents.tools.size(), 3u);
  const ToolEntry& entry = validated.contents.tools[0];
  EXPECT_EQ(entry.input_schema->Check("{}"), "/a: is required");
  EXPECT_EQ(entry.output_schema, entry.input_schema);
  EXPECT_EQ(validated.contents.tools[1].input_schema, entry.input_schema);
  EXPECT_EQ(validated.contents.tools[2].input_schema->Check(R"({"a":1})"), "/a: is not a known property");
  EXPECT_EQ(validated.contents.tools[2].output_schema, nullptr);
}

TEST(ValidateToolTest, SchemasThatDoNotCompileAreRefused) {
  EXPECT_EQ(Refusal([](Tool& tool) {
              tool.set_input_schema_json(R"({"type":"object","properties":{"a":{"type":"text"}}})");
            }),
            "input_schema_json: /properties/a/type: \"text\" is not a type");
  EXPECT_THAT(Refusal([](Tool& tool) { tool.set_output_schema_json(R"({"$ref":"https://x.example/y"})"); }),
              HasSubstr("output_schema_json: the reference"));
  EXPECT_THAT(
      Refusal([](Tool& tool) {
        tool.set_input_schema_json(R"({"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}})");
      }),
      HasSubstr("x-mcp-header of a"));
}

TEST(ValidateToolTest, HeaderParametersAreTaken) {
  CatalogMessage catalog;
  Tool& tool = *catalog.add_tools();
  tool.set_name("t");
  tool.set_input_schema_json(R"({"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"}}})");
  const ValidatedCatalog validated = Validate(catalog);
  ASSERT_EQ(validated.contents.tools.size(), 1u);
  ASSERT_EQ(validated.contents.tools[0].header_parameters.size(), 1u);
  EXPECT_EQ(validated.contents.tools[0].header_parameters[0].name, "A");
}

// Whether that catalogue is validated within ten seconds of processor time, which is enough for sanitizers too.
bool IsQuick(const CatalogMessage& catalog) {
  const std::clock_t start = std::clock();
  EXPECT_TRUE(ValidateCatalog(catalog, "", nullptr).ok());
  return std::clock() - start < 10 * CLOCKS_PER_SEC;
}

CatalogMessage CatalogWithSchemas(size_t bytes, const std::function<std::string(size_t)>& schema) {
  CatalogMessage catalog;
  for (size_t i = 0; bytes > 0; ++i) {
    Tool& tool = *catalog.add_tools();
    tool.set_name(std::to_string(i));
    tool.set_input_schema_json(schema(i));
    bytes -= std::min(bytes, tool.ByteSizeLong());
  }
  return catalog;
}

TEST(ValidateCatalogTest, HostileCataloguesTakeBoundedTime) {
  constexpr size_t kBytes = 256 << 10;  // of the 8 MiB that are let in
  const auto with = [](size_t i, const std::string& rest) {
    return R"({"type":"object","title":")" + std::to_string(i) + "\"," + rest + "}";
  };
  std::string branches = "true";
  while (branches.size() < 200'000) branches += ",{}";
  EXPECT_TRUE(IsQuick(CatalogWithSchemas(kBytes, [&](size_t i) { return with(i, "\"allOf\":[" + branches + "]"); })));
  std::string numbers = "0";
  for (int i = 1; numbers.size() < 200'000; ++i) numbers += "," + std::to_string(i);
  EXPECT_TRUE(IsQuick(CatalogWithSchemas(kBytes, [&](size_t i) { return with(i, "\"enum\":[" + numbers + "]"); })));
  std::string refs = R"("d0":{})";
  for (int i = 1; refs.size() < 200'000; ++i) {
    refs += ",\"d" + std::to_string(i) + R"(":{"$ref":"#/$defs/d)" + std::to_string(i - 1) + "\"}";
  }
  EXPECT_TRUE(IsQuick(CatalogWithSchemas(kBytes, [&](size_t i) { return with(i, "\"$defs\":{" + refs + "}"); })));
  std::string deep = "true";
  for (int i = 0; i < 62; ++i) deep = R"({"items":)" + deep + "}";
  EXPECT_TRUE(IsQuick(CatalogWithSchemas(kBytes, [&](size_t i) { return with(i, "\"not\":" + deep); })));
  EXPECT_TRUE(IsQuick(CatalogWithSchemas(kBytes / 8, [&](size_t i) {
    return with(i, R"("properties":{"a":{"pattern":"(\\p{L}{8}){3}|)" + std::to_string(i) + R"("}})");
  })));
}

TEST(ValidateCatalogTest, ManyToolsWithFewSchemasAreQuick) {
  CatalogMessage catalog;
  for (int i = 0; i < 10'000; ++i) {
    Tool& tool = *catalog.add_tools();
    tool.set_name("tool_" + std::to_string(i));
    tool.set_input_schema_json(R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}}})");
  }
  EXPECT_EQ(Validate(catalog).contents.tools.size(), 10'000u);
  EXPECT_TRUE(IsQuick(catalog));
}

TEST(ValidateToolTest, OtherJsonFieldsAreObjects) {
  for (const char* bad : {"[]", "null", "{", "1"}) {
    EXPECT_THAT(Refusal([bad](Tool& tool) { tool.set_output_schema_json(bad); }), HasSubstr("output_schema_json"));
    EXPECT_THAT(Refusal([bad](Tool& tool) { tool.set_meta_json(bad); }), HasSubstr("meta_json"));
    EXPECT_THAT(Refusal([bad](Tool& tool) { tool.set_required_client_capabilities_json(bad); }),
                HasSubstr("required_client_capabilities_json"));
  }
}

TEST(ValidateToolTest, TextsAreBounded) {
  EXPECT_EQ(Refusal([](Tool& tool) { tool.set_description(std::string(16 << 10, 'x')); }), "");
  EXPECT_THAT(Refusal([](Tool& tool) { tool.set_description(std::string((16 << 10) + 1, 'x')); }),
              HasSubstr("the description may have at most 16384 bytes"));
  EXPECT_THAT(Refusal([](Tool& tool) { tool.set_title(std::string(1025, 'x')); }), HasSubstr("the title"));
}

TEST(ValidateToolTest, ScopeSetsRequireSomething) {
  EXPECT_THAT(Refusal([](Tool& tool) { tool.add_required_scopes(); }), HasSubstr("would require nothing"));
  for (const char* bad : {"", "a b", "a\"b", "a\\b", "caf\xc3\xa9"}) {
    EXPECT_THAT(Refusal([bad](Tool& tool) { tool.add_required_scopes()->add_scopes(bad); }),
                HasSubstr("not a scope token"))
        << bad;
  }
  EXPECT_THAT(Refusal([](Tool& tool) {
                for (int i = 0; i < 33; ++i) tool.add_required_scopes()->add_scopes("a");
              }),
              HasSubstr("at most 32 scope sets"));
}

TEST(ValidateToolTest, IconsTimeoutsAndTaskSupportMakeSense) {
  EXPECT_EQ(Refusal([](Tool& tool) { tool.add_icons()->set_src("https://x.example/i.png"); }), "");
  EXPECT_EQ(Refusal([](Tool& tool) { tool.add_icons()->set_src("data:image/png;base64,AA=="); }), "");
  EXPECT_THAT(Refusal([](Tool& tool) { tool.add_icons()->set_src("javascript:alert(1)"); }), HasSubstr("src"));
  EXPECT_THAT(Refusal([](Tool& tool) {
                tool.add_icons()->set_src("https://x.example/i.png");
                tool.mutable_icons(0)->set_theme("pink");
              }),
              HasSubstr("theme"));
  EXPECT_THAT(Refusal([](Tool& tool) { tool.mutable_timeout()->set_seconds(-1); }), HasSubstr("timeout"));
  EXPECT_THAT(Refusal([](Tool& tool) { tool.mutable_timeout(); }), HasSubstr("timeout is zero"));
  EXPECT_THAT(Refusal([](Tool& tool) { tool.mutable_timeout()->set_nanos(1'000'000'000); }), HasSubstr("timeout"));
  EXPECT_THAT(Refusal([](Tool& tool) { tool.set_task_support(static_cast<gatehouse::tool::v1::TaskSupport>(9)); }),
              HasSubstr("task_support"));
  EXPECT_THAT(Refusal([](Tool& tool) { tool.set_announces_task_start(true); }), HasSubstr("announces_task_start"));
  EXPECT_EQ(Refusal([](Tool& tool) {
              tool.set_announces_task_start(true);
              tool.set_task_support(gatehouse::tool::v1::TASK_SUPPORT_OPTIONAL);
            }),
            "");
}

TEST(ValidateCatalogTest, BadEntriesTakeNoOthersAlong) {
  CatalogMessage catalog;
  catalog.add_tools()->set_name("first");
  catalog.add_tools()->set_name("bad name");
  catalog.add_tools()->set_name("last");
  catalog.set_instructions("Be kind.");
  const ValidatedCatalog validated = Validate(catalog);
  ASSERT_EQ(validated.contents.tools.size(), 2u);
  EXPECT_EQ(validated.contents.tools[0].name, "first");
  EXPECT_EQ(validated.contents.tools[1].name, "last");
  EXPECT_EQ(validated.contents.instructions, "Be kind.");
  ASSERT_EQ(validated.refused.size(), 1u);
  EXPECT_EQ(validated.refused[0].name, "bad name");
}

TEST(ValidateCatalogTest, ResourcesAreChecked) {
  const auto refused = [](const char* uri, const char* name) {
    CatalogMessage catalog;
    catalog.add_resources()->set_uri(uri);
    catalog.mutable_resources(0)->set_name(name);
    const ValidatedCatalog validated = Validate(catalog);
    EXPECT_EQ(validated.refused.size() + validated.contents.resources.size(), 1u);
    return !validated.refused.empty() && validated.refused[0].kind == "resource";
  };
  EXPECT_FALSE(refused("file:///a/b", "n"));
  EXPECT_FALSE(refused("urn:x", "n"));
  for (const char* bad : {"", "a/b", ":x", "x:", "1x:y", "file:///a b", "file:///{a}", "file:///caf\xc3\xa9"}) {
    EXPECT_TRUE(refused(bad, "n")) << bad;
  }
  EXPECT_TRUE(refused("file:///a", ""));
  EXPECT_TRUE(refused("file:///a", "a\nb"));
}

TEST(ValidateCatalogTest, ResourceDetailsAreChecked) {
  CatalogMessage catalog;
  for (int i = 0; i < 3; ++i) {
    catalog.add_resources()->set_uri("file:///a");
    catalog.mutable_resources(i)->set_name("n");
  }
  catalog.mutable_resources(0)->set_size(-1);
  catalog.mutable_resources(1)->mutable_annotations()->set_priority(1.5);
  catalog.mutable_resources(2)->mutable_annotations()->add_audience(gatehouse::tool::v1::ROLE_UNSPECIFIED);
  EXPECT_EQ(Validate(catalog).refused.size(), 3u);
}

TEST(ValidateCatalogTest, TemplatesAreChecked) {
  const auto refused = [](const char* uri_template) {
    CatalogMessage catalog;
    catalog.add_resource_templates()->set_uri_template(uri_template);
    catalog.mutable_resource_templates(0)->set_name("n");
    return !Validate(catalog).refused.empty();
  };
  EXPECT_FALSE(refused("file:///{path}/{?q,r}"));
  for (const char* bad : {"", "file:///{a", "file:///a}", "file:///{{a}}", "file:///a b"}) {
    EXPECT_TRUE(refused(bad)) << bad;
  }
  for (const char* bad : {"{scheme}:x", "{+uri}", "a/{b}", "a{b}:x", ":{a}", "1a:{b}"})
    EXPECT_TRUE(refused(bad)) << bad;
  std::string many = "x:";
  for (int i = 0; i < 16; ++i) many += "{a}";
  EXPECT_FALSE(refused(many.c_str()));
  EXPECT_TRUE(refused((many + "{a}").c_str()));
}

TEST(ValidateCatalogTest, TemplatesAreFewAndTakeLittleTime) {
  CatalogMessage catalog;
  for (int i = 0; i < 4'000; ++i) {
    std::string uri_template = "x:";
    for (int j = 0; j < (i % 2 == 0 ? 16 : 500); ++j) uri_template += "{+a}a";
    catalog.add_resource_templates()->set_uri_template(uri_template + std::to_string(i) + "b");
    catalog.mutable_resource_templates(i)->set_name("n");
  }
  const ValidatedCatalog validated = Validate(catalog);
  EXPECT_EQ(validated.contents.resource_templates.size(), 1'000u);
  const CatalogSnapshot snapshot(validated.contents, nullptr);
  // The worst there is: all begin like it, and every character may be the place of every literal. Processor time, with
  // room for a build that is not optimized.
  const std::clock_t start = std::clock();
  EXPECT_FALSE(snapshot.FindReader("x:" + std::string(2'000, 'a')).has_value());
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 10);
  const std::clock_t then = std::clock();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(snapshot.FindReader("y:" + std::string(8'000, 'a')).has_value());
  EXPECT_LT((std::clock() - then) / CLOCKS_PER_SEC, 2);
}

TEST(ValidateCatalogTest, PromptsAreCheckedAndPrefixed) {
  CatalogMessage catalog;
  catalog.add_prompts()->set_name("good");
  catalog.mutable_prompts(0)->add_arguments()->set_name("a");
  catalog.add_prompts()->set_name("twice");
  catalog.mutable_prompts(1)->add_arguments()->set_name("a");
  catalog.mutable_prompts(1)->add_arguments()->set_name("a");
  catalog.add_prompts()->set_name("bad name");
  const ValidatedCatalog validated = Validate(catalog, "p.");
  ASSERT_EQ(validated.contents.prompts.size(), 1u);
  EXPECT_EQ(validated.contents.prompts[0].name, "p.good");
  EXPECT_EQ(validated.refused.size(), 2u);
}

TEST(ValidateCatalogTest, CountsAndSizesAreBounded) {
  CatalogMessage catalog;
  for (int i = 0; i < 10'002; ++i) catalog.add_tools()->set_name("t" + std::to_string(i));
  const ValidatedCatalog validated = Validate(catalog);
  EXPECT_EQ(validated.contents.tools.size(), 10'000u);
  EXPECT_EQ(validated.refused.size(), 2u);
  CatalogMessage bad;
  for (int i = 0; i < 100'000; ++i) bad.add_resources();
  EXPECT_EQ(Validate(bad).refused.size(), 20u);
  EXPECT_EQ(Validate(bad).refused_count, 100'000u);
  CatalogMessage huge;
  huge.set_instructions(std::string(9 << 20, 'x'));
  EXPECT_EQ(ValidateCatalog(huge, "", nullptr).status().code(), absl::StatusCode::kInvalidArgument);
  CatalogMessage wordy;
  wordy.set_instructions(std::string((4 << 10) + 1, 'x'));
  EXPECT_EQ(Validate(wordy).contents.instructions, "");
  EXPECT_EQ(Validate(wordy).refused.at(0).kind, "instructions");
}

TEST(ValidateCatalogTest, SkillsAreChecked) {
  using gatehouse::tool::v1::Skill;
  const auto refusal = [](const std::function<void(Skill&)>& change) -> std::string {
    CatalogMessage catalog;
    Skill& skill = *catalog.add_skills();
    skill.set_uri("skill://team/pdf-forms/SKILL.md");
    skill.set_frontmatter_json(R"({"name": "pdf-forms", "description": "Fills in forms.", "x": [1.0]})");
    for (const char* uri : {"skill://team/pdf-forms/SKILL.md", "skill://team/pdf-forms/lib/fill.py"}) {
      auto& file = *skill.add_files();
      file.set_uri(uri);
      file.set_sha256(std::string(32, 'x'));
      file.set_size(1);
    }
    change(skill);
    const ValidatedCatalog validated = Validate(catalog);
    EXPECT_EQ(validated.contents.skills.size() + validated.refused.size(), 1u);
    if (validated.refused.empty()) return "";
    EXPECT_EQ(validated.refused[0].kind, "skill");
    return validated.refused[0].reason;
  };
  EXPECT_EQ(refusal([](Skill&) {}), "");
  EXPECT_EQ(refusal([](Skill& skill) { skill.clear_files(); }), "");
  const auto refusal_of_uri = [&](const char* uri) {
    return refusal([uri](Skill& skill) {
      skill.clear_files();
      skill.set_uri(uri);
    });
  };
  EXPECT_EQ(refusal_of_uri("skill://pdf-forms/SKILL.md"), "");
  EXPECT_THAT(refusal_of_uri("skill:///SKILL.md"), HasSubstr("form"));
  EXPECT_THAT(refusal_of_uri("https://team/pdf-forms/SKILL.md"), HasSubstr("form"));
  EXPECT_THAT(refusal_of_uri("skill://team/pdf-forms/skill.md"), HasSubstr("form"));
  EXPECT_THAT(refusal_of_uri("skill://team/other/SKILL.md"), HasSubstr("last segment"));
  EXPECT_THAT(refusal_of_uri("skill://team//pdf-forms/SKILL.md"), HasSubstr("segment"));
  EXPECT_THAT(refusal_of_uri("skill://team/../pdf-forms/SKILL.md"), HasSubstr("segment"));
  EXPECT_THAT(refusal_of_uri("skill://team?/pdf-forms/SKILL.md"), HasSubstr("query"));
  const auto refusal_of_frontmatter = [&](const char* frontmatter) {
    return refusal([frontmatter](Skill& skill) { skill.set_frontmatter_json(frontmatter); });
  };
  EXPECT_THAT(refusal_of_frontmatter(""), HasSubstr("name"));
  EXPECT_THAT(refusal_of_frontmatter("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal_of_frontmatter(R"({"name":"pdf-forms"})"), HasSubstr("description"));
  EXPECT_THAT(refusal_of_frontmatter(R"({"name":1,"description":"d"})"), HasSubstr("name"));
  EXPECT_THAT(refusal_of_frontmatter(R"({"name":"Pdf-Forms","description":"d"})"), HasSubstr("[a-z0-9-]"));
  const auto refusal_of_file = [&](const std::function<void(gatehouse::tool::v1::SkillFile&)>& change) {
    return refusal([&change](Skill& skill) { change(*skill.mutable_files(1)); });
  };
  using gatehouse::tool::v1::SkillFile;
  EXPECT_THAT(refusal_of_file([](SkillFile& file) { file.set_uri("skill://team/x"); }), HasSubstr("not below"));
  EXPECT_THAT(refusal_of_file([](SkillFile& file) { file.set_uri("skill://team/pdf-forms/../x"); }),
              HasSubstr("not below"));
  EXPECT_THAT(refusal_of_file([](SkillFile& file) { file.set_uri("skill://team/pdf-forms/%2E%2e/x"); }),
              HasSubstr("not below"));
  EXPECT_THAT(refusal_of_file([](SkillFile& file) { file.set_uri("skill://team/pdf-forms/SKILL.md"); }),
              HasSubstr("same URI"));
  EXPECT_THAT(refusal_of_file([](SkillFile& file) { file.set_sha256("abc"); }), HasSubstr("32 bytes"));
  EXPECT_THAT(refusal_of_file([](SkillFile& file) { file.set_size(-1); }), HasSubstr("negative"));
  EXPECT_THAT(refusal([](Skill& skill) { skill.mutable_files(0)->set_uri("skill://team/pdf-forms/other.md"); }),
              HasSubstr("SKILL.md is not among"));
}

TEST(ValidateCatalogTest, ResourceSourcesAreChecked) {
  CatalogMessage catalog;
  EXPECT_TRUE(Validate(catalog).contents.resource_sources.empty());
  for (const char* prefix : {"db://rows/", "mem:", "", "relative/", ":x", "x:a b"}) {
    catalog.add_resource_uri_prefixes(prefix);
  }
  const ValidatedCatalog validated = Validate(catalog);
  ASSERT_EQ(validated.contents.resource_sources.size(), 1u);
  EXPECT_EQ(validated.contents.resource_sources[0].uri_prefixes, (std::vector<std::string>{"db://rows/", "mem:"}));
  EXPECT_FALSE(validated.contents.resource_sources[0].lists_resources);
  ASSERT_EQ(validated.refused.size(), 4u);
  EXPECT_EQ(validated.refused[0].kind, "resource_uri_prefix");
  for (int i = 0; i < 100; ++i) catalog.add_resource_uri_prefixes("x:" + std::to_string(i));
  EXPECT_EQ(Validate(catalog).contents.resource_sources[0].uri_prefixes.size(), 100u);
  catalog.Clear();
  catalog.set_lists_resources(true);
  EXPECT_TRUE(Validate(catalog).contents.resource_sources.at(0).lists_resources);
}

TEST(ValidateResourceTest, HasTheRulesOfTheCatalogue) {
  gatehouse::tool::v1::Resource resource;
  resource.set_uri("x:1");
  EXPECT_THAT(ValidateResource(resource, nullptr).status().message(), HasSubstr("name"));
  resource.set_name("one");
  resource.set_meta_json("{ }");
  const auto service = std::make_shared<ToolServiceClient>("s", "ipv4:127.0.0.1:1");
  const auto entry = ValidateResource(resource, service);
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_EQ(entry->resource.meta_json(), "{}");
  EXPECT_EQ(entry->service, service);
}

TEST(ValidateCatalogTest, CacheHintIsTakenUnlessNegative) {
  CatalogMessage catalog;
  EXPECT_EQ(Validate(catalog).contents.cache_ttl, absl::InfiniteDuration());
  catalog.mutable_cache_hint()->set_scope(gatehouse::tool::v1::CACHE_SCOPE_PRIVATE);
  EXPECT_EQ(Validate(catalog).contents.cache_ttl, absl::InfiniteDuration());
  EXPECT_EQ(Validate(catalog).contents.cache_scope, gatehouse::tool::v1::CACHE_SCOPE_PRIVATE);
  catalog.mutable_cache_hint()->mutable_ttl()->set_seconds(60);
  EXPECT_EQ(Validate(catalog).contents.cache_ttl, absl::Seconds(60));
  catalog.mutable_cache_hint()->mutable_ttl()->set_seconds(-1);
  EXPECT_EQ(Validate(catalog).refused.at(0).kind, "cache_hint");
}

}  // namespace
}  // namespace mcp_edge
