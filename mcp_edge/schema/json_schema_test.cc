#include "mcp_edge/schema/json_schema.h"

#include <cstdint>
#include <ctime>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using ::testing::HasSubstr;

// The problem, or "" when `instance` is valid.
std::string Check(absl::string_view schema, absl::string_view instance) {
  const auto compiled = JsonSchema::Compile(schema);
  EXPECT_TRUE(compiled.ok()) << schema.substr(0, 1000) << ": " << compiled.status();
  if (!compiled.ok()) return "no schema";
  return (*compiled)->Check(instance).value_or("");
}

std::string Refusal(absl::string_view schema) { return std::string(JsonSchema::Compile(schema).status().message()); }

// Whether `work` takes less than ten seconds of processor time: a fifth of a second is enough, but for sanitizers.
template <typename Work>
bool IsQuick(const Work& work) {
  const std::clock_t start = std::clock();
  work();
  return std::clock() - start < 10 * CLOCKS_PER_SEC;
}

// `text` so many times, with commas between.
std::string Times(size_t count, absl::string_view text) {
  std::string all(text);
  for (size_t i = 1; i < count; ++i) absl::StrAppend(&all, ",", text);
  return all;
}

TEST(JsonSchemaTest, SaysWhereAndWhy) {
  constexpr char kSchema[] = R"({"type":"object","properties":{
      "count":{"type":"integer","minimum":1,"maximum":100,"multipleOf":3},
      "unit":{"enum":["m","km",1]},
      "fixed":{"const":true},
      "name":{"type":"string","minLength":2,"maxLength":3,"pattern":"^[a-z]+$"},
      "tags":{"type":"array","minItems":1,"maxItems":2,"uniqueItems":true,"items":{"type":"string"}},
      "address":{"type":"object","required":["street"],"properties":{"street":{"type":["string","null"]}}}},
    "required":["count"],"additionalProperties":false})";
  EXPECT_EQ(Check(kSchema, R"({"count":3,"unit":1.0,"name":"äöü","address":{"street":null}})"),
            "/name: must match the "
            "regular expression "
            "\"^[a-z]+$\"");
  EXPECT_EQ(Check(kSchema, R"({"count":99,"unit":"m","tags":["a","b"]})"), "");
  EXPECT_EQ(Check(kSchema, R"({})"), "/count: is required");
  EXPECT_EQ(Check(kSchema, R"({"count":101})"), "/count: must be at most 100, not 101");
  EXPECT_EQ(Check(kSchema, R"({"count":0})"), "/count: must be at least 1, not 0");
  EXPECT_EQ(Check(kSchema, R"({"count":4})"), "/count: must be a multiple of 3, not 4");
  EXPECT_EQ(Check(kSchema, R"({"count":1.5})"), "/count: must be an integer, not 1.5");
  EXPECT_EQ(Check(kSchema, R"({"count":"3"})"), "/count: must be an integer, not a string");
  EXPECT_EQ(Check(kSchema, R"({"count":3,"unit":"mi"})"), R"(/unit: must be one of "m", "km", 1, not "mi")");
  EXPECT_EQ(Check(kSchema, R"({"count":3,"fixed":false})"), "/fixed: must be true, not false");
  EXPECT_EQ(Check(kSchema, R"({"count":3,"name":"a"})"), "/name: must have at least 2 characters, not 1");
  EXPECT_EQ(Check(kSchema, R"({"count":3,"tags":["a","a"]})"), "/tags: must not have equal items, but 0 and 1 are");
  EXPECT_EQ(Check(kSchema, R"({"count":3,"tags":["a",1]})"), "/tags/1: must be a string, not a number");
  EXPECT_EQ(Check(kSchema, R"({"count":3,"address":{}})"), "/address/street: is required");
  EXPECT_EQ(Check(kSchema, R"({"count":3,"address":{"street":5}})"),
            "/address/street: must be null or a string, not a number");
  EXPECT_EQ(Check(kSchema, R"({"count":3,"a/b~":1})"),
            R"(/a~1b~0: is not a known property; known are "address", "count", "fixed", "name", "tags", "unit")");
  EXPECT_EQ(Check(kSchema, "[]"), "must be an object, not an array");
  EXPECT_EQ(Check(kSchema, "{"), "cannot be read: not JSON in UTF-8, at byte 2");
  // Three at once, not more.
  EXPECT_EQ(Check(kSchema, R"({"name":1,"tags":1,"unit":2})"),
            "/count: is required; /name: must be a string, not a number; /tags: must be an array, not a number");
}

TEST(JsonSchemaTest, AlternativesAreToldByTheClosest) {
  constexpr char kOptional[] = R"({"properties":{"a":{"anyOf":[{"type":"integer"},{"type":"null"}]}}})";
  EXPECT_EQ(Check(kOptional, R"({"a":"x"})"), "/a: must be null or an integer, not a string");
  constexpr char kUnion[] = R"({"oneOf":[
      {"type":"object","properties":{"kind":{"const":"circle"},"radius":{"type":"number"}},"required":["kind","radius"]},
      {"type":"object","properties":{"kind":{"const":"square"}},"required":["kind"]}]})";
  EXPECT_EQ(Check(kUnion, R"({"kind":"circle","radius":1})"), "");
  EXPECT_THAT(Check(kUnion, R"({"kind":"circle","radius":"1"})"),
              HasSubstr("fits none of the 2 alternatives; of the closest, /radius: must be a number"));
  EXPECT_THAT(Check(R"({"oneOf":[true,true]})", "1"), HasSubstr("fits 2 of the alternatives"));
  EXPECT_THAT(Check(R"({"not":{}})", "1"), HasSubstr("must not fit"));
  EXPECT_THAT(Check(R"({"propertyNames":{"maxLength":2}})", R"({"abc":1})"),
              HasSubstr("/abc: its name must have at most 2 characters"));
}

TEST(JsonSchemaTest, MessagesAreShortAndText) {
  const std::string long_name(3000, 'n');
  const std::string message =
      Check(R"({"additionalProperties":false})", absl::StrCat(R"({"\u0000)", long_name, R"(":1,"x":2})"));
  EXPECT_LE(message.size(), 512u);
  EXPECT_THAT(message, HasSubstr("..."));
  std::string two_bytes;
  for (int i = 0; i < 1000; ++i) two_bytes += "ä";
  for (int i = 0; i < 2; ++i) {
    const std::string cut =
        Check(R"({"additionalProperties":false})", absl::StrCat("{\"", i == 0 ? "" : "x", two_bytes, "\":1}"));
    EXPECT_LE(cut.size(), 512u);
    EXPECT_EQ(cut.substr(cut.size() - 5), "ä...");
  }
}

TEST(JsonSchemaTest, NumbersAreExact) {
  EXPECT_EQ(Check(R"({"const":9007199254740993})", "9007199254740993"), "");
  EXPECT_NE(Check(R"({"const":9007199254740993})", "9007199254740992.0"), "");
  EXPECT_NE(Check(R"({"const":-1})", "18446744073709551615"), "");
  EXPECT_NE(Check(R"({"maximum":9007199254740992})", "9007199254740993"), "");
  EXPECT_EQ(Check(R"({"maximum":18446744073709551615,"minimum":-9223372036854775808})", "18446744073709551615"), "");
  EXPECT_EQ(Check(R"({"multipleOf":0.01})", "19.99"), "");
  EXPECT_NE(Check(R"({"multipleOf":0.01})", "19.999"), "");
  EXPECT_EQ(Check(R"({"multipleOf":1e-300})", "1e300"), "");
  EXPECT_NE(Check(R"({"multipleOf":1e300})", "18446744073709551615"), "");
  EXPECT_EQ(Check(R"({"multipleOf":7})", "-9223372036854775807"), "");
}

TEST(JsonSchemaTest, RefusesWhatIsNoSchema) {
  EXPECT_EQ(Refusal(R"({"properties":{"a":{"minLength":-1}}})"),
            "/properties/a/minLength: must be a non-negative integer");
  EXPECT_THAT(Refusal("1"), HasSubstr("object or a boolean"));
  EXPECT_THAT(Refusal("{"), HasSubstr("not JSON"));
  EXPECT_THAT(Refusal(R"({"type":"text"})"), HasSubstr("/type: \"text\" is not a type"));
  EXPECT_THAT(Refusal(R"({"type":[]})"), HasSubstr("/type"));
  EXPECT_THAT(Refusal(R"({"items":[{}]})"), HasSubstr("prefixItems"));
  EXPECT_THAT(Refusal(R"({"required":["a","a"]})"), HasSubstr("/required"));
  EXPECT_THAT(Refusal(R"({"allOf":[]})"), HasSubstr("/allOf"));
  EXPECT_THAT(Refusal(R"({"properties":[]})"), HasSubstr("/properties: must be an object"));
  EXPECT_THAT(Refusal(R"({"multipleOf":0})"), HasSubstr("greater than 0"));
  EXPECT_THAT(Refusal(R"({"enum":1})"), HasSubstr("/enum"));
  EXPECT_THAT(Refusal(R"({"$anchor":"1"})"), HasSubstr("$anchor"));
  EXPECT_THAT(Refusal(R"({"$id":"#a"})"), HasSubstr("fragment"));
  EXPECT_THAT(Refusal(R"({"$defs":{"a":{"$id":"x"},"b":{"$id":"x"}}})"), HasSubstr("another subschema"));
  EXPECT_THAT(Refusal(R"({"pattern":"(a"})"), HasSubstr("/pattern: the regular expression \"(a\""));
  EXPECT_THAT(Refusal(R"x({"patternProperties":{"(?=a)":{}}})x"), HasSubstr("linear time"));
  EXPECT_THAT(Refusal(R"({"$schema":"http://json-schema.org/draft-07/schema#"})"), HasSubstr("dialect"));
}

TEST(JsonSchemaTest, FetchesNothing) {
  EXPECT_THAT(Refusal(R"({"$ref":"http://169.254.169.254/x"})"), HasSubstr("nothing is fetched"));
  EXPECT_THAT(Refusal(R"({"$ref":"other.json#/a"})"), HasSubstr("leads out of the schema"));
  EXPECT_THAT(Refusal(R"({"$ref":"file:///etc/passwd"})"), HasSubstr("nothing is fetched"));
  EXPECT_THAT(Refusal(R"({"$ref":"#/$defs/none"})"), HasSubstr("names nothing"));
  EXPECT_THAT(Refusal(R"({"$ref":"#none"})"), HasSubstr("names nothing"));
}

TEST(JsonSchemaTest, CirclesAreRefusedAndRecursionIsNot) {
  EXPECT_THAT(Refusal(R"({"$ref":"#"})"), HasSubstr("circle"));
  EXPECT_THAT(Refusal(R"({"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}})"),
              HasSubstr("circle"));
  constexpr char kTree[] = R"({"type":"object","properties":{"child":{"$ref":"#"}},"additionalProperties":false})";
  EXPECT_EQ(Check(kTree, R"({"child":{"child":{}}})"), "");
  EXPECT_THAT(Check(kTree, R"({"child":{"child":{"x":1}}})"), HasSubstr("/child/child/x"));
  // One that only shows while checking: the anchor is that of the outermost schema.
  constexpr char kDynamic[] = R"({"$id":"x:outer","$dynamicAnchor":"a","$ref":"x:inner",
      "$defs":{"i":{"$id":"x:inner","allOf":[{"$dynamicRef":"#a"}],"$defs":{"d":{"$dynamicAnchor":"a"}}}}})";
  EXPECT_THAT(Check(kDynamic, "1"), HasSubstr("too much work"));
}

TEST(JsonSchemaTest, TrivialSchemasNeedNoDocument) {
  EXPECT_EQ(Check(R"({"type":"object"})", " {\"a\":1}"), "");
  EXPECT_EQ(Check(R"({"type":"object"})", "[1]"), "must be an object, not an array");
  EXPECT_EQ(Check(R"({"type":"object","additionalProperties":false,"title":"t"})", "{ }"), "");
  EXPECT_EQ(Check(R"({"type":"object","additionalProperties":false})", R"({"a":1})"), "/a: is not a known property");
  EXPECT_EQ(Check(R"({"type":"object","properties":{},"additionalProperties":false})", "{}"), "");
  EXPECT_EQ(Check("{}", "null"), "");
  EXPECT_EQ(Check("false", "null"), "is not allowed");
}

TEST(JsonSchemaTest, CompilingIsBounded) {
  std::string deep;
  for (int i = 0; i < 70; ++i) deep += R"({"items":)";
  deep += "true" + std::string(70, '}');
  EXPECT_THAT(Refusal(deep), HasSubstr("deeper"));

  std::string wide = R"({"allOf":[true)";
  for (int i = 0; i < 10'001; ++i) wide += ",{}";
  EXPECT_THAT(Refusal(wide + "]}"), HasSubstr("10000 subschemas"));
  EXPECT_THAT(Refusal(R"({"title":")" + std::string(300 << 10, 'x') + "\"}"), HasSubstr("262144"));

  std::string many_refs = R"({"$defs":{"d0":{})";
  for (int i = 1; i < 5000; ++i) absl::StrAppend(&many_refs, ",\"d", i, R"(":{"$ref":"#/$defs/d)", i - 1, "\"}");
  EXPECT_TRUE(IsQuick([&] { EXPECT_EQ(Refusal(many_refs + "}}"), ""); }));

  std::string patterns = R"({"properties":{"a":{})";
  for (int i = 0; i < 1500; ++i)
    absl::StrAppend(&patterns, ",\"p", i, R"(":{"pattern":"(\\p{L}{3}){)", i % 9 + 1, "}", i, "\"}");
  EXPECT_TRUE(IsQuick([&] { EXPECT_THAT(Refusal(patterns + "}}"), HasSubstr("all schemas together")); }));
}

TEST(JsonSchemaTest, IdentifiersAreBounded) {
  EXPECT_THAT(Refusal(R"({"$id":"x:)" + std::string(3000, 'a') + "\"}"),
              HasSubstr("/$id: may have at most 2048 bytes"));
  // Each is short, but kept with its base.
  const std::string base = std::string(1900, 'a') + "/";
  EXPECT_THAT(Refusal(absl::StrCat(R"({"$id":"x:/)", base, R"(","items":{"$id":")", std::string(200, 'b'), "\"}}")),
              HasSubstr("/items/$id: may have at most 2048 bytes"));
  for (const size_t count : {100, 200}) {
    std::string many = absl::StrCat(R"({"$id":"x:/)", base, R"(","$defs":{"a":{})");
    for (size_t i = 0; i < count; ++i) absl::StrAppend(&many, ",\"d", i, R"(":{"$id":"d)", i, "\"}");
    EXPECT_THAT(Refusal(many + "}}"), HasSubstr(count == 100 ? "" : "together may have at most 262144 bytes"));
    EXPECT_EQ(Refusal(many + "}}").empty(), count == 100);
  }
}

TEST(JsonSchemaTest, ValuesAreNotKeptManyTimes) {
  // Each enum is one of the values of the next, and a schema too, for there is a reference to it.
  const auto nested = [](size_t levels) {
    std::string schema = absl::StrCat(R"({"enum":[)", Times(2000, "0"), "]}");
    std::string references = R"({"$ref":"#/const"})";
    std::string pointer = "#/const";
    for (size_t i = 1; i < levels; ++i) {
      schema = absl::StrCat(R"({"enum":[)", schema, "]}");
      absl::StrAppend(&pointer, "/enum/0");
      absl::StrAppend(&references, R"(,{"$ref":")", pointer, "\"}");
    }
    return absl::StrCat(R"({"const":)", schema, R"(,"$defs":{"r":{"allOf":[)", references, "]}}}");
  };
  EXPECT_EQ(Refusal(nested(1)), "");
  EXPECT_THAT(Refusal(nested(20)), HasSubstr("more values than the schema has"));
}

TEST(JsonSchemaTest, CheckingIsBounded) {
  // Each level doubles the work.
  std::string doubling = R"({"$ref":"#/$defs/d40","$defs":{"d0":{"type":"null"})";
  for (int i = 1; i <= 40; ++i) {
    absl::StrAppend(&doubling, ",\"d", i, R"(":{"anyOf":[{"$ref":"#/$defs/d)", i - 1, R"("},{"$ref":"#/$defs/d)", i - 1,
                    "\"}]}");
  }
  EXPECT_TRUE(IsQuick([&] { EXPECT_THAT(Check(doubling + "}}", "1"), HasSubstr("too much work")); }));

  std::string numbers = "[0";
  for (int i = 1; i < 99'000; ++i) absl::StrAppend(&numbers, ",", i);
  numbers += "]";
  EXPECT_TRUE(IsQuick([&] { EXPECT_EQ(Check(R"({"uniqueItems":true,"items":{"minimum":0}})", numbers), ""); }));
  std::string all_of = R"({"items":{"allOf":[{"minimum":0})";
  for (int i = 0; i < 5000; ++i) all_of += R"(,{"minimum":0})";
  EXPECT_TRUE(IsQuick([&] { EXPECT_THAT(Check(all_of + "]}}", numbers), HasSubstr("too much work")); }));

  std::string huge_enum = R"({"items":{"enum":[-1)";
  for (int i = 0; i < 40'000; ++i) absl::StrAppend(&huge_enum, ",", i);
  EXPECT_TRUE(IsQuick([&] { EXPECT_THAT(Check(huge_enum + "]}}", numbers), HasSubstr("must be one of -1, 0, 1")); }));

  const std::string text = "\"" + std::string(4 << 20, 'a') + "\"";
  EXPECT_TRUE(IsQuick([&] { EXPECT_NE(Check(R"({"pattern":"^(a|b|ab)*c$"})", text), ""); }));
}

// What would take long if it were not counted as work. Each of these is valid, if there were time.
TEST(JsonSchemaTest, AllWorkCounts) {
  const auto all_of = [](absl::string_view schema) { return absl::StrCat(R"({"allOf":[)", Times(2000, schema), "]}"); };
  const auto expect_too_much = [](absl::string_view schema, absl::string_view instance) {
    EXPECT_TRUE(IsQuick([&] { EXPECT_THAT(Check(schema, instance), HasSubstr("too much work")); }))
        << schema.substr(0, 200);
  };
  const std::string numbers = absl::StrCat("[", Times(60'000, "1"), "]");
  // Schemas without rules.
  expect_too_much(absl::StrCat(R"({"items":)", all_of("true"), "}"), numbers);
  // Notes of what has been looked at.
  expect_too_much(absl::StrCat(R"({"unevaluatedItems":true,"anyOf":[)", Times(2000, R"({"prefixItems":[true]})"), "]}"),
                  numbers);
  // Names of members: of the value, and those that are asked for.
  const std::string long_key = absl::StrCat("{\"", std::string(1 << 20, 'k'), "\":1}");
  expect_too_much(all_of(R"({"properties":{"a":{}}})"), long_key);
  expect_too_much(all_of(R"({"not":{"const":1}})"), long_key);
  const std::string name(100 << 10, 'k');
  for (const absl::string_view named :
       {R"({"not":{"required":["$"]}})", R"({"dependentRequired":{"$":[]}})", R"({"dependentSchemas":{"$":false}})"}) {
    expect_too_much(absl::StrCat(R"({"allOf":[)", Times(2000, R"({"$ref":"#/$defs/a"})"), R"(],"$defs":{"a":)",
                                 absl::StrReplaceAll(named, {{"$", name}}), "}}"),
                    long_key);
  }
  // Long division.
  expect_too_much(R"({"items":{"not":{"multipleOf":3e-300}}})", absl::StrCat("[", Times(20'000, "1e300"), "]"));
  // Values that look equal until the last element: the hashes of numbers are those of doubles.
  std::string alike = "[";
  for (uint64_t i = 0; i < 200; ++i) {
    absl::StrAppend(&alike, i == 0 ? "[" : ",[", Times(200, "1"), ",", (uint64_t{1} << 63) + i, "]");
  }
  expect_too_much(R"({"uniqueItems":true})", alike + "]");
  // A pattern with more states than RE2 remembers.
  std::string pattern = "$x";
  for (int i = 0; i < 350; ++i) pattern = "[ab]?[ac]?" + pattern;
  expect_too_much(absl::StrCat(R"({"items":{"not":{"pattern":")", pattern, "\"}}}"),
                  absl::StrCat("[", Times(15'000, "\"abbabaaabbbabab\""), "]"));
}

TEST(SchemaCompilerTest, SchemasAreBoundedTogether) {
  const auto schema = [](int i, absl::string_view also) {
    return absl::StrCat(R"({"title":")", i, R"(",)", also, R"("allOf":[)", Times(9'000, "true"), "]}");
  };
  constexpr char kTooMany[] = "all schemas together may have at most 100000 subschemas";
  SchemaCompiler compiler;
  for (int i = 0; i < 11; ++i) EXPECT_TRUE(compiler.Compile(schema(i, "")).ok());
  EXPECT_EQ(compiler.Compile(schema(11, "")).status().message(), kTooMany);
  EXPECT_EQ(compiler.Compile("{}").status().message(), kTooMany);
  EXPECT_TRUE(compiler.Compile(schema(0, "")).ok());

  SchemaCompiler of_broken;
  for (int i = 0; i < 12; ++i) {
    EXPECT_THAT(std::string(of_broken.Compile(schema(i, R"("$ref":"#x",)")).status().message()),
                HasSubstr("names nothing"));
  }
  EXPECT_EQ(of_broken.Compile("{}").status().message(), kTooMany);
}

TEST(SchemaCompilerTest, SameTextsAreOneSchema) {
  SchemaCompiler compiler;
  const auto first = compiler.Compile(R"({"type":"object","required":["a"]})");
  const auto second = compiler.Compile(R"({"type":"object","required":["a"]})");
  const auto third = compiler.Compile(R"({"type":"object"})");
  ASSERT_TRUE(first.ok() && second.ok() && third.ok());
  EXPECT_EQ(*first, *second);
  EXPECT_NE(*first, *third);
  EXPECT_FALSE(compiler.Compile("[]").ok());
  EXPECT_FALSE(compiler.Compile("[]").ok());
}

}  // namespace
}  // namespace mcp_edge
