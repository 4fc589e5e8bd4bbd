#include "tool_service/sdk/skill.h"

#include <string>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tool_service/sdk/fake_tool_context.h"

namespace tool_service {
namespace {

using ::testing::HasSubstr;

constexpr char kManifest[] =
    "---\nname: tidy\ndescription: \"Tidies: up\"\nversion: 2\ntags: [a, 'true', true]\n---\n# T\n";

TEST(SkillTest, TheFrontMatterBecomesJsonInItsOrder) {
  const auto bundle = MakeSkill("skill://acme/tidy", {{"SKILL.md", kManifest}});
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ(bundle->skill.uri(), "skill://acme/tidy/SKILL.md");
  EXPECT_EQ(bundle->skill.frontmatter_json(),
            R"({"name":"tidy","description":"Tidies: up","version":2,"tags":["a","true",true]})");
  EXPECT_EQ(bundle->manifest.name(), "tidy");
  EXPECT_EQ(bundle->manifest.description(), "Tidies: up");
  EXPECT_EQ(bundle->manifest.mime_type(), "text/markdown");
}

TEST(SkillTest, DigestsAndSizesAreThoseOfTheBytes) {
  const auto bundle =
      MakeSkill("skill://tidy", {{"SKILL.md", kManifest}, {"a/b.bin", "abc", "application/octet-stream"}});
  ASSERT_TRUE(bundle.ok());
  ASSERT_EQ(bundle->skill.files_size(), 2);
  const auto& file = bundle->skill.files(1);
  EXPECT_EQ(file.uri(), "skill://tidy/a/b.bin");
  EXPECT_EQ(file.size(), 3);
  EXPECT_EQ(absl::BytesToHexString(file.sha256()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(bundle->contents.at("skill://tidy/a/b.bin").blob(), "abc");
  EXPECT_EQ(bundle->contents.at("skill://tidy/SKILL.md").text(), kManifest);
}

TEST(SkillTest, WhatIsNoSkillIsRefusedWithItsReason) {
  struct {
    std::vector<SkillSource> files;
    const char* reason;
  } const cases[] = {
      {{}, "no SKILL.md"},
      {{{"SKILL.md", "# No front matter"}}, "front matter"},
      {{{"SKILL.md", "---\nname: a\n"}}, "front matter"},
      {{{"SKILL.md", "---\n- a\n---\n"}}, "front matter"},
      {{{"SKILL.md", "---\na: [\n---\n"}}, "no YAML"},
      {{{"SKILL.md", "---\na: " + std::string(100, '[') + std::string(100, ']') + "\n---\n"}}, "front matter"},
      {{{"SKILL.md", kManifest}, {"../x", "y"}}, "not below its directory"},
      {{{"SKILL.md", kManifest}, {"SKILL.md", kManifest}}, "two files"},
  };
  for (const auto& each : cases) {
    const auto bundle = MakeSkill("skill://tidy", each.files);
    EXPECT_EQ(bundle.status().code(), absl::StatusCode::kInvalidArgument) << each.reason;
    EXPECT_THAT(std::string(bundle.status().message()), HasSubstr(each.reason));
  }
}

TEST(SkillTest, AServiceReadsTheFilesAndForgetsThem) {
  Service service("s");
  ASSERT_TRUE(service.AddSkill(*MakeSkill("skill://tidy", {{"SKILL.md", kManifest}, {"N.md", "note"}})).ok());
  EXPECT_EQ(service.catalog()->skills_size(), 1);
  ASSERT_EQ(service.catalog()->resources_size(), 1);
  EXPECT_EQ(service.catalog()->resources(0).uri(), "skill://tidy/SKILL.md");
  FakeToolContext context;
  const auto read = service.ReadResource(context, "skill://tidy/N.md");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::get<ReadResourceResult>(*read).contents(0).text(), "note");

  ASSERT_TRUE(service.RemoveSkill("skill://tidy/SKILL.md").ok());
  EXPECT_EQ(service.catalog()->skills_size(), 0);
  EXPECT_EQ(service.ReadResource(context, "skill://tidy/N.md").status().code(), absl::StatusCode::kNotFound);
}

TEST(SkillTest, NamesAndUrisKeepTheRules) {
  Service service("s");
  EXPECT_EQ(service.AddSkill(*MakeSkill("skill://other", {{"SKILL.md", kManifest}})).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(
      service.AddSkill(*MakeSkill("skill://Tidy", {{"SKILL.md", "---\nname: Tidy\ndescription: a\n---\n"}})).ok());
  EXPECT_FALSE(service.AddSkill(*MakeSkill("skill://tidy", {{"SKILL.md", "---\nname: tidy\n---\n"}})).ok());
}

}  // namespace
}  // namespace tool_service
