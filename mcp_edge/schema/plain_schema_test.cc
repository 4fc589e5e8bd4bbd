#include "mcp_edge/schema/plain_schema.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/schema/schema_checker.h"
#include "mcp_edge/schema/schema_compiler.h"

namespace mcp_edge {
namespace {

SchemaGraph Compile(absl::string_view text) {
  size_t subschemas = 0;
  const SchemaLimits limits = {.subschemas_in_all = subschemas,
                               .values = 1000,
                               .compile_pattern = [](absl::string_view pattern) { return Pattern::Compile(pattern); }};
  absl::StatusOr<SchemaGraph> graph = CompileSchema(*ReadJson(text), limits);
  EXPECT_TRUE(graph.ok()) << graph.status();
  return *std::move(graph);
}

TEST(PlainSchemaTest, IsMadeOfTheUsualKeywordsOnly) {
  for (const char* plain :
       {"true", "false", "{}", R"({"type":"object"})", R"({"title":"t","description":"d","default":1,"examples":[1]})",
        R"({"properties":{"a":{"type":["string","null"]}},"required":["a"],"additionalProperties":false})",
        R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})"}) {
    EXPECT_NE(PlainSchema::Make(*Compile(plain).root), nullptr) << plain;
  }
  for (const char* other :
       {R"({"const":1})", R"({"enum":[1,2]})", R"({"minimum":1})", R"({"minLength":1})", R"({"pattern":"a"})",
        R"({"$ref":"#/$defs/a","$defs":{"a":true}})", R"({"anyOf":[true,{"type":"string"}]})",
        R"({"not":{"type":"string"}})", R"({"minProperties":1})", R"({"maxProperties":1})",
        R"({"patternProperties":{"a":{"type":"string"}}})", R"({"propertyNames":{"minLength":1}})",
        R"({"dependentRequired":{"a":["b"]}})", R"({"unevaluatedProperties":false})", R"({"uniqueItems":true})",
        R"({"prefixItems":[{"type":"string"}]})", R"({"contains":{"type":"string"}})",
        R"({"properties":{"a":{"items":{"minimum":1}}}})", R"({"additionalProperties":{"const":1}})"}) {
    EXPECT_EQ(PlainSchema::Make(*Compile(other).root), nullptr) << other;
  }
}

// What fits is said to fit, and what does not is not.
TEST(PlainSchemaTest, AgreesWithTheCheckerOfDocuments) {
  const char* const schemas[] = {
      "true",
      "false",
      R"({"type":"object"})",
      R"({"type":["string","null"]})",
      R"({"type":"integer"})",
      R"({"type":"number"})",
      R"({"properties":{"a":{"type":"string"},"b":{"type":"boolean"}},"required":["a","c"]})",
      R"({"type":"object","properties":{"a":true,"b":false},"additionalProperties":false})",
      R"({"required":["x"],"additionalProperties":{"type":"integer"}})",
      R"({"required":["x"],"additionalProperties":false})",
      R"({"type":"array","items":{"type":"object","properties":{"a":{"type":"array","minItems":1}},"required":["a"]}})",
      R"({"type":"array","items":{"type":"array","items":{"type":"integer"}},"minItems":2,"maxItems":2})",
      R"({"properties":{"a":{"items":{"type":"string"}}}})",
      R"({"items":{"type":"string"}})",
  };
  const char* const instances[] = {
      "null",
      "true",
      "1",
      "-0",
      "1.5",
      "1.0",
      "1e2",
      "123456789012345678901234567890",
      "\"a\"",
      " \"\" ",
      "{}",
      "[]",
      R"({"a":"s"})",
      R"({"a":"s","c":null})",
      R"({"c":[],"a":"s","b":1})",
      R"({"a":1,"c":1})",
      R"({"b":1})",
      R"({"x":1})",
      R"({"x":"1"})",
      R"({"x":1,"y":2})",
      R"({"x":1,"y":null})",
      R"({"x":{"x":1}})",
      R"([{"a":[1]}])",
      R"([{"a":[]}])",
      R"([{"a":[1],"b":{}},{"a":[[]]}])",
      R"([{"a":[1]},1])",
      R"([{"a":[1]},{}])",
      "[[1],[2]]",
      "[[1],[]]",
      "[[1],[2],[3]]",
      "[[1],[\"2\"]]",
      "[[[]],[]]",
      "[[],1]",
      "[\"a\",\"b\"]",
      "[\"a\",[]]",
      R"({"a":["x","y"],"c":1})",
      R"({"a":["x",{"a":1}]})",
      R"({"a":[[],"x"]})",
      R"({"d":{"a":1},"a":"s","c":2})",
  };
  for (const char* text : schemas) {
    const SchemaGraph graph = Compile(text);
    const auto schema = PlainSchema::Make(*graph.root);
    ASSERT_NE(schema, nullptr) << text;
    for (const char* instance : instances) {
      const bool fits = !CheckValue(*graph.root, *ReadJson(instance)).has_value();
      // A number with a fraction of zero or an exponent is left to the other.
      const bool may_differ = fits && (std::string(instance) == "1.0" || std::string(instance) == "1e2");
      EXPECT_TRUE(schema->Fits(instance) == fits || (may_differ && !schema->Fits(instance))) << text << " " << instance;
    }
  }
}

TEST(PlainSchemaTest, WhatIsNotJsonOrUnclearDoesNotFit) {
  const SchemaGraph graph = Compile(R"({"type":"object","properties":{"a":{"type":"string"}}})");
  const auto schema = PlainSchema::Make(*graph.root);
  EXPECT_TRUE(schema->Fits(R"({"a":"b"})"));
  for (const char* text : {"", "{", R"({"a":"b"}x)", R"({"a":"b","a":"c"})", R"({"b":{"c":1,"c":2}})",
                           R"({"\u0061":1})", R"({"a":"b","\u0061":"c"})", "{\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(schema->Fits(text)) << text;
  }
}

}  // namespace
}  // namespace mcp_edge
