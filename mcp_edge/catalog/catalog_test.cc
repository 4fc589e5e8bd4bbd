#include "mcp_edge/catalog/catalog.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

ToolEntry MakeEntry(const std::string& name, const std::string& description = "") {
  ToolEntry entry;
  entry.name = name;
  entry.tool.set_name(name);
  entry.tool.set_description(description);
  return entry;
}

CatalogContents Tools(std::vector<ToolEntry> tools) {
  CatalogContents contents;
  contents.tools = std::move(tools);
  return contents;
}

TEST(CatalogTest, StartsEmpty) {
  const Catalog catalog;
  EXPECT_EQ(catalog.Current()->generation(), 0u);
  EXPECT_TRUE(catalog.Current()->tools().empty());
  EXPECT_EQ(catalog.Current()->FindTool("a"), nullptr);
}

TEST(CatalogTest, FindsWhatWasPublishedAndKeepsItsOrder) {
  Catalog catalog;
  CatalogContents contents = Tools({MakeEntry("b"), MakeEntry("a")});
  ResourceEntry resource;
  resource.resource.set_uri("file:///x");
  contents.resources.push_back(resource);
  PromptEntry prompt;
  prompt.name = "p";
  contents.prompts.push_back(prompt);
  EXPECT_TRUE(catalog.Publish(contents));
  const auto snapshot = catalog.Current();
  EXPECT_EQ(snapshot->generation(), 1u);
  ASSERT_EQ(snapshot->tools().size(), 2u);
  EXPECT_EQ(snapshot->tools()[0].name, "b");
  EXPECT_EQ(snapshot->FindTool("a"), &snapshot->tools()[1]);
  EXPECT_EQ(snapshot->FindTool("A"), nullptr);
  EXPECT_EQ(snapshot->FindResource("file:///x"), &snapshot->resources()[0]);
  EXPECT_EQ(snapshot->FindPrompt("p"), &snapshot->prompts()[0]);
}

std::shared_ptr<ToolServiceClient> Service(const std::string& name) {
  return std::make_shared<ToolServiceClient>(name, "ipv4:127.0.0.1:1");
}

ResourceTemplateEntry MakeTemplate(const std::string& uri_template, const std::shared_ptr<ToolServiceClient>& service) {
  ResourceTemplateEntry entry;
  entry.resource_template.set_uri_template(uri_template);
  entry.service = service;
  return entry;
}

ResourceEntry MakeResource(const std::string& uri, const std::shared_ptr<ToolServiceClient>& service) {
  ResourceEntry entry;
  entry.resource.set_uri(uri);
  entry.service = service;
  return entry;
}

SkillEntry MakeSkill(const std::string& uri, const std::vector<std::string>& files,
                     const std::shared_ptr<ToolServiceClient>& service) {
  SkillEntry entry;
  entry.skill.set_uri(uri);
  for (const std::string& file : files) entry.skill.add_files()->set_uri(file);
  entry.service = service;
  return entry;
}

// The name of the service that reads `uri`, "" for none.
std::string ReaderOf(const CatalogSnapshot& snapshot, absl::string_view uri) {
  const auto reader = snapshot.FindReader(uri);
  return reader.has_value() ? reader->service->name() : "";
}

// The first scope of each requirement, each followed by a space but the last.
std::string ScopesOf(const CatalogSnapshot& snapshot, absl::string_view uri) {
  std::string scopes;
  const auto reader = snapshot.FindReader(uri);
  for (const auto* const sets : reader->required_scopes) {
    scopes += (scopes.empty() ? "" : " ") + sets->at(0).at(0);
  }
  return scopes;
}

TEST(CatalogTest, ReaderIsTheMostExactOne) {
  CatalogContents contents;
  ResourceEntry resource;
  resource.resource.set_uri("x:/a/b");
  resource.service = Service("resource");
  resource.required_scopes = {{"read"}};
  contents.resources.push_back(resource);
  contents.resource_templates.push_back(MakeTemplate("x:/a/{b}", Service("template")));
  contents.resource_templates.push_back(MakeTemplate("x:/a/{c}", Service("later template")));
  contents.resource_templates[0].required_scopes = {{"template"}};
  contents.resource_sources.push_back({.service = Service("short"), .uri_prefixes = {"x:/", "y:"}});
  contents.resource_sources.push_back({.service = Service("long"), .uri_prefixes = {"x:/a/b/c", "x:/a/b", "y:"}});
  const CatalogSnapshot snapshot(contents, nullptr);
  EXPECT_EQ(ReaderOf(snapshot, "x:/a/b"), "resource");
  EXPECT_EQ(ScopesOf(snapshot, "x:/a/b"), "read");
  EXPECT_EQ(ReaderOf(snapshot, "x:/a/other"), "template");
  EXPECT_EQ(ScopesOf(snapshot, "x:/a/other"), "template");
  EXPECT_EQ(ReaderOf(snapshot, "x:/a/b/d"), "long");
  EXPECT_EQ(ReaderOf(snapshot, "x:/a/b/c/d"), "long");
  EXPECT_EQ(ReaderOf(snapshot, "x:/b"), "short");
  EXPECT_EQ(ScopesOf(snapshot, "x:/b"), "");
  EXPECT_EQ(ReaderOf(snapshot, "y:1"), "short");  // of two with one prefix the first
  EXPECT_EQ(ReaderOf(snapshot, "z:1"), "");
  EXPECT_EQ(ReaderOf(snapshot, ""), "");
  EXPECT_EQ(snapshot.FindResourceTemplate("x:/a/{c}"), &snapshot.resource_templates()[1]);
  EXPECT_EQ(snapshot.FindResourceTemplate("x:/a/1"), nullptr);
}

TEST(CatalogTest, EveryTemplateOfTheReaderThatFitsMustBeAllowed) {
  const auto service = Service("s");
  CatalogContents contents;
  contents.resource_templates.push_back(MakeTemplate("x:{a}", service));
  contents.resource_templates.push_back(MakeTemplate("x:{+a}", service));
  contents.resource_templates.push_back(MakeTemplate("x:{+a}/secret", service));
  contents.resource_templates.push_back(MakeTemplate("x:{+a}", Service("other")));
  contents.resource_templates[1].required_scopes = {{"any"}};
  contents.resource_templates[2].required_scopes = {{"secret"}};
  contents.resource_templates[3].required_scopes = {{"of another service"}};
  contents.resource_sources.push_back({.service = service, .uri_prefixes = {"x:p/"}});
  contents.skills.push_back(MakeSkill("x:skill/SKILL.md", {}, service));
  const CatalogSnapshot snapshot(contents, nullptr);
  EXPECT_EQ(ScopesOf(snapshot, "x:1"), "any");
  EXPECT_EQ(ScopesOf(snapshot, "x:1/secret"), "any secret");
  // However the service comes to read it.
  EXPECT_EQ(ScopesOf(snapshot, "x:p/secret"), "any secret");
  EXPECT_EQ(ScopesOf(snapshot, "x:skill/secret"), "any secret");
}

TEST(CatalogTest, SkillsAndSourcesMayNeedScopesToo) {
  CatalogContents contents;
  const auto service = Service("one");
  contents.resource_sources.push_back({.service = service, .uri_prefixes = {"x:p/"}});
  contents.resource_sources[0].required_scopes = {{"source"}};
  contents.skills.push_back(MakeSkill("x:skill/SKILL.md", {}, service));
  contents.skills[0].required_scopes = {{"skill"}};
  const CatalogSnapshot snapshot(contents, nullptr);
  EXPECT_EQ(ScopesOf(snapshot, "x:p/1"), "source");
  EXPECT_EQ(ScopesOf(snapshot, "x:skill/SKILL.md"), "skill");
  EXPECT_EQ(ScopesOf(snapshot, "x:skill/other"), "skill");
}

TEST(CatalogTest, WhatASkillNeedsIsForFilesThatAreListedToo) {
  CatalogContents contents;
  const auto service = Service("one");
  contents.resources.push_back(MakeResource("x:skill/listed", service));
  contents.resources.push_back(MakeResource("x:skill/both", service));
  contents.resources[1].required_scopes = {{"own"}};
  contents.resources.push_back(MakeResource("x:skill/foreign", Service("other")));
  contents.skills.push_back(MakeSkill("x:skill/SKILL.md", {}, service));
  contents.skills[0].required_scopes = {{"skill"}};
  const CatalogSnapshot snapshot(contents, nullptr);
  EXPECT_EQ(ScopesOf(snapshot, "x:skill/listed"), "skill");
  EXPECT_EQ(ScopesOf(snapshot, "x:skill/both"), "own skill");
  EXPECT_EQ(ScopesOf(snapshot, "x:skill/foreign"), "");
}

TEST(CatalogTest, AChangeOfScopesIsAChange) {
  Catalog catalog;
  CatalogContents contents;
  contents.tools.emplace_back().name = "t";
  contents.prompts.emplace_back().name = "p";
  EXPECT_TRUE(catalog.Publish(contents));
  EXPECT_FALSE(catalog.Publish(contents));
  contents.tools[0].required_scopes = {{"a"}};
  EXPECT_TRUE(catalog.Publish(contents));
  EXPECT_EQ(catalog.Current()->tools_generation(), 2u);
  EXPECT_EQ(catalog.Current()->prompts_generation(), 1u);
  contents.scope_hierarchy = std::make_shared<const ScopeHierarchy>();
  EXPECT_FALSE(catalog.Publish(contents)) << "an empty one says nothing";
  contents.scope_hierarchy = std::make_shared<const ScopeHierarchy>(*ScopeHierarchy::Create({{"b", {"a"}}}));
  EXPECT_TRUE(catalog.Publish(contents));
  EXPECT_EQ(catalog.Current()->prompts_generation(), 3u);
}

TEST(CatalogTest, NoServiceTakesWhatAnotherClaimsMoreNarrowly) {
  CatalogContents contents;
  contents.resource_templates.push_back(MakeTemplate("{+all}", Service("thief")));
  contents.resource_templates.push_back(MakeTemplate("x:/a{+all}", Service("equal")));
  contents.resource_templates.push_back(MakeTemplate("x:/a/b/{c}", Service("narrower")));
  const auto owner = Service("owner");
  contents.resource_templates.push_back(MakeTemplate("x:/{+own}", owner));
  contents.resource_sources.push_back({.service = owner, .uri_prefixes = {"x:/a"}});
  contents.resource_sources.push_back({.service = Service("prefix"), .uri_prefixes = {"skill://a/x"}});
  contents.skills.push_back(MakeSkill("skill://a/SKILL.md", {"skill://a/SKILL.md", "skill://a/x.txt"}, owner));
  contents.skills.push_back(MakeSkill("skill://b/SKILL.md", {}, owner));
  const CatalogSnapshot snapshot(contents, nullptr);
  EXPECT_EQ(ReaderOf(snapshot, "skill://a/SKILL.md"), "owner");
  EXPECT_EQ(ReaderOf(snapshot, "skill://a/x.txt"), "owner");
  EXPECT_EQ(ReaderOf(snapshot, "skill://b/x.txt"), "owner");
  EXPECT_EQ(ReaderOf(snapshot, "skill://a/xyz"), "prefix");
  EXPECT_EQ(ReaderOf(snapshot, "x:/a1"), "owner");
  EXPECT_EQ(ReaderOf(snapshot, "x:/a/b/1"), "narrower");
  EXPECT_EQ(ReaderOf(snapshot, "x:/b"), "thief");  // no prefix says otherwise, so the first one
}

TEST(CatalogTest, LongestPrefixIsFoundWhateverLiesBetween) {
  CatalogContents contents;
  contents.resource_sources.push_back({.service = Service("a"), .uri_prefixes = {"x:a"}});
  contents.resource_sources.push_back({.service = Service("abc"), .uri_prefixes = {"x:abc", "x:abca", "x:ab1", "w:"}});
  const CatalogSnapshot snapshot(contents, nullptr);
  EXPECT_EQ(ReaderOf(snapshot, "x:abd"), "a");
  EXPECT_EQ(ReaderOf(snapshot, "x:abcz"), "abc");
  EXPECT_EQ(ReaderOf(snapshot, "x:a"), "a");
  EXPECT_EQ(ReaderOf(snapshot, "x:"), "");
  EXPECT_EQ(ReaderOf(snapshot, "x:b"), "");
}

TEST(CatalogTest, FilesOfSkillsHaveReaders) {
  CatalogContents contents;
  contents.skills.push_back(
      MakeSkill("skill://a/SKILL.md", {"skill://a/SKILL.md", "skill://a/x.txt"}, Service("listed")));
  contents.skills.push_back(MakeSkill("skill://p/b/SKILL.md", {}, Service("dynamic")));
  const CatalogSnapshot snapshot(contents, nullptr);
  EXPECT_EQ(ReaderOf(snapshot, "skill://a/SKILL.md"), "listed");
  EXPECT_EQ(ReaderOf(snapshot, "skill://a/x.txt"), "listed");
  EXPECT_EQ(ReaderOf(snapshot, "skill://a/y.txt"), "");
  EXPECT_EQ(ReaderOf(snapshot, "skill://p/b/SKILL.md"), "dynamic");
  EXPECT_EQ(ReaderOf(snapshot, "skill://p/b/deep/er/y.txt"), "dynamic");
  EXPECT_EQ(ReaderOf(snapshot, "skill://p/c/SKILL.md"), "");
  EXPECT_EQ(snapshot.FindSkill("skill://a/SKILL.md"), &snapshot.skills()[0]);
  EXPECT_EQ(snapshot.FindSkill("skill://a/x.txt"), nullptr);
}

TEST(CatalogTest, SkillsAndListedResourcesCountAsResources) {
  Catalog catalog;
  CatalogContents contents;
  contents.skills.push_back(MakeSkill("skill://a/SKILL.md", {}, Service("s")));
  EXPECT_TRUE(catalog.Publish(contents));
  EXPECT_EQ(catalog.Current()->resources_generation(), 1u);
  EXPECT_EQ(catalog.Current()->tools_generation(), 0u);
  contents.resource_sources.push_back({.service = Service("s"), .uri_prefixes = {"x:"}, .lists_resources = true});
  EXPECT_TRUE(catalog.Publish(contents));
  contents.resource_sources[0].uri_prefixes = {"y:"};
  EXPECT_FALSE(catalog.Publish(contents));
  EXPECT_EQ(catalog.Current()->resources_generation(), 2u);
  EXPECT_EQ(ReaderOf(*catalog.Current(), "y:1"), "s");
}

TEST(CatalogTest, ListenersHearOfChangesOnly) {
  Catalog catalog;
  std::vector<uint64_t> heard;
  catalog.AddListener([&](const CatalogSnapshot& snapshot) { heard.push_back(snapshot.generation()); });
  EXPECT_TRUE(catalog.Publish(Tools({MakeEntry("a")})));
  EXPECT_FALSE(catalog.Publish(Tools({MakeEntry("a")})));
  EXPECT_TRUE(catalog.Publish(Tools({MakeEntry("a", "changed")})));
  EXPECT_TRUE(catalog.Publish(Tools({MakeEntry("b"), MakeEntry("a", "changed")})));
  EXPECT_TRUE(catalog.Publish(Tools({MakeEntry("a", "changed"), MakeEntry("b")})));
  EXPECT_TRUE(catalog.Publish({}));
  EXPECT_EQ(heard, (std::vector<uint64_t>{1, 2, 3, 4, 5}));
}

TEST(CatalogTest, AnotherServiceForTheSameToolsIsNoChangeButIsUsed) {
  Catalog catalog;
  catalog.Publish(Tools({MakeEntry("a")}));
  CatalogContents contents = Tools({MakeEntry("a")});
  contents.tools[0].service = std::make_shared<ToolServiceClient>("fake", "ipv4:127.0.0.1:1");
  const auto service = contents.tools[0].service;
  EXPECT_FALSE(catalog.Publish(std::move(contents)));
  EXPECT_EQ(catalog.Current()->FindTool("a")->service, service);
  EXPECT_EQ(catalog.Current()->generation(), 1u);
}

TEST(CatalogTest, EachListHasItsOwnGeneration) {
  Catalog catalog;
  CatalogContents contents = Tools({MakeEntry("a")});
  catalog.Publish(contents);
  PromptEntry prompt;
  prompt.name = "p";
  contents.prompts.push_back(prompt);
  catalog.Publish(contents);
  EXPECT_EQ(catalog.Current()->tools_generation(), 1u);
  EXPECT_EQ(catalog.Current()->prompts_generation(), 2u);
  contents.resource_templates.emplace_back();
  catalog.Publish(contents);
  EXPECT_EQ(catalog.Current()->resources_generation(), 3u);
  contents.instructions = "Be kind.";
  catalog.Publish(contents);
  EXPECT_EQ(catalog.Current()->generation(), 4u);
  EXPECT_EQ(catalog.Current()->tools_generation(), 1u);
  EXPECT_EQ(catalog.Current()->prompts_generation(), 2u);
  EXPECT_EQ(catalog.Current()->resources_generation(), 3u);
}

TEST(CatalogTest, SnapshotOutlivesItsReplacement) {
  Catalog catalog;
  catalog.Publish(Tools({MakeEntry("a")}));
  const auto old = catalog.Current();
  catalog.Publish({});
  EXPECT_EQ(old->FindTool("a")->name, "a");
  EXPECT_EQ(catalog.Current()->FindTool("a"), nullptr);
}

TEST(CatalogTest, ReadersMeetWholeSnapshotsOnly) {
  Catalog catalog;
  catalog.Publish(Tools({MakeEntry("a"), MakeEntry("b")}));
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto snapshot = catalog.Current();
        EXPECT_EQ(snapshot->tools()[0].tool.description(), snapshot->tools()[1].tool.description());
      }
    });
  }
  for (int i = 0; i < 200; ++i)
    catalog.Publish(Tools({MakeEntry("a", std::to_string(i)), MakeEntry("b", std::to_string(i))}));
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

TEST(CatalogTest, StatesAreAsSet) {
  Catalog catalog;
  catalog.SetServiceStates({{.name = "whoami", .target = "dns:///x:1", .connected = true}});
  ASSERT_EQ(catalog.ServiceStates().size(), 1u);
  EXPECT_EQ(catalog.ServiceStates()[0].name, "whoami");
  EXPECT_TRUE(catalog.ServiceStates()[0].connected);
}

}  // namespace
}  // namespace mcp_edge
