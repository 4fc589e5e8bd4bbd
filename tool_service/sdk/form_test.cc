#include "tool_service/sdk/form.h"

#include "gtest/gtest.h"

namespace tool_service {
namespace {

using nlohmann::json;

bool Fits(const char* field, const char* value) {
  return FitsForm({{"type", "object"}, {"properties", {{"a", json::parse(field)}}}}, {{"a", json::parse(value)}});
}

TEST(FormTest, EveryKindOfFieldIsChecked) {
  struct {
    const char* field;
    const char* fits;
    const char* does_not;
  } const cases[] = {
      {R"({"type":"string"})", R"("x")", "1"},
      {R"({"type":"string","minLength":2})", R"("éé")", R"("é")"},
      {R"({"type":"string","maxLength":2})", R"("éé")", R"("abc")"},
      {R"({"type":"string","enum":["x","y"]})", R"("y")", R"("z")"},
      {R"({"type":"string","oneOf":[{"const":"x","title":"X"}]})", R"("x")", R"("X")"},
      {R"({"type":"number"})", "1.5", R"("1.5")"},
      {R"({"type":"number","minimum":1,"maximum":2})", "2", "2.1"},
      {R"({"type":"integer"})", "2.0", "2.5"},
      {R"({"type":"boolean"})", "false", "0"},
      {R"({"type":"array","items":{"type":"string","enum":["x"]}})", R"(["x"])", R"(["y"])"},
      {R"({"type":"array","items":{"anyOf":[{"const":"x"}]}})", R"(["x"])", "[1]"},
      {R"({"type":"array","minItems":1})", R"(["x"])", "[]"},
      {R"({"type":"array","maxItems":1})", "[]", R"(["x","y"])"},
  };
  for (const auto& each : cases) {
    EXPECT_TRUE(Fits(each.field, each.fits)) << each.field;
    EXPECT_FALSE(Fits(each.field, each.does_not)) << each.field;
  }
}

TEST(FormTest, RequiredFieldsMustBeThereAndUnknownOnesOnlyWhereTheFormIsOpen) {
  const json form = {{"type", "object"}, {"properties", {{"a", {{"type", "string"}}}}}, {"required", {"a"}}};
  EXPECT_TRUE(FitsForm(form, {{"a", "x"}}));
  EXPECT_TRUE(FitsForm(form, {{"a", "x"}, {"b", 1}}));
  EXPECT_FALSE(FitsForm(form, json::object()));
  EXPECT_FALSE(FitsForm(form, nullptr));
  EXPECT_FALSE(FitsForm(form, json::array()));
  json closed = form;
  closed["additionalProperties"] = false;
  EXPECT_FALSE(FitsForm(closed, {{"a", "x"}, {"b", 1}}));
}

TEST(FormTest, OddSchemasNeitherCrashNorRefuse) {
  for (const char* form : {"{}", "[]", R"({"properties":[],"required":{}})", R"({"properties":{"a":1}})",
                           R"({"properties":{"a":{"type":["string"],"enum":{}}}})"}) {
    EXPECT_TRUE(FitsForm(json::parse(form), {{"a", "x"}})) << form;
  }
}

}  // namespace
}  // namespace tool_service
