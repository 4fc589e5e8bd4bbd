#include "mcp_edge/dispatch/skills.h"

#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using nlohmann::json;

// Keeps what it seals.
class FakeSealer final : public Sealer {
 public:
  explicit FakeSealer(const common::Clock& clock) : clock_(clock) {}
  std::string Seal(absl::string_view content, absl::string_view binding, absl::Time expire_time) const override {
    sealed_.push_back({std::string(content), std::string(binding), expire_time});
    return absl::StrCat("sealed-", sealed_.size() - 1);
  }
  absl::StatusOr<std::string> Open(absl::string_view sealed, absl::string_view binding) const override {
    int number = -1;
    if (!absl::ConsumePrefix(&sealed, "sealed-") || !absl::SimpleAtoi(sealed, &number) || number < 0 ||
        number >= static_cast<int>(sealed_.size()) || sealed_[number].binding != binding) {
      return absl::InvalidArgumentError("not sealed");
    }
    if (clock_.Now() >= sealed_[number].expire_time) return absl::DeadlineExceededError("expired");
    return sealed_[number].content;
  }

 private:
  struct Sealed {
    std::string content;
    std::string binding;
    absl::Time expire_time;
  };
  const common::Clock& clock_;
  mutable std::vector<Sealed> sealed_;
};

SkillEntry Skill(const std::string& directory, const std::vector<std::string>& files) {
  SkillEntry entry;
  entry.skill.set_uri(absl::StrCat("skill://", directory, "/SKILL.md"));
  entry.skill.set_frontmatter_json(R"({"name":"n","description":"d","x":[1.0]})");
  for (const std::string& path : files) {
    auto* file = entry.skill.add_files();
    file->set_uri(absl::StrCat("skill://", directory, "/", path));
    file->set_sha256(std::string(31, '\0') + "\xab");
    file->set_size(7);
    if (absl::EndsWith(path, ".md")) file->set_mime_type("text/markdown");
  }
  return entry;
}

class SkillsTest : public testing::Test {
 protected:
  using Method = Skills::Answer (Skills::*)(const Message&, const RequestContext&, const CatalogSnapshot&,
                                            const CacheTerms&) const;

  void Publish(std::vector<SkillEntry> skills) {
    CatalogContents contents;
    contents.skills = std::move(skills);
    catalog_.Publish(std::move(contents));
  }
  Skills::Answer Ask(Method method, const json& params, const std::string& who = "alice", bool is_public = false) {
    Message message;
    message.params = params;
    auto principal = std::make_shared<Principal>();
    principal->key = who;
    RequestContext context;
    context.principal = principal;
    context.version = ProtocolVersion::k2026_07_28;
    const Skills skills({.page_size = 2, .page_bytes = page_bytes_}, sealer_, clock_);
    return (skills.*method)(message, context, *catalog_.Current(), {absl::Seconds(5), is_public});
  }
  json Result(Method method, const json& params, const std::string& who = "alice", bool is_public = false) {
    const Skills::Answer answer = Ask(method, params, who, is_public);
    const auto* text = std::get_if<std::string>(&answer);
    return text == nullptr ? json(std::get<RpcError>(answer).message) : json::parse(*text);
  }
  bool IsRefused(Method method, const json& params, const std::string& who = "alice") {
    const Skills::Answer answer = Ask(method, params, who);
    const auto* error = std::get_if<RpcError>(&answer);
    return error != nullptr && error->kind == WireErrorKind::kInvalidParams;
  }
  // The names of what is in a directory, "/" after directories.
  std::vector<std::string> Children(const std::string& uri) {
    std::vector<std::string> names;
    const json result = Result(&Skills::ReadDirectory, {{"uri", uri}});
    if (!result.is_object()) return {"refused"};
    for (const json& child : result["resources"]) {
      EXPECT_EQ(child["uri"], uri + "/" + child["name"].get<std::string>());
      names.push_back(child["name"].get<std::string>() + (child.value("mimeType", "") == "inode/directory" ? "/" : ""));
    }
    return names;
  }

  common::FakeClock clock_;
  FakeSealer sealer_{clock_};
  Catalog catalog_;
  size_t page_bytes_ = 256 << 10;
};

TEST_F(SkillsTest, AnEntryHasItsFrontmatterVerbatimAndAllItsFiles) {
  Publish({Skill("acme/pdf", {"SKILL.md"})});
  const std::string text = std::get<std::string>(Ask(&Skills::List, json::object()));
  EXPECT_NE(text.find(R"("frontmatter":{"name":"n","description":"d","x":[1.0]})"), std::string::npos) << text;
  const json result = json::parse(text);
  EXPECT_EQ(result["resultType"], "complete");
  EXPECT_EQ(result["ttlMs"], 5'000);
  EXPECT_EQ(result["cacheScope"], "private");
  EXPECT_FALSE(result.contains("nextCursor"));
  EXPECT_EQ(result["skills"][0]["uri"], "skill://acme/pdf/SKILL.md");
  EXPECT_EQ(
      result["skills"][0]["resources"],
      json::array(
          {{{"uri", "skill://acme/pdf/SKILL.md"}, {"digest", "sha256:" + std::string(62, '0') + "ab"}, {"size", 7}}}));
}

TEST_F(SkillsTest, ASkillWhoseFilesAreMadeWhenAskedForIsDynamic) {
  Publish({Skill("a", {})});
  EXPECT_EQ(Result(&Skills::Get, {{"uri", "skill://a/SKILL.md"}})["skill"]["resources"], "dynamic");
  EXPECT_EQ(Children("skill://a"), std::vector<std::string>{"refused"});
}

TEST_F(SkillsTest, OneSkillIsGivenAsTheListHasIt) {
  Publish({Skill("a", {"SKILL.md"}), Skill("b", {"SKILL.md", "x/y"})});
  const json listed = Result(&Skills::List, json::object());
  const json got = Result(&Skills::Get, {{"uri", "skill://b/SKILL.md"}});
  EXPECT_EQ(got["skill"], listed["skills"][1]);
  EXPECT_EQ(got["ttlMs"], 5'000);
  EXPECT_FALSE(got.contains("nextCursor"));
}

TEST_F(SkillsTest, WhatIsNoSkillOrNoDirectoryIsRefused) {
  Publish({Skill("a/b", {"SKILL.md", "c/d"})});
  for (const json& params : std::vector<json>{json::object(),
                                              {{"uri", 5}},
                                              {{"uri", ""}},
                                              {{"uri", "skill://a/b"}},
                                              {{"uri", "skill://unknown/SKILL.md"}}}) {
    EXPECT_TRUE(IsRefused(&Skills::Get, params)) << params;
  }
  for (const json& params : std::vector<json>{json::object(),
                                              {{"uri", 5}},
                                              {{"uri", ""}},
                                              {{"uri", "skill:/"}},
                                              {{"uri", "skill://a"}},
                                              {{"uri", "skill://a/b/"}},
                                              {{"uri", "skill://a/b/SKILL.md"}},
                                              {{"uri", "skill://a/b/c/d"}},
                                              {{"uri", "skill://a/b/e"}}}) {
    EXPECT_TRUE(IsRefused(&Skills::ReadDirectory, params)) << params;
  }
}

TEST_F(SkillsTest, ADirectoryHoldsItsDirectChildrenOnly) {
  Publish({Skill("a", {"SKILL.md", "z/deep/1.txt", "z/2.md"}), Skill("ab", {"SKILL.md"})});
  EXPECT_EQ(Children("skill://a"), (std::vector<std::string>{"SKILL.md", "z/"}));
  EXPECT_EQ(Children("skill://a/z"), (std::vector<std::string>{"2.md", "deep/"}));
  EXPECT_EQ(Children("skill://a/z/deep"), (std::vector<std::string>{"1.txt"}));
  const json result = Result(&Skills::ReadDirectory, {{"uri", "skill://a"}});
  EXPECT_EQ(result["resources"][0],
            (json{{"uri", "skill://a/SKILL.md"}, {"name", "SKILL.md"}, {"mimeType", "text/markdown"}, {"size", 7}}));
  EXPECT_EQ(result["resources"][1], (json{{"uri", "skill://a/z"}, {"name", "z"}, {"mimeType", "inode/directory"}}));
  EXPECT_EQ(result["resultType"], "complete");
  EXPECT_EQ(result["cacheScope"], "private");
}

TEST_F(SkillsTest, WhatIsAFileAndADirectoryIsADirectory) {
  Publish({Skill("a", {"SKILL.md", "x", "x/y"})});
  EXPECT_EQ(Children("skill://a"), (std::vector<std::string>{"SKILL.md", "x/"}));
  Publish({Skill("a", {"SKILL.md", "x/y", "x"})});
  EXPECT_EQ(Children("skill://a"), (std::vector<std::string>{"SKILL.md", "x/"}));
}

TEST_F(SkillsTest, ASkillMayLieInTheDirectoryOfAnother) {
  Publish({Skill("a", {"SKILL.md", "b/notes.md"}), Skill("a/b", {"SKILL.md"})});
  EXPECT_EQ(Children("skill://a"), (std::vector<std::string>{"SKILL.md", "b/"}));
  EXPECT_EQ(Children("skill://a/b"), (std::vector<std::string>{"SKILL.md", "notes.md"}));
}

TEST_F(SkillsTest, PagesHoldEachEntryOnce) {
  std::vector<SkillEntry> skills;
  for (int i = 0; i < 5; ++i) skills.push_back(Skill(absl::StrCat("s", i), {"SKILL.md", "1", "2", "3", "4"}));
  Publish(std::move(skills));
  for (const auto& [method, member, base] : std::vector<std::tuple<Method, std::string, json>>{
           {&Skills::List, "skills", json::object()}, {&Skills::ReadDirectory, "resources", {{"uri", "skill://s3"}}}}) {
    std::vector<std::string> uris;
    json params = base;
    for (int page = 0; page < 3; ++page) {
      const json result = Result(method, params);
      for (const json& element : result[member]) uris.push_back(element["uri"]);
      EXPECT_EQ(result.contains("nextCursor"), page < 2);
      if (page < 2) params["cursor"] = result["nextCursor"];
    }
    EXPECT_EQ(std::set<std::string>(uris.begin(), uris.end()).size(), 5) << member;
    EXPECT_EQ(uris.size(), 5);
  }
}

TEST_F(SkillsTest, ALargeEntryEndsItsPage) {
  std::vector<std::string> files = {"SKILL.md"};
  for (int i = 0; i < 200; ++i) files.push_back(absl::StrCat("file", i));
  Publish({Skill("a", files), Skill("b", files)});
  page_bytes_ = 10'000;
  const json result = Result(&Skills::List, json::object());
  EXPECT_EQ(result["skills"].size(), 1);
  EXPECT_TRUE(result.contains("nextCursor"));
}

TEST_F(SkillsTest, ACursorIsGoodForItsListItsCallerAndItsTime) {
  std::vector<SkillEntry> skills;
  for (int i = 0; i < 3; ++i) skills.push_back(Skill(absl::StrCat("s", i), {"SKILL.md", "1", "2"}));
  Publish(std::move(skills));
  const std::string cursor = Result(&Skills::List, json::object())["nextCursor"];
  const std::string inside = Result(&Skills::ReadDirectory, {{"uri", "skill://s0"}})["nextCursor"];
  EXPECT_FALSE(IsRefused(&Skills::List, {{"cursor", cursor}}));
  EXPECT_TRUE(IsRefused(&Skills::List, {{"cursor", cursor}}, "mallory"));
  EXPECT_TRUE(IsRefused(&Skills::List, {{"cursor", inside}}));
  EXPECT_TRUE(IsRefused(&Skills::ReadDirectory, {{"uri", "skill://s1"}, {"cursor", inside}}));
  for (const json& bad : std::vector<json>{"", 5, nullptr, "sealed-99"}) {
    EXPECT_TRUE(IsRefused(&Skills::List, {{"cursor", bad}})) << bad;
  }
  clock_.Advance(Skills::kCursorLifetime);
  EXPECT_TRUE(IsRefused(&Skills::List, {{"cursor", cursor}}));
}

TEST_F(SkillsTest, ACursorOfASharedListIsGoodForEverybody) {
  Publish({Skill("a", {}), Skill("b", {}), Skill("c", {})});
  const json page = Result(&Skills::List, json::object(), "alice", /*is_public=*/true);
  EXPECT_EQ(page["cacheScope"], "public");
  EXPECT_FALSE(IsRefused(&Skills::List, {{"cursor", page["nextCursor"]}}, "bob"));
}

TEST_F(SkillsTest, ACursorWhosePlaceIsGoneIsRefused) {
  Publish({Skill("a", {}), Skill("b", {}), Skill("c", {})});
  const std::string cursor = Result(&Skills::List, json::object())["nextCursor"];
  Publish({Skill("a", {}), Skill("b", {})});
  EXPECT_TRUE(IsRefused(&Skills::List, {{"cursor", cursor}}));
}

TEST_F(SkillsTest, NoSkillsAreAnEmptyList) {
  EXPECT_EQ(Result(&Skills::List, json::object())["skills"], json::array());
}

}  // namespace
}  // namespace mcp_edge
