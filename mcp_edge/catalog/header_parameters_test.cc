#include "mcp_edge/catalog/header_parameters.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string Refusal(const std::string& schema) {
  return std::string(TakeHeaderParameters(json::parse(schema)).status().message());
}

TEST(TakeHeaderParametersTest, TakesPropertiesAtAnyDepth) {
  const auto parameters = TakeHeaderParameters(json::parse(R"({"type":"object","properties":{
      "region":{"type":"string","x-mcp-header":"Region"},
      "plain":{"type":"string"},
      "options":{"type":"object","properties":{
          "limit":{"type":"integer","x-mcp-header":"max-Items"},
          "dry":{"type":"boolean","x-mcp-header":"Dry_Run"}}}}})"));
  ASSERT_TRUE(parameters.ok()) << parameters.status();
  ASSERT_EQ(parameters->size(), 3u);
  EXPECT_EQ((*parameters)[0].name, "Dry_Run");
  EXPECT_EQ((*parameters)[0].path, (std::vector<std::string>{"options", "dry"}));
  EXPECT_EQ((*parameters)[0].type, HeaderParameter::Type::kBoolean);
  EXPECT_EQ((*parameters)[1].name, "max-Items");
  EXPECT_EQ((*parameters)[1].type, HeaderParameter::Type::kInteger);
  EXPECT_EQ((*parameters)[2].name, "Region");
  EXPECT_EQ((*parameters)[2].path, std::vector<std::string>{"region"});
  EXPECT_EQ((*parameters)[2].type, HeaderParameter::Type::kString);
}

TEST(TakeHeaderParametersTest, NamesAreUniqueTokens) {
  const auto refusal_of_name = [](const std::string& name) {
    return Refusal(absl::StrCat(R"({"properties":{"a":{"type":"string","x-mcp-header":)", name, "}}}"));
  };
  EXPECT_EQ(refusal_of_name(R"("A!#$%&'*+-.^_`|~9")"), "");
  EXPECT_EQ(refusal_of_name(absl::StrCat("\"", std::string(64, 'a'), "\"")), "");
  for (const char* const bad : {R"("")", R"("a b")", R"("a:b")", R"("a\r\nb")", R"("ä")", "1", "null", "true", "{}"}) {
    EXPECT_THAT(refusal_of_name(bad), HasSubstr("x-mcp-header of a in input_schema_json: the name is not")) << bad;
  }
  EXPECT_THAT(refusal_of_name(absl::StrCat("\"", std::string(65, 'a'), "\"")), HasSubstr("64"));
  EXPECT_THAT(Refusal(R"({"properties":{"a":{"type":"string","x-mcp-header":"Id"},
                                         "b":{"properties":{"c":{"type":"string","x-mcp-header":"iD"}}}}})"),
              HasSubstr("b/c in input_schema_json: the name is given twice"));
  std::string many = R"({"properties":{"a":{})";
  for (int i = 0; i < 33; ++i) absl::StrAppend(&many, ",\"p", i, R"(":{"type":"string","x-mcp-header":"h)", i, "\"}");
  EXPECT_THAT(Refusal(many + "}}"), HasSubstr("at most 32"));
}

TEST(TakeHeaderParametersTest, TypesCanBeWrittenInAHeader) {
  for (const char* const bad : {R"("type":"number",)", R"("type":"object",)", R"("type":["string","null"],)", "",
                                R"("$ref":"#/x",)", R"("enum":["a"],)"}) {
    EXPECT_THAT(Refusal(absl::StrCat(R"({"properties":{"a":{)", bad, R"("x-mcp-header":"A"}}})")),
                HasSubstr("string, integer and boolean"))
        << bad;
  }
}

TEST(TakeHeaderParametersTest, OnlyPropertiesLeadThere) {
  const std::string annotated = R"({"type":"string","x-mcp-header":"A"})";
  for (const char* const keyword : {"items", "additionalProperties", "not", "if", "then", "else", "contains"}) {
    EXPECT_THAT(Refusal(absl::StrCat(R"({"properties":{"a":{")", keyword, "\":", annotated, "}}}")),
                HasSubstr("only properties of properties"))
        << keyword;
  }
  for (const char* const keyword : {"allOf", "anyOf", "oneOf", "prefixItems"}) {
    EXPECT_THAT(Refusal(absl::StrCat(R"({")", keyword, R"(":[{"properties":{"a":)", annotated, "}}]}")),
                HasSubstr("only properties of properties"))
        << keyword;
  }
  for (const char* const keyword : {"$defs", "definitions", "patternProperties", "dependentSchemas"}) {
    EXPECT_THAT(Refusal(absl::StrCat(R"({")", keyword, R"(":{"x":)", annotated, "}}")),
                HasSubstr("only properties of properties"))
        << keyword;
  }
  EXPECT_THAT(Refusal(annotated), HasSubstr("only properties of properties"));
}

TEST(TakeHeaderParametersTest, WhatIsNoSchemaHasNoAnnotation) {
  for (const char* const schema :
       {R"({"properties":{"x-mcp-header":{"type":"string"}}})", R"({"const":{"x-mcp-header":"A"}})",
        R"({"enum":[{"x-mcp-header":""}]})", R"({"default":{"x-mcp-header":1},"examples":[{"x-mcp-header":1}]})",
        R"({"x-other":{"x-mcp-header":1}})", R"({"properties":[],"$defs":1,"allOf":2,"items":true})"}) {
    const auto parameters = TakeHeaderParameters(json::parse(schema));
    ASSERT_TRUE(parameters.ok()) << parameters.status();
    EXPECT_TRUE(parameters->empty());
  }
}

}  // namespace
}  // namespace mcp_edge
