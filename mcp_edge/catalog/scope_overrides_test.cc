#include "mcp_edge/catalog/scope_overrides.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class ScopeOverridesTest : public testing::Test {
 protected:
  // Of each kind the entries "a" and "b" (as a URI: "x:a"), which ask for "own".
  ScopeOverridesTest() {
    const std::vector<ScopeSet> own = {{"own"}};
    for (const std::string name : {"a", "b"}) {
      ToolEntry& tool = contents_.tools.emplace_back();
      tool.name = "prefix." + name;
      tool.tool.set_name(name);
      tool.required_scopes = own;
      PromptEntry& prompt = contents_.prompts.emplace_back();
      prompt.name = "prefix." + name;
      prompt.prompt.set_name(name);
      prompt.required_scopes = own;
      ResourceEntry& resource = contents_.resources.emplace_back();
      resource.resource.set_uri("x:" + name);
      resource.required_scopes = own;
    }
    contents_.resource_templates.emplace_back().resource_template.set_uri_template("x:{id}");
    contents_.resource_templates[0].required_scopes = own;
    contents_.skills.emplace_back().skill.set_uri("skill://s/SKILL.md");
    contents_.resource_sources.emplace_back().uri_prefixes = {"x:"};
  }

  CatalogContents contents_;
};

TEST_F(ScopeOverridesTest, NothingSaidLeavesEverything) {
  EXPECT_THAT(OverrideRequiredScopes({}, contents_), IsEmpty());
  EXPECT_THAT(contents_.tools[0].required_scopes, ElementsAre(ScopeSet{"own"}));
  EXPECT_THAT(contents_.resource_sources[0].required_scopes, IsEmpty());
}

TEST_F(ScopeOverridesTest, ANameIsTheServicesOwnAndOfItsKind) {
  RequiredScopes required;
  required.tools["a"] = {{"t"}, {"u", "v"}};
  required.prompts["b"] = {};
  required.resources["x:a"] = {{"r"}};
  required.resources["x:{id}"] = {{"template"}};
  required.resources["skill://s/SKILL.md"] = {{"skill"}};
  EXPECT_THAT(OverrideRequiredScopes(required, contents_), IsEmpty());
  EXPECT_THAT(contents_.tools[0].required_scopes, ElementsAre(ScopeSet{"t"}, ScopeSet({"u", "v"})));
  EXPECT_THAT(contents_.tools[1].required_scopes, ElementsAre(ScopeSet{"own"}));
  EXPECT_THAT(contents_.prompts[0].required_scopes, ElementsAre(ScopeSet{"own"}));
  EXPECT_THAT(contents_.prompts[1].required_scopes, IsEmpty()) << "an empty list asks for nothing";
  EXPECT_THAT(contents_.resources[0].required_scopes, ElementsAre(ScopeSet{"r"}));
  EXPECT_THAT(contents_.resource_templates[0].required_scopes, ElementsAre(ScopeSet{"template"}));
  EXPECT_THAT(contents_.skills[0].required_scopes, ElementsAre(ScopeSet{"skill"}));
  EXPECT_THAT(contents_.resource_sources[0].required_scopes, IsEmpty());
}

TEST_F(ScopeOverridesTest, AStarIsForAllOthersAlsoThoseWithoutAName) {
  RequiredScopes required;
  required.tools["*"] = {{"star"}};
  required.tools["a"] = {};
  required.resources["*"] = {{"star"}};
  EXPECT_THAT(OverrideRequiredScopes(required, contents_), IsEmpty());
  EXPECT_THAT(contents_.tools[0].required_scopes, IsEmpty());
  EXPECT_THAT(contents_.tools[1].required_scopes, ElementsAre(ScopeSet{"star"}));
  EXPECT_THAT(contents_.prompts[1].required_scopes, ElementsAre(ScopeSet{"own"})) << "another kind";
  for (const auto* scopes : {&contents_.resources[0].required_scopes, &contents_.resource_templates[0].required_scopes,
                             &contents_.skills[0].required_scopes, &contents_.resource_sources[0].required_scopes}) {
    EXPECT_THAT(*scopes, ElementsAre(ScopeSet{"star"}));
  }
}

TEST_F(ScopeOverridesTest, NamesThatNothingHasAreTold) {
  RequiredScopes required;
  required.tools["prefix.a"] = {};
  required.prompts["x:a"] = {};
  required.resources["a"] = {};
  EXPECT_THAT(OverrideRequiredScopes(required, contents_),
              ElementsAre(Pair("tool", "prefix.a"), Pair("prompt", "x:a"), Pair("resource", "a")));
}

}  // namespace
}  // namespace mcp_edge
