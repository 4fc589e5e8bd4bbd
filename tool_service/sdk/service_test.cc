#include "tool_service/sdk/service.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tool_service/sdk/fake_tool_context.h"

namespace tool_service {
namespace {

using ::testing::HasSubstr;

Tool ToolNamed(const std::string& name) {
  Tool tool;
  tool.set_name(name);
  return tool;
}

absl::StatusOr<Outcome> Nothing(ToolContext&, absl::string_view) { return CallToolResult(); }

TEST(ServiceTest, CatalogueHasTheToolsInTheOrderOfTheirComing) {
  Service service("s");
  for (const char* name : {"zebra", "ant", "mole"}) ASSERT_TRUE(service.AddTool(ToolNamed(name), Nothing).ok());
  ASSERT_TRUE(service.SetInstructions("Ask the ant first.").ok());
  const auto catalog = service.catalog();
  ASSERT_EQ(catalog->tools_size(), 3);
  EXPECT_EQ(catalog->tools(0).name(), "zebra");
  EXPECT_EQ(catalog->tools(1).name(), "ant");
  EXPECT_EQ(catalog->tools(2).name(), "mole");
  EXPECT_EQ(catalog->instructions(), "Ask the ant first.");
}

TEST(ServiceTest, AToolWithoutSchemaTakesNoArguments) {
  Service service("s");
  ASSERT_TRUE(service.AddTool(ToolNamed("a"), Nothing).ok());
  EXPECT_EQ(service.catalog()->tools(0).input_schema_json(), R"({"type":"object","additionalProperties":false})");
}

TEST(ServiceTest, ARemovedToolIsGoneAndACatalogueTakenBeforeIsNot) {
  Service service("s");
  ASSERT_TRUE(service.AddTool(ToolNamed("a"), Nothing).ok());
  const auto before = service.catalog();
  ASSERT_TRUE(service.RemoveTool("a").ok());
  EXPECT_EQ(service.Find("a"), nullptr);
  EXPECT_EQ(service.catalog()->tools_size(), 0);
  EXPECT_EQ(before->tools_size(), 1);
  EXPECT_EQ(service.RemoveTool("a").code(), absl::StatusCode::kNotFound);
}

TEST(ServiceTest, TwoToolsOfOneNameAreRefused) {
  Service service("s");
  ASSERT_TRUE(service.AddTool(ToolNamed("a"), Nothing).ok());
  EXPECT_EQ(service.AddTool(ToolNamed("a"), Nothing).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(service.startup_status().code(), absl::StatusCode::kAlreadyExists);
}

TEST(ServiceTest, ABrokenToolIsRefusedWithItsReasonAndRemembered) {
  struct {
    const char* reason;
    void (*break_it)(Tool&);
  } const cases[] = {
      {"got \"\"", [](Tool& tool) { tool.clear_name(); }},
      {"got \"two words\"", [](Tool& tool) { tool.set_name("two words"); }},
      {"1 to 64 characters", [](Tool& tool) { tool.set_name(std::string(65, 'a')); }},
      {"input_schema_json must be a JSON object", [](Tool& tool) { tool.set_input_schema_json("{"); }},
      {R"(input_schema_json must have "type":"object")", [](Tool& tool) { tool.set_input_schema_json("{}"); }},
      {"output_schema_json must be a JSON object", [](Tool& tool) { tool.set_output_schema_json("true"); }},
      {"meta_json must be a JSON object", [](Tool& tool) { tool.set_meta_json("[]"); }},
      {"at most 64 levels deep",
       [](Tool& tool) {
         tool.set_input_schema_json(R"({"type":"object","a":)" + std::string(100, '[') + std::string(100, ']') + "}");
       }},
      {"at most 262144 bytes", [](Tool& tool) { tool.set_input_schema_json(std::string(300'000, ' ')); }},
      {"description must have at most 16384 bytes", [](Tool& tool) { tool.set_description(std::string(20'000, 'a')); }},
      {"at least one scope", [](Tool& tool) { tool.add_required_scopes(); }},
  };
  for (const auto& each : cases) {
    Service service("s");
    Tool tool = ToolNamed("a");
    each.break_it(tool);
    const absl::Status status = service.AddTool(tool, Nothing);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << each.reason;
    EXPECT_THAT(std::string(status.message()), HasSubstr(each.reason));
    EXPECT_EQ(service.startup_status(), status);
    EXPECT_EQ(service.catalog()->tools_size(), 0);
  }
}

TEST(ServiceTest, ACatalogueIsBounded) {
  Service service("s");
  Tool tool = ToolNamed("a");
  tool.set_description(std::string(16'000, 'a'));
  absl::Status status;
  int added = 0;
  for (; status.ok() && added < 1'000; ++added) {
    tool.set_name("t" + std::to_string(added));
    status = service.AddTool(tool, Nothing);
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_LE(service.catalog()->ByteSizeLong(), size_t{8} << 20);
  EXPECT_GT(added, 500);
}

TEST(ServiceTest, WatchersHearOfEveryChangeForAsLongAsTheyLive) {
  struct Counter : CatalogWatcher {
    void OnCatalogChanged() override { ++changes; }
    int changes = 0;
  };
  Service service("s");
  const auto stays = std::make_shared<Counter>();
  auto leaves = std::make_shared<Counter>();
  service.Watch(stays);
  service.Watch(leaves);
  ASSERT_TRUE(service.AddTool(ToolNamed("a"), Nothing).ok());
  EXPECT_FALSE(service.AddTool(ToolNamed("a"), Nothing).ok());  // no change
  leaves.reset();
  ASSERT_TRUE(service.RemoveTool("a").ok());
  ASSERT_TRUE(service.SetInstructions("Hello.").ok());
  EXPECT_EQ(stays->changes, 3);
}

TEST(ServiceTest, AHandlerIsTestedByCallingIt) {
  Service service("s");
  ASSERT_TRUE(service
                  .AddTool(ToolNamed("greet"),
                           [](ToolContext& context, absl::string_view) -> absl::StatusOr<Outcome> {
                             if (context.principal() == nullptr) return absl::UnauthenticatedError("who?");
                             context.ReportProgress(1, 2, "half");
                             context.Log(LogLevel::LOG_LEVEL_INFO, "\"greeting\"");
                             CallToolResult result;
                             result.add_content()->mutable_text()->set_text("hi " + context.principal()->subject());
                             return result;
                           })
                  .ok());
  FakeToolContext context;
  EXPECT_EQ(service.Find("greet")->handler(context, "").status().code(), absl::StatusCode::kUnauthenticated);
  context.mutable_principal().set_subject("alice");
  const auto outcome = service.Find("greet")->handler(context, "");
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(std::get<CallToolResult>(*outcome).content(0).text().text(), "hi alice");
  ASSERT_EQ(context.events().size(), 2);
  EXPECT_EQ(context.events()[0].progress().message(), "half");
  EXPECT_EQ(context.events()[1].log().data_json(), "\"greeting\"");
}

TEST(ToolContextTest, WhatTheClientDoesNotWantIsNotEmitted) {
  FakeToolContext context;
  context.mutable_request().mutable_context()->set_wants_progress(false);
  context.mutable_request().mutable_context()->set_log_level(LogLevel::LOG_LEVEL_WARNING);
  context.ReportProgress(1);
  context.Log(LogLevel::LOG_LEVEL_NOTICE, "1");
  EXPECT_TRUE(context.events().empty());
  context.Log(LogLevel::LOG_LEVEL_WARNING, "1");
  EXPECT_EQ(context.events().size(), 1);
  context.mutable_request().mutable_context()->set_log_level(LogLevel::LOG_LEVEL_UNSPECIFIED);
  context.Log(LogLevel::LOG_LEVEL_EMERGENCY, "1");
  EXPECT_EQ(context.events().size(), 1);
}

}  // namespace
}  // namespace tool_service
