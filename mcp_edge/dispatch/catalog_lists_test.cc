#include "mcp_edge/dispatch/catalog_lists.h"

#include <time.h>

#include <algorithm>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/sealing/aead_sealer.h"

namespace mcp_edge {
namespace {

using nlohmann::json;
using Version = ProtocolVersion;
constexpr CacheTerms kPublic = {absl::Seconds(60), true};
constexpr CacheTerms kPrivate = {absl::Seconds(60), false};

ToolEntry MakeEntry(const std::string& name) {
  ToolEntry entry;
  entry.name = name;
  entry.tool.set_input_schema_json(R"({"type":"object"})");
  return entry;
}

CatalogContents Tools(int count) {
  CatalogContents contents;
  for (int i = 0; i < count; ++i) contents.tools.push_back(MakeEntry(absl::StrCat("tool", i)));
  return contents;
}

ResourceEntry MakeResource(const std::string& uri) {
  ResourceEntry entry;
  entry.resource.set_uri(uri);
  entry.resource.set_name(uri);
  return entry;
}

ResourceSource MakeSource(const std::string& name, bool lists) {
  ResourceSource source;
  source.service = std::make_shared<ToolServiceClient>(name, "ipv4:127.0.0.1:1");
  source.lists_resources = lists;
  return source;
}

class CatalogListsTest : public testing::Test {
 protected:
  CatalogLists::Page Get(ListKind kind, absl::string_view cursor, absl::string_view principal = "me",
                         const CacheTerms& cache = kPrivate, Version version = Version::k2025_11_25) {
    return lists_.GetPage(kind, *catalog_.Current(), version, cursor, principal, cache);
  }
  json Read(const CatalogLists::Page& page) {
    const auto* text = std::get_if<std::string>(&page);
    return text == nullptr ? json() : *ReadJson(*text);
  }
  static bool IsBad(const CatalogLists::Page& page) { return std::holds_alternative<CatalogLists::BadCursor>(page); }

  common::FakeClock clock_;
  AeadSealer sealer_{RandomKeyRing(), clock_};
  CatalogLists lists_{sealer_, clock_, /*page_size=*/10};
  Catalog catalog_;
};

TEST_F(CatalogListsTest, PagesHoldEveryToolOnceInOrder) {
  catalog_.Publish(Tools(25));
  std::string cursor;
  int seen = 0;
  int pages = 0;
  do {
    const json page = Read(Get(ListKind::kTools, cursor));
    ASSERT_TRUE(page.is_object());
    for (const auto& tool : page["tools"]) EXPECT_EQ(tool["name"], absl::StrCat("tool", seen++));
    cursor = page.value("nextCursor", "");
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(seen, 25);
  EXPECT_EQ(pages, 3);
}

TEST_F(CatalogListsTest, EachListHasItsMember) {
  CatalogContents contents = Tools(1);
  contents.resources.push_back(MakeResource("test://a"));
  contents.resource_templates.emplace_back();
  contents.resource_templates[0].resource_template.set_uri_template("test://{x}");
  contents.prompts.emplace_back();
  contents.prompts[0].name = "p";
  catalog_.Publish(contents);
  EXPECT_EQ(Read(Get(ListKind::kTools, ""))["tools"][0]["name"], "tool0");
  EXPECT_EQ(Read(Get(ListKind::kResources, ""))["resources"][0]["uri"], "test://a");
  EXPECT_EQ(Read(Get(ListKind::kResourceTemplates, ""))["resourceTemplates"][0]["uriTemplate"], "test://{x}");
  EXPECT_EQ(Read(Get(ListKind::kPrompts, ""))["prompts"][0]["name"], "p");
}

TEST_F(CatalogListsTest, AnEmptyCatalogueIsOneEmptyPage) {
  EXPECT_EQ(std::get<std::string>(Get(ListKind::kTools, "")), R"({"tools":[]})");
  EXPECT_EQ(std::get<std::string>(Get(ListKind::kResources, "")), R"({"resources":[]})");
}

TEST_F(CatalogListsTest, ModernPagesAreDecorated) {
  catalog_.Publish(Tools(1));
  const json page = Read(Get(ListKind::kTools, "", "me", kPublic, Version::k2026_07_28));
  EXPECT_EQ(page["resultType"], "complete");
  EXPECT_EQ(page["ttlMs"], 60'000);
  EXPECT_EQ(page["cacheScope"], "public");
}

TEST_F(CatalogListsTest, AFullLastPageHasNoCursor) {
  catalog_.Publish(Tools(10));
  EXPECT_FALSE(Read(Get(ListKind::kTools, "")).contains("nextCursor"));
}

TEST_F(CatalogListsTest, CursorsAreForOneListOneCallerAndOneHour) {
  CatalogContents contents = Tools(11);
  for (int i = 0; i < 11; ++i) contents.resources.push_back(MakeResource(absl::StrCat("tool", i)));
  catalog_.Publish(contents);
  const std::string cursor = Read(Get(ListKind::kTools, ""))["nextCursor"];
  EXPECT_FALSE(IsBad(Get(ListKind::kTools, cursor)));
  EXPECT_TRUE(IsBad(Get(ListKind::kResources, cursor)));
  EXPECT_TRUE(IsBad(Get(ListKind::kTools, cursor, "somebody else")));
  EXPECT_TRUE(IsBad(Get(ListKind::kTools, cursor + "A")));
  EXPECT_TRUE(IsBad(Get(ListKind::kTools, "bm9uc2Vuc2U")));
  clock_.Advance(CatalogLists::kCursorLifetime + absl::Seconds(1));
  EXPECT_TRUE(IsBad(Get(ListKind::kTools, cursor)));
}

TEST_F(CatalogListsTest, CursorsOfPublicListsAreForEverybody) {
  catalog_.Publish(Tools(11));
  const std::string cursor = Read(Get(ListKind::kTools, "", "me", kPublic))["nextCursor"];
  EXPECT_EQ(Read(Get(ListKind::kTools, cursor, "somebody else", kPublic))["tools"].size(), 1);
}

TEST_F(CatalogListsTest, AnotherReplicaUnderstandsACursor) {
  catalog_.Publish(Tools(11));
  const std::string cursor = Read(Get(ListKind::kTools, ""))["nextCursor"];
  CatalogLists replica(sealer_, clock_, 10);
  const auto page =
      replica.GetPage(ListKind::kTools, *catalog_.Current(), Version::k2025_11_25, cursor, "me", kPrivate);
  EXPECT_EQ(Read(page)["tools"][0]["name"], "tool10");
}

TEST_F(CatalogListsTest, ACursorKeepsItsPlaceWhenTheCatalogueChanges) {
  catalog_.Publish(Tools(11));
  const std::string cursor = Read(Get(ListKind::kTools, ""))["nextCursor"];
  CatalogContents changed = Tools(12);
  changed.tools.insert(changed.tools.begin(), MakeEntry("new"));
  catalog_.Publish(changed);
  const json page = Read(Get(ListKind::kTools, cursor));
  EXPECT_EQ(page["tools"].size(), 2);
  EXPECT_EQ(page["tools"][0]["name"], "tool10");
  catalog_.Publish(Tools(10));
  EXPECT_TRUE(IsBad(Get(ListKind::kTools, cursor)));
}

TEST_F(CatalogListsTest, AListIsWrittenAnewWhenItChanges) {
  catalog_.Publish(Tools(3));
  EXPECT_EQ(Read(Get(ListKind::kTools, ""))["tools"].size(), 3);
  const auto before = catalog_.Current();
  catalog_.Publish(Tools(4));
  EXPECT_EQ(Read(Get(ListKind::kTools, ""))["tools"].size(), 4);
  // A request that still holds the old catalogue sees the old list, and does not bring it back for others.
  EXPECT_EQ(Read(lists_.GetPage(ListKind::kTools, *before, Version::k2025_11_25, "", "me", kPrivate))["tools"].size(),
            3);
  EXPECT_EQ(Read(Get(ListKind::kTools, ""))["tools"].size(), 4);
}

TEST_F(CatalogListsTest, APageOfLargeToolsIsShort) {
  CatalogContents contents = Tools(2);
  contents.tools[0].tool.set_description(std::string(CatalogLists::kPageBytes, 'x'));
  catalog_.Publish(contents);
  const json first = Read(Get(ListKind::kTools, ""));
  EXPECT_EQ(first["tools"].size(), 1);
  const json second = Read(Get(ListKind::kTools, first["nextCursor"].get<std::string>()));
  EXPECT_EQ(second["tools"].size(), 1);
  EXPECT_EQ(second["tools"][0]["name"], "tool1");
}

// Of 40 tools every fourth needs nothing, and one each of the others "a", "b" and "c".
CatalogContents GuardedTools() {
  CatalogContents contents = Tools(40);
  for (int i = 0; i < 40; ++i) {
    if (i % 4 > 0) contents.tools[i].required_scopes = {{std::string(1, static_cast<char>('a' + i % 4 - 1))}};
  }
  return contents;
}

TEST_F(CatalogListsTest, ACallerMaySeeOnlyWhatItsScopesDoFor) {
  CatalogContents contents = GuardedTools();
  contents.scope_hierarchy = std::make_shared<const ScopeHierarchy>(*ScopeHierarchy::Create({{"all", {"a", "b"}}}));
  catalog_.Publish(contents);
  const auto names = [&](const std::vector<std::string>& scopes, bool known = true) {
    Principal principal;
    principal.scopes = scopes;
    principal.scopes_known = known;
    std::vector<std::string> seen;
    std::string cursor;
    do {
      const json page = Read(lists_.GetPage(ListKind::kTools, *catalog_.Current(), Version::k2026_07_28, cursor, "me",
                                            kPublic, &principal));
      EXPECT_EQ(page["cacheScope"], "private");
      cursor = page.value("nextCursor", "");
      EXPECT_TRUE(cursor.empty() || page["tools"].size() == 10u) << "pages are full but for the last";
      EXPECT_FALSE(page["tools"].empty());
      for (const auto& tool : page["tools"]) seen.push_back(tool["name"]);
    } while (!cursor.empty());
    return seen;
  };
  const auto expected = [](const std::vector<int>& rests) {
    std::vector<std::string> names;
    for (int i = 0; i < 40; ++i) {
      if (std::find(rests.begin(), rests.end(), i % 4) != rests.end()) names.push_back(absl::StrCat("tool", i));
    }
    return names;
  };
  EXPECT_EQ(names({}), expected({0}));
  EXPECT_EQ(names({"b"}), expected({0, 2}));
  EXPECT_EQ(names({"a", "c"}), expected({0, 1, 3}));
  EXPECT_EQ(names({"all"}), expected({0, 1, 2}));
  EXPECT_EQ(names({"all", "c"}), expected({0, 1, 2, 3}));
  EXPECT_EQ(names({"all", "c"}, false), expected({0})) << "scopes that nobody knows";
}

TEST_F(CatalogListsTest, ACursorGoesOnWhenItsEntryIsHiddenMeanwhile) {
  catalog_.Publish(GuardedTools());
  Principal principal;
  principal.scopes = {"a"};
  principal.scopes_known = true;
  const auto get = [&](absl::string_view cursor) {
    return lists_.GetPage(ListKind::kTools, *catalog_.Current(), Version::k2025_11_25, cursor, "me", kPublic,
                          &principal);
  };
  const std::string cursor = Read(get(""))["nextCursor"];
  EXPECT_EQ(Read(get(cursor))["tools"][0]["name"], "tool20");
  CatalogContents changed = GuardedTools();
  changed.tools[20].required_scopes = {{"c"}};
  catalog_.Publish(changed);
  EXPECT_EQ(Read(get(cursor))["tools"][0]["name"], "tool21");
  EXPECT_TRUE(IsBad(Get(ListKind::kTools, cursor, "somebody else")));
}

TEST_F(CatalogListsTest, WhenAllIsHiddenThereIsAnEmptyPageOrWhatServicesList) {
  CatalogContents contents;
  contents.resources.push_back(MakeResource("test://a"));
  contents.resources[0].required_scopes = {{"a"}};
  catalog_.Publish(contents);
  const Principal nobody;
  const auto get = [&] {
    return lists_.GetPage(ListKind::kResources, *catalog_.Current(), Version::k2025_11_25, "", "me", kPublic, &nobody);
  };
  EXPECT_EQ(std::get<std::string>(get()), R"({"resources":[]})");
  contents.resource_sources = {MakeSource("one", true)};
  catalog_.Publish(contents);
  EXPECT_EQ(std::get<CatalogLists::ServicePlace>(get()), (CatalogLists::ServicePlace{"one", ""}));
}

TEST_F(CatalogListsTest, TenThousandHiddenToolsCostNextToNothing) {
  CatalogContents contents = Tools(10'000);
  for (size_t i = 0; i + 1 < contents.tools.size(); ++i) contents.tools[i].required_scopes = {{"a"}};
  catalog_.Publish(contents);
  const Principal nobody;
  CatalogLists lists(sealer_, clock_);
  const auto snapshot = catalog_.Current();
  const auto get = [&] {
    return lists.GetPage(ListKind::kTools, *snapshot, Version::k2025_11_25, "", "me", kPublic, &nobody);
  };
  EXPECT_EQ(Read(get())["tools"].size(), 1u);  // and the list is written
  const auto processor_time = [] {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return absl::DurationFromTimespec(time);
  };
  const absl::Duration start = processor_time();
  for (int i = 0; i < 20; ++i) get();
  // Far more than it takes, and far less than writing or judging every entry would.
  EXPECT_LT(processor_time() - start, absl::Milliseconds(20 * 3));
}

TEST_F(CatalogListsTest, ServicesThatListResourcesComeAfterTheCatalogue) {
  CatalogContents contents;
  contents.resources.push_back(MakeResource("test://a"));
  contents.resource_sources = {MakeSource("silent", false), MakeSource("one", true), MakeSource("two", true)};
  catalog_.Publish(contents);
  const json page = Read(Get(ListKind::kResources, "", "me", kPublic, Version::k2026_07_28));
  EXPECT_EQ(page["resources"].size(), 1);
  EXPECT_EQ(page["cacheScope"], "private");
  const auto next = Get(ListKind::kResources, page["nextCursor"].get<std::string>());
  EXPECT_EQ(std::get<CatalogLists::ServicePlace>(next), (CatalogLists::ServicePlace{"one", ""}));
  EXPECT_FALSE(Read(Get(ListKind::kResourceTemplates, "")).contains("nextCursor"));
}

TEST_F(CatalogListsTest, WithoutResourcesInTheCatalogueServicesComeFirst) {
  CatalogContents contents;
  contents.resource_sources = {MakeSource("one", true)};
  catalog_.Publish(contents);
  EXPECT_EQ(std::get<CatalogLists::ServicePlace>(Get(ListKind::kResources, "")),
            (CatalogLists::ServicePlace{"one", ""}));
}

TEST_F(CatalogListsTest, AServicesCursorIsKeptForItsCaller) {
  const std::string cursor = lists_.CursorFor({"one", "page\n2"}, "me");
  EXPECT_EQ(std::get<CatalogLists::ServicePlace>(Get(ListKind::kResources, cursor)),
            (CatalogLists::ServicePlace{"one", "page\n2"}));
  EXPECT_TRUE(IsBad(Get(ListKind::kResources, cursor, "somebody else")));
  EXPECT_TRUE(IsBad(Get(ListKind::kTools, cursor)));
}

}  // namespace
}  // namespace mcp_edge
