#include "mcp_edge/catalog/merge.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

CatalogContents Named(const std::vector<std::string>& names) {
  CatalogContents contents;
  for (const std::string& name : names) {
    contents.tools.emplace_back().name = name;
    contents.prompts.emplace_back().name = name;
    contents.resources.emplace_back().resource.set_uri("file:///" + name);
    contents.resource_templates.emplace_back().resource_template.set_uri_template("file:///" + name + "/{x}");
  }
  return contents;
}

TEST(MergeCatalogsTest, KeepsTheOrderOfServicesAndOfTheirEntries) {
  const CatalogContents a = Named({"z", "y"});
  const CatalogContents b = Named({"a"});
  const MergedCatalog merged = MergeCatalogs({{"first", &a}, {"second", &b}});
  ASSERT_EQ(merged.contents.tools.size(), 3u);
  EXPECT_EQ(merged.contents.tools[0].name, "z");
  EXPECT_EQ(merged.contents.tools[1].name, "y");
  EXPECT_EQ(merged.contents.tools[2].name, "a");
  EXPECT_EQ(merged.contents.prompts.size(), 3u);
  EXPECT_EQ(merged.contents.resources.size(), 3u);
  EXPECT_EQ(merged.contents.resource_templates.size(), 3u);
  EXPECT_TRUE(merged.duplicates.empty());
}

TEST(MergeCatalogsTest, FirstOfTwoWithOneNameStays) {
  CatalogContents a = Named({"x"});
  a.tools[0].tool.set_description("first");
  CatalogContents b = Named({"x", "y", "y"});
  const MergedCatalog merged = MergeCatalogs({{"first", &a}, {"second", &b}});
  ASSERT_EQ(merged.contents.tools.size(), 2u);
  EXPECT_EQ(merged.contents.tools[0].tool.description(), "first");
  EXPECT_EQ(merged.contents.tools[1].name, "y");
  ASSERT_EQ(merged.duplicates.size(), 8u);  // two of each kind
  EXPECT_EQ(merged.duplicates[0], (DuplicateEntry{"tool", "x", "second", "first"}));
  EXPECT_EQ(merged.duplicates[1], (DuplicateEntry{"tool", "y", "second", "second"}));
  EXPECT_EQ(merged.duplicates[2], (DuplicateEntry{"resource", "file:///x", "second", "first"}));
}

TEST(MergeCatalogsTest, SkillsHaveUniqueUrisAndSourcesAreJoined) {
  CatalogContents a;
  a.skills.emplace_back().skill.set_uri("skill://a/SKILL.md");
  a.resource_sources.push_back({.service = nullptr, .uri_prefixes = {"x:"}});
  CatalogContents b = a;
  b.skills.emplace_back().skill.set_uri("skill://b/SKILL.md");
  const MergedCatalog merged = MergeCatalogs({{"first", &a}, {"second", &b}});
  ASSERT_EQ(merged.contents.skills.size(), 2u);
  ASSERT_EQ(merged.duplicates.size(), 1u);
  EXPECT_EQ(merged.duplicates[0], (DuplicateEntry{"skill", "skill://a/SKILL.md", "second", "first"}));
  EXPECT_EQ(merged.contents.resource_sources.size(), 2u);
}

TEST(MergeCatalogsTest, ResourceIsNoFileOfASkillOfAnEarlierService) {
  const auto with_resources = [](const std::vector<std::string>& uris) {
    CatalogContents contents;
    for (const std::string& uri : uris) contents.resources.emplace_back().resource.set_uri(uri);
    return contents;
  };
  const CatalogContents a = with_resources({"skill://late/SKILL.md"});
  CatalogContents b = with_resources({"skill://listed/SKILL.md"});  // its own
  gatehouse::tool::v1::Skill& listed = b.skills.emplace_back().skill;
  listed.set_uri("skill://listed/SKILL.md");
  listed.add_files()->set_uri("skill://listed/SKILL.md");
  listed.add_files()->set_uri("skill://listed/x");
  b.skills.emplace_back().skill.set_uri("skill://made/SKILL.md");
  CatalogContents c = with_resources(
      {"skill://listed/x", "skill://listed/y", "skill://made/deep/x", "skill://listed/SKILL.md", "skill://other/x"});
  c.skills.emplace_back().skill.set_uri("skill://late/SKILL.md");  // takes nothing from those before it
  const MergedCatalog merged = MergeCatalogs({{"a", &a}, {"b", &b}, {"c", &c}});
  ASSERT_EQ(merged.contents.resources.size(), 4u);
  EXPECT_EQ(merged.contents.resources[0].resource.uri(), "skill://late/SKILL.md");
  EXPECT_EQ(merged.contents.resources[1].resource.uri(), "skill://listed/SKILL.md");
  EXPECT_EQ(merged.contents.resources[2].resource.uri(), "skill://listed/y");
  EXPECT_EQ(merged.contents.resources[3].resource.uri(), "skill://other/x");
  ASSERT_EQ(merged.duplicates.size(), 3u);
  EXPECT_EQ(merged.duplicates[0], (DuplicateEntry{"resource", "skill://listed/x", "c", "b"}));
  EXPECT_EQ(merged.duplicates[1], (DuplicateEntry{"resource", "skill://made/deep/x", "c", "b"}));
  EXPECT_EQ(merged.duplicates[2], (DuplicateEntry{"resource", "skill://listed/SKILL.md", "c", "b"}));
}

TEST(MergeCatalogsTest, JoinsInstructionsAndTakesTheStrictestHint) {
  CatalogContents a, b, c;
  a.instructions = "A.";
  c.instructions = "C.";
  EXPECT_EQ(MergeCatalogs({{"a", &a}, {"b", &b}, {"c", &c}}).contents.instructions, "A.\n\nC.");
  EXPECT_EQ(MergeCatalogs({{"a", &a}, {"b", &b}}).contents.cache_ttl, absl::InfiniteDuration());
  a.cache_ttl = absl::Seconds(60);
  b.cache_ttl = absl::Seconds(30);
  EXPECT_EQ(MergeCatalogs({{"a", &a}, {"b", &b}, {"c", &c}}).contents.cache_ttl, absl::Seconds(30));
  a.cache_scope = b.cache_scope = gatehouse::tool::v1::CACHE_SCOPE_PUBLIC;
  EXPECT_EQ(MergeCatalogs({{"a", &a}, {"b", &b}}).contents.cache_scope, gatehouse::tool::v1::CACHE_SCOPE_PUBLIC);
  EXPECT_EQ(MergeCatalogs({{"a", &a}, {"c", &c}}).contents.cache_scope, gatehouse::tool::v1::CACHE_SCOPE_UNSPECIFIED);
  c.cache_scope = gatehouse::tool::v1::CACHE_SCOPE_PRIVATE;
  EXPECT_EQ(MergeCatalogs({{"a", &a}, {"c", &c}}).contents.cache_scope, gatehouse::tool::v1::CACHE_SCOPE_PRIVATE);
  EXPECT_EQ(MergeCatalogs({}).contents.cache_scope, gatehouse::tool::v1::CACHE_SCOPE_UNSPECIFIED);
}

}  // namespace
}  // namespace mcp_edge
