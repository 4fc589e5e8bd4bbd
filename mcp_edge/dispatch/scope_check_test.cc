#include "mcp_edge/dispatch/scope_check.h"

#include "gtest/gtest.h"
#include "mcp_edge/jsonrpc/json_reader.h"

namespace mcp_edge {
namespace {

using Sets = std::vector<ScopeSet>;

Principal Holding(const std::vector<std::string>& scopes, bool known = true) {
  Principal principal;
  principal.scopes = scopes;
  principal.scopes_known = known;
  return principal;
}

// What `message` needs of `snapshot`, as text.
std::string Needed(const std::string& method, const std::string& params, const CatalogSnapshot& snapshot) {
  Message message;
  message.kind = Message::Kind::kRequest;
  message.method = method;
  message.params = *ReadJson(params);
  return RequirementsText(RequirementsOf(message, snapshot));
}

TEST(FindShortageTest, NothingIsLackingWhenOneSetOfEachIsHeld) {
  const Sets first = {{"a", "b"}, {"c"}};
  const Sets second = {{"d"}};
  EXPECT_EQ(FindShortage(Holding({"c", "d"}), {&first, &second}, {}), nullptr);
  EXPECT_EQ(FindShortage(Holding({}), {}, {}), nullptr);
  EXPECT_NE(FindShortage(Holding({"a", "d"}), {&first, &second}, {}), nullptr);
}

TEST(FindShortageTest, AsksForTheSetOfWhichAPartIsHeldAndForAllAtOnce) {
  const Sets first = {{"a", "b", "c"}, {"x", "y"}, {"p", "q"}};
  const Sets second = {{"d"}};
  const auto shortage = FindShortage(Holding({"y", "e", "offline_access"}), {&first, &second}, {});
  ASSERT_NE(shortage, nullptr);
  EXPECT_EQ(shortage->missing, (std::vector<std::string>{"x", "d"}));
  EXPECT_EQ(shortage->needed, "x y d e") << "with what the token has, but for offline_access";
  EXPECT_TRUE(shortage->scopes_known);
  EXPECT_EQ(FindShortage(Holding({"b", "c"}), {&first}, {})->needed, "a b c");
  EXPECT_EQ(FindShortage(Holding({"p", "x"}), {&first}, {})->needed, "x y p") << "the first of those that are as good";
}

TEST(FindShortageTest, AsksNobodyForABroadScopeWhereNarrowOnesStandFirst) {
  const Sets sets = {{"mail:write", "mail:purge"}, {"mail:admin"}};
  EXPECT_EQ(FindShortage(Holding({"openid"}), {&sets}, {})->needed, "mail:write mail:purge openid");
  EXPECT_EQ(FindShortage(Holding({"mail:purge"}), {&sets}, {})->missing, std::vector<std::string>{"mail:write"});
}

TEST(FindShortageTest, RepeatsNoMoreOfWhatIsHeldThanAHeaderCanCarry) {
  const Sets sets = {{"needed"}};
  std::vector<std::string> held;
  for (int i = 0; i < 5000; ++i) held.push_back("scope" + std::to_string(i));
  const auto shortage = FindShortage(Holding(held), {&sets}, {});
  EXPECT_EQ(shortage->needed.substr(0, 20), "needed scope0 scope1");
  EXPECT_LE(shortage->needed.size(), 2048u + 7);
  EXPECT_GE(shortage->needed.size(), 2000u);
}

TEST(FindShortageTest, WhatABroaderScopeImpliesIsNotLacking) {
  const Sets sets = {{"read", "send"}, {"x"}};
  const auto hierarchy = *ScopeHierarchy::Create({{"write", {"read"}}, {"admin", {"write", "send"}}});
  const auto shortage = FindShortage(Holding({"write"}), {&sets}, hierarchy);
  ASSERT_NE(shortage, nullptr);
  EXPECT_EQ(shortage->missing, std::vector<std::string>{"send"});
  EXPECT_EQ(FindShortage(Holding({"admin"}), {&sets}, hierarchy), nullptr);
}

TEST(FindShortageTest, UnknownScopesAreNoneAndItIsSaidWhatHelps) {
  const Sets sets = {{"a"}};
  const auto shortage = FindShortage(Holding({}, false), {&sets}, {});
  ASSERT_NE(shortage, nullptr);
  EXPECT_EQ(shortage->needed, "a");
  EXPECT_FALSE(shortage->scopes_known);
  EXPECT_NE(ShortageText(*shortage).find("ask for a token for this resource"), absl::string_view::npos);
  EXPECT_EQ(ShortageText(*shortage).find('"'), absl::string_view::npos);
}

TEST(RequirementsOfTest, EachMethodNeedsWhatItNames) {
  CatalogContents contents;
  contents.tools.emplace_back().name = "t";
  contents.tools[0].required_scopes = {{"a", "b"}, {"c"}};
  contents.tools.emplace_back().name = "free";
  contents.prompts.emplace_back().name = "p";
  contents.prompts[0].required_scopes = {{"prompt"}};
  contents.resources.emplace_back().resource.set_uri("x:r");
  contents.resources[0].required_scopes = {{"resource"}};
  contents.resource_templates.emplace_back().resource_template.set_uri_template("x:{id}/{part}");
  contents.resource_templates[0].required_scopes = {{"template"}};
  contents.skills.emplace_back().skill.set_uri("skill://s/SKILL.md");
  contents.skills[0].required_scopes = {{"skill"}};
  const CatalogSnapshot snapshot(contents, nullptr);
  EXPECT_EQ(Needed("tools/call", R"({"name":"t"})", snapshot), "a b | c");
  EXPECT_EQ(Needed("tools/call", R"({"name":"free"})", snapshot), "");
  EXPECT_EQ(Needed("prompts/get", R"({"name":"p"})", snapshot), "prompt");
  EXPECT_EQ(Needed("resources/read", R"({"uri":"x:r"})", snapshot), "resource");
  EXPECT_EQ(Needed("resources/subscribe", R"({"uri":"x:1/2"})", snapshot), "template");
  EXPECT_EQ(Needed("completion/complete", R"({"ref":{"type":"ref/prompt","name":"p"}})", snapshot), "prompt");
  EXPECT_EQ(Needed("completion/complete", R"({"ref":{"type":"ref/resource","uri":"x:{id}/{part}"}})", snapshot),
            "template");
  EXPECT_EQ(Needed("skills/get", R"({"uri":"skill://s/SKILL.md"})", snapshot), "skill");
  EXPECT_EQ(Needed("resources/directory/read", R"({"uri":"skill://s/below"})", snapshot), "skill");
  EXPECT_EQ(Needed("resources/directory/read", R"({"uri":"skill://st"})", snapshot), "");
  for (const char* params : {"{}", R"({"name":1,"uri":[],"ref":3})", R"({"name":"no","uri":"no","ref":{}})"}) {
    for (const char* method : {"tools/call", "prompts/get", "resources/read", "completion/complete", "skills/get",
                               "resources/directory/read", "ping"}) {
      EXPECT_EQ(Needed(method, params, snapshot), "") << method << params;
    }
  }
}

TEST(MayReadTest, NeedsAReaderAndItsScopes) {
  CatalogContents contents;
  contents.resources.emplace_back().resource.set_uri("x:r");
  contents.resources[0].required_scopes = {{"read"}};
  contents.scope_hierarchy = std::make_shared<const ScopeHierarchy>(*ScopeHierarchy::Create({{"write", {"read"}}}));
  const CatalogSnapshot snapshot(contents, nullptr);
  EXPECT_TRUE(MayRead(snapshot, Holding({"read"}), "x:r"));
  EXPECT_TRUE(MayRead(snapshot, Holding({"write"}), "x:r"));
  EXPECT_FALSE(MayRead(snapshot, Holding({"other"}), "x:r"));
  EXPECT_FALSE(MayRead(snapshot, Holding({"read"}), "x:other"));
}

TEST(MayHearTest, OfWhatNobodyReadsTheResourceAboveDecides) {
  CatalogContents contents;
  contents.resources.emplace_back().resource.set_uri("x://a");
  contents.resources[0].required_scopes = {{"read"}};
  contents.resources.emplace_back().resource.set_uri("x://a/b/");
  contents.resource_templates.emplace_back().resource_template.set_uri_template("x://t/{id}");
  contents.resource_templates[0].required_scopes = {{"read"}};
  const CatalogSnapshot snapshot(contents, nullptr);
  for (const char* uri : {"x://a", "x://a/c", "x://t/1"}) {
    EXPECT_TRUE(MayHear(snapshot, Holding({"read"}), uri)) << uri;
    EXPECT_FALSE(MayHear(snapshot, Holding({"other"}), uri)) << uri;
  }
  EXPECT_TRUE(MayHear(snapshot, Holding({}), "x://a/b/c/d"));
  EXPECT_FALSE(MayHear(snapshot, Holding({"read"}), "x://other"));
  EXPECT_FALSE(MayHear(snapshot, Holding({"read"}), ""));
}

}  // namespace
}  // namespace mcp_edge
