#include "mcp_edge/dispatch/tool_list.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"

namespace mcp_edge {
namespace {

using Version = ProtocolVersion;
constexpr CacheTerms kCache = {absl::Seconds(60), true};

CatalogContents Tools(int count) {
  CatalogContents contents;
  for (int i = 0; i < count; ++i) {
    ToolEntry entry;
    entry.name = absl::StrCat("tool", i);
    entry.tool.set_input_schema_json(R"({"type":"object"})");
    contents.tools.push_back(entry);
  }
  return contents;
}

TEST(ToolListTest, PagesHoldEveryToolOnceInOrder) {
  Catalog catalog;
  catalog.Publish(Tools(25));
  ToolList list(10);
  std::string cursor;
  int seen = 0;
  int pages = 0;
  do {
    const auto page = list.Page(*catalog.Current(), Version::k2025_11_25, cursor, kCache);
    ASSERT_NE(page, nullptr);
    const auto json = ReadJson(*page);
    for (const auto& tool : (*json)["tools"]) EXPECT_EQ(tool["name"], absl::StrCat("tool", seen++));
    cursor = json->value("nextCursor", "");
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(seen, 25);
  EXPECT_EQ(pages, 3);
}

TEST(ToolListTest, AnEmptyCatalogueIsOneEmptyPage) {
  Catalog catalog;
  ToolList list;
  EXPECT_EQ(*list.Page(*catalog.Current(), Version::k2025_11_25, "", kCache), R"({"tools":[]})");
}

TEST(ToolListTest, AFullLastPageHasNoCursor) {
  Catalog catalog;
  catalog.Publish(Tools(10));
  ToolList list(10);
  const auto json = ReadJson(*list.Page(*catalog.Current(), Version::k2025_11_25, "", kCache));
  EXPECT_FALSE(json->contains("nextCursor"));
}

TEST(ToolListTest, ForeignCursorsAreRefused) {
  Catalog catalog;
  catalog.Publish(Tools(25));
  ToolList list(10);
  EXPECT_EQ(list.Page(*catalog.Current(), Version::k2025_11_25, "bm9uc2Vuc2U", kCache), nullptr);
}

TEST(ToolListTest, APageIsWrittenOncePerCatalogueAndVersion) {
  Catalog catalog;
  catalog.Publish(Tools(3));
  ToolList list;
  const auto first = list.Page(*catalog.Current(), Version::k2025_11_25, "", kCache);
  EXPECT_EQ(list.Page(*catalog.Current(), Version::k2025_11_25, "", kCache), first);
  EXPECT_NE(list.Page(*catalog.Current(), Version::k2026_07_28, "", kCache), first);
  catalog.Publish(Tools(4));
  const auto changed = list.Page(*catalog.Current(), Version::k2025_11_25, "", kCache);
  EXPECT_NE(changed, first);
  EXPECT_EQ((*ReadJson(*changed))["tools"].size(), 4);
}

}  // namespace
}  // namespace mcp_edge
