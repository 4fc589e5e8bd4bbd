#include "mcp_edge/catalog/tool_services_file.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/grpc_security.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mcp_edge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ParseToolServicesTest, ReadsServicesInTheirOrder) {
  const auto services = ParseToolServices(R"(# what there is
tool_services:
  - name: whoami
    target: dns:///localhost:50052
    prefix: ""
  - {target: "ipv4:127.0.0.1:1,127.0.0.2:2", name: mail-2, prefix: mail.}
  - name: last
    target: unix:/run/last.sock
)",
                                          "f.yaml");
  ASSERT_TRUE(services.ok()) << services.status();
  EXPECT_THAT(services->services, ElementsAre(ToolServiceConfig{"whoami", "dns:///localhost:50052", ""},
                                              ToolServiceConfig{"mail-2", "ipv4:127.0.0.1:1,127.0.0.2:2", "mail."},
                                              ToolServiceConfig{"last", "unix:/run/last.sock", ""}));
}

TEST(ParseToolServicesTest, ListMayBeEmpty) {
  EXPECT_THAT(ParseToolServices("tool_services: []", "f.yaml")->services, IsEmpty());
  EXPECT_THAT(ParseToolServices("tool_services:\n", "f.yaml")->services, IsEmpty());
}

struct BadFile {
  std::string yaml;
  std::string message;
};

TEST(ParseToolServicesTest, SaysWhichLineBreaksWhichRule) {
  const std::string head = "tool_services:\n";
  const std::string good = "  - {name: a, target: 'dns:///a:1'}\n";
  const BadFile files[] = {
      {"", "f.yaml:1: needs the key tool_services"},
      {"# nothing\n", "f.yaml:1: needs the key tool_services"},
      {"~", "f.yaml:1: needs the key tool_services"},
      {"text", "f.yaml:1: needs the key tool_services, a list; got a text"},
      {"- a", "f.yaml:1: a list is not allowed here"},
      {"{}", "f.yaml:1: needs the key tool_services"},
      {"tool_service: []", "f.yaml:1: unknown key \"tool_service\""},
      {"tool_services: []\ntool_services: []", "f.yaml:2: the key tool_services is there twice"},
      {"tool_services: []\nmore: 1", "f.yaml:2: unknown key \"more\""},
      {"tool_services: text", "f.yaml:1: tool_services needs a list"},
      {"tool_services: {a: b}", "f.yaml:1: a mapping is not allowed here"},
      {head + "  - text", "f.yaml:2: a tool service needs name and target"},
      {head + "  - [a]", "f.yaml:2: a list is not allowed here"},
      {head + "  -\n", "a tool service needs name and target, got nothing"},
      {head + good + "  - {name: b}", "f.yaml:3: the tool service has no target"},
      {head + good + "  - {target: 'dns:///a:1'}", "f.yaml:3: the tool service has no name"},
      {head + good + "  - {name: a, target: 'dns:///b:1'}", "f.yaml:3: name \"a\" is taken by that of line 2"},
      {head + "  - {name: A, target: 'dns:///a:1'}", "f.yaml:2: name needs 1 to 63 characters"},
      {head + "  - {name: '', target: 'dns:///a:1'}", "f.yaml:2: name needs 1 to 63 characters"},
      {head + "  - name: a\n    target: localhost:1", "f.yaml:3: target needs dns:///host:port"},
      {head + "  - name: a\n    target:", "target needs a text, got nothing"},
      {head + "  - name: a\n    target: [x]", "f.yaml:3: a list is not allowed here"},
      {head + "  - name: a\n    name: b", "f.yaml:3: the key name is there twice"},
      {head + "  - name: a\n    port: 1", "f.yaml:3: unknown key \"port\""},
      {head + "  - {name: a, target: 'dns:///a:1', prefix: 'a b'}", "f.yaml:2: prefix needs up to 32 characters"},
      {head + "  - &x {name: a, target: 'dns:///a:1'}", "f.yaml:2: anchors are not allowed"},
      {head + "  - *x", "f.yaml:2: "},
      {head + "  - {name: a", "f.yaml:"},
      {"\ttool_services: []", "f.yaml:1: "},
      {"tool_services: []\n---\ntool_services: []", "there may be only one document"},
      {"tool_services: \"\xff\"", "f.yaml: is not UTF-8"},
  };
  for (const BadFile& file : files) {
    const auto services = ParseToolServices(file.yaml, "f.yaml");
    EXPECT_EQ(services.status().code(), absl::StatusCode::kInvalidArgument) << file.yaml;
    EXPECT_THAT(std::string(services.status().message()), HasSubstr(file.message)) << file.yaml;
  }
}

TEST(ParseToolServicesTest, BoundsSizeCountAndDepth) {
  EXPECT_FALSE(ParseToolServices(std::string((1 << 20) + 1, ' '), "f.yaml").ok());
  std::string many = "tool_services:\n";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&many, "  - {name: s", i, ", target: 'dns:///a:1'}\n");
  EXPECT_EQ(ParseToolServices(many, "f.yaml")->services.size(), 1000u);
  EXPECT_THAT(
      std::string(ParseToolServices(many + "  - {name: more, target: 'dns:///a:1'}\n", "f.yaml").status().message()),
      HasSubstr("f.yaml:1002: there may be at most 1000"));
  EXPECT_FALSE(ParseToolServices(std::string(1 << 20, '['), "f.yaml").ok());
  EXPECT_FALSE(ParseToolServices(std::string(1 << 20, '-'), "f.yaml").ok());
  std::string bomb = "tool_services:\n";
  for (int i = 0; i < 100'000; ++i) bomb += "- ";
  EXPECT_FALSE(ParseToolServices(bomb, "f.yaml").ok());
}

TEST(ParseToolServicesTest, ReadsScopes) {
  const auto file = ParseToolServices(R"(tool_services:
  - name: todo
    target: dns:///todo:1
    required_scopes:
      "*": [[todo]]
      tools:
        delete: [[todo:delete], [todo:admin, "todo:write"]]
        "*": []
      resources:
        "todo://{id}": [[https://example.com/read]]
  - {name: other, target: "dns:///other:1"}
implied_scopes:
  todo:admin: [todo:delete]
  todo:delete:
    - todo:write
)",
                                      "f.yaml");
  ASSERT_TRUE(file.ok()) << file.status();
  const RequiredScopes& scopes = file->services[0].required_scopes;
  const ScopeOverrides tools = {{"delete", {{"todo:delete"}, {"todo:admin", "todo:write"}}}, {"*", {}}};
  EXPECT_EQ(scopes.tools, tools);
  EXPECT_EQ(scopes.prompts, (ScopeOverrides{{"*", {{"todo"}}}}));
  EXPECT_EQ(scopes.resources, (ScopeOverrides{{"todo://{id}", {{"https://example.com/read"}}}, {"*", {{"todo"}}}}));
  EXPECT_EQ(file->services[1].required_scopes, RequiredScopes());
  EXPECT_TRUE(file->implied_scopes.IsGranted({"todo:admin"}, "todo:write"));
  EXPECT_TRUE(ParseToolServices("tool_services: []\nimplied_scopes:\n", "f.yaml").ok());
}

TEST(ParseToolServicesTest, SaysWhatIsWrongWithScopes) {
  const std::string head = "tool_services:\n  - name: a\n    target: dns:///a:1\n    required_scopes:\n";
  std::string many;
  for (int i = 0; i < 33; ++i) absl::StrAppend(&many, i > 0 ? "," : "", "s", i);
  std::string sets;
  for (int i = 0; i < 33; ++i) absl::StrAppend(&sets, i > 0 ? "," : "", "[s]");
  std::string hierarchy = "tool_services: []\nimplied_scopes:\n";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&hierarchy, "  s", i, ": [t", i, "]\n");
  const BadFile files[] = {
      {head, "required_scopes needs tools, prompts, resources"},
      {head + "      skills: {}", "f.yaml:5: unknown key \"skills\" of required_scopes"},
      {head + "      tools: []", "f.yaml:5: a list is not allowed here"},
      {head + "      tools:\n", "tools needs names, got nothing"},
      {head + "      tools:\n        t: scope", "f.yaml:6: \"t\" needs a list, got the text \"scope\""},
      {head + "      tools:\n        t:\n", "\"t\" needs a list of sets; [] asks for no scope"},
      {head + "      tools:\n        t: [scope]", "f.yaml:6: the sets of \"t\" are lists"},
      {head + "      tools:\n        t: [[]]", "f.yaml:6: a set of scopes is empty"},
      {head + "      tools:\n        t: [[a b]]", "f.yaml:6: \"a b\" is no scope"},
      {head + "      tools:\n        t: [[{a: b}]]", "f.yaml:6: \"\" is no scope"},
      {head + "      tools:\n        t: [[" + many + "]]", "f.yaml:6: a set may have at most 32 scopes"},
      {head + "      tools:\n        t: [" + sets + "]", "f.yaml:6: there may be at most 32 scope sets"},
      {head + "      tools:\n        t: []\n        t: []", "f.yaml:7: the key t is there twice"},
      {"tool_services: []\nimplied_scopes: []", "f.yaml:2: a list is not allowed here"},
      {"tool_services: []\nimplied_scopes: {a: b}", "f.yaml:2: a needs a list, got the text \"b\""},
      {"tool_services: []\nimplied_scopes: {a b: [c]}", "f.yaml:2: \"a b\" is no scope"},
      {"tool_services: []\nimplied_scopes: {a: ['']}", "f.yaml:2: \"\" is no scope"},
      {hierarchy, "f.yaml:2: implied_scopes: there may be at most 1000 different scopes"},
  };
  for (const BadFile& file : files) {
    const auto parsed = ParseToolServices(file.yaml, "f.yaml");
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << file.yaml;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(file.message)) << file.yaml;
  }
}

TEST(ReadToolServicesFileTest, ReadsAFileAndSaysWhyNot) {
  const std::string folder = ::testing::TempDir();
  const std::string name = folder + "/tools.yaml";
  std::ofstream(name) << "tool_services: []";
  EXPECT_EQ(*ReadToolServicesFile(name), "tool_services: []");
  EXPECT_EQ(ReadToolServicesFile(folder + "/none.yaml").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(ReadToolServicesFile(folder + "/none.yaml").status().message()), HasSubstr("none.yaml"));
  EXPECT_EQ(ReadToolServicesFile(folder).status().code(), absl::StatusCode::kInvalidArgument);
  std::ofstream(name) << std::string((1 << 20) + 1, ' ');
  EXPECT_EQ(ReadToolServicesFile(name).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(LoadToolServicesFileTest, HasContentAndServices) {
  const std::string name = std::string(::testing::TempDir()) + "/load.yaml";
  std::ofstream(name) << "tool_services: [{name: a, target: 'dns:///a:1'}]";
  const auto file = LoadToolServicesFile(name);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->content, *ReadToolServicesFile(name));
  ASSERT_EQ(file->services.size(), 1u);
  EXPECT_EQ(file->services[0].name, "a");
  std::ofstream(name) << "tool_services: [{name: a}]";
  EXPECT_EQ(LoadToolServicesFile(name).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(LoadToolServicesFile(name + ".none").status().code(), absl::StatusCode::kNotFound);
}

TEST(CheckTargetsTest, AServiceThatWouldBeCalledInClearTextIsNamedWithTheFlagToSet) {
  const auto security = common::GrpcSecurity::Create({});
  ASSERT_TRUE(security.ok());
  ToolServiceConfig here;
  here.name = "here";
  here.target = "dns:///localhost:1";
  ToolServiceConfig there;
  there.name = "there";
  there.target = "dns:///mail.example.com:1";
  EXPECT_TRUE(CheckTargets({here}, **security).ok());
  const std::string message(CheckTargets({here, there}, **security).message());
  EXPECT_NE(message.find("tool service there: dns:///mail.example.com:1 is not on this machine"), std::string::npos);
  EXPECT_NE(message.find("--tls_ca_file"), std::string::npos);
  EXPECT_TRUE(CheckTargets({here, there}, *common::GrpcSecurity::Plaintext()).ok());
}

}  // namespace
}  // namespace mcp_edge
