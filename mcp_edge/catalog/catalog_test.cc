#include "mcp_edge/catalog/catalog.h"

#include <atomic>
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
