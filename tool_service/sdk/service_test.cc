#include "tool_service/sdk/service.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tool_service/sdk/content.h"
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
      {"timeout must be positive", [](Tool& tool) { tool.mutable_timeout(); }},
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
  struct Counter : ServiceWatcher {
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

Resource ResourceAt(const std::string& uri) {
  Resource resource;
  resource.set_uri(uri);
  resource.set_name("r");
  resource.set_mime_type("text/plain");
  return resource;
}

std::string TextOf(const absl::StatusOr<ReadOutcome>& outcome) {
  if (!outcome.ok()) return std::string(absl::StatusCodeToString(outcome.status().code()));
  return std::get<ReadResourceResult>(*outcome).contents(0).text();
}

TEST(ResourcesTest, AreReadByThoseWhoHaveThem) {
  Service service("s");
  FakeToolContext context;
  ASSERT_TRUE(service.AddTextResource(ResourceAt("a:static"), "text").ok());
  ASSERT_TRUE(service
                  .AddResource(ResourceAt("a:read"),
                               [](RequestContext&, absl::string_view uri) -> absl::StatusOr<ReadOutcome> {
                                 return ResourceResult({TextContents(uri, "read", "text/plain")});
                               })
                  .ok());
  ResourceTemplate resource_template;
  resource_template.set_uri_template("a:item/{id}");
  resource_template.set_name("t");
  const TemplateReader reader = [](RequestContext&, absl::string_view uri,
                                   const Variables& variables) -> absl::StatusOr<ReadOutcome> {
    return ResourceResult({TextContents(uri, variables.at("id"), "text/plain")});
  };
  ASSERT_TRUE(service.AddResourceTemplate(resource_template, reader).ok());
  resource_template.set_uri_template("a:query{?id}");
  EXPECT_EQ(service.AddResourceTemplate(resource_template, reader).code(), absl::StatusCode::kInvalidArgument);
  std::string many = "a:";
  for (int i = 0; i < 17; ++i) many += "/{v" + std::to_string(i) + "}";
  for (const std::string& text : {std::string(), std::string("{scheme}:x"), std::string("relative/{id}"), many}) {
    resource_template.set_uri_template(text);
    EXPECT_EQ(service.AddResourceTemplate(resource_template, reader).code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
  resource_template.set_uri_template("a:find{?id}");
  ASSERT_TRUE(service
                  .AddResourceTemplate(resource_template, reader,
                                       [](absl::string_view uri) -> std::optional<Variables> {
                                         if (uri != "a:find?id=7") return std::nullopt;
                                         return Variables{{"id", "seven"}};
                                       })
                  .ok());
  ASSERT_TRUE(service
                  .ServeResources({"big:"},
                                  [](RequestContext&, absl::string_view uri) -> absl::StatusOr<ReadOutcome> {
                                    if (uri == "big:0") return absl::NotFoundError("none");
                                    return ResourceResult({TextContents(uri, "big", "text/plain")});
                                  })
                  .ok());
  EXPECT_EQ(TextOf(service.ReadResource(context, "a:static")), "text");
  EXPECT_EQ(TextOf(service.ReadResource(context, "a:read")), "read");
  EXPECT_EQ(TextOf(service.ReadResource(context, "a:item/%20x")), " x");
  EXPECT_EQ(TextOf(service.ReadResource(context, "a:find?id=7")), "seven");
  EXPECT_EQ(TextOf(service.ReadResource(context, "big:1")), "big");
  for (const std::string& uri : {std::string("a:none"), std::string("big:0"), std::string("a:item/"), std::string(),
                                 "big:" + std::string(3'000, 'a')}) {
    EXPECT_EQ(TextOf(service.ReadResource(context, uri)), "NOT_FOUND") << uri.substr(0, 20);
  }
  EXPECT_EQ(service.catalog()->resources(0).size(), 4);
  EXPECT_EQ(service.catalog()->resource_uri_prefixes(0), "big:");
  EXPECT_FALSE(service.catalog()->lists_resources());
  EXPECT_EQ(service.ListResources(context, "", 10).status().code(), absl::StatusCode::kUnimplemented);

  ASSERT_TRUE(service.RemoveResource("a:static").ok());
  ASSERT_TRUE(service.RemoveResourceTemplate("a:item/{id}").ok());
  EXPECT_EQ(TextOf(service.ReadResource(context, "a:static")), "NOT_FOUND");
  EXPECT_EQ(TextOf(service.ReadResource(context, "a:item/1")), "NOT_FOUND");
  EXPECT_EQ(service.RemoveResource("a:static").code(), absl::StatusCode::kNotFound);
}

TEST(ResourcesTest, AreListedPageByPage) {
  Service service("s");
  FakeToolContext context;
  const ResourceReader reader = [](RequestContext&, absl::string_view) -> absl::StatusOr<ReadOutcome> {
    return absl::NotFoundError("none");
  };
  ASSERT_TRUE(service
                  .ServeResources({"big:"}, reader,
                                  [](RequestContext&, absl::string_view cursor,
                                     int page_size) -> absl::StatusOr<ListResourcesResponse> {
                                    ListResourcesResponse page;
                                    *page.add_resources() = ResourceAt("big:" + std::string(cursor));
                                    page.set_next_cursor(std::to_string(page_size));
                                    return page;
                                  })
                  .ok());
  EXPECT_TRUE(service.catalog()->lists_resources());
  const auto page = service.ListResources(context, "7", 10);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->resources(0).uri(), "big:7");
  EXPECT_EQ(page->next_cursor(), "10");
  EXPECT_EQ(service.ListResources(context, "", 0).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(service.ListResources(context, std::string(2'000, 'a'), 1).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(service.ServeResources({"other:"}, reader).code(), absl::StatusCode::kAlreadyExists);
}

TEST(ResourcesTest, BrokenOnesAreRefused) {
  for (const char* uri : {"", "relative", "a:", ":a", "a:b c", "a:{b}", "1a:b"}) {
    Service service("s");
    EXPECT_EQ(service.AddTextResource(ResourceAt(uri), "x").code(), absl::StatusCode::kInvalidArgument) << uri;
    EXPECT_FALSE(service.startup_status().ok());
  }
  Service service("s");
  EXPECT_FALSE(service.AddResource(ResourceAt("a:b"), nullptr).ok());
  EXPECT_FALSE(service.ServeResources({}, nullptr).ok());
  Resource nameless = ResourceAt("a:b");
  nameless.clear_name();
  EXPECT_FALSE(service.AddTextResource(nameless, "x").ok());
  EXPECT_EQ(service.catalog()->resources_size(), 0);
}

TEST(PromptsTest, AreFilledInWithAllThatIsRequired) {
  Service service("s");
  FakeToolContext context;
  Prompt prompt;
  prompt.set_name("p");
  prompt.add_arguments()->set_name("who");
  prompt.mutable_arguments(0)->set_required(true);
  ASSERT_TRUE(service
                  .AddPrompt(prompt,
                             [](RequestContext&, const PromptArguments& arguments) -> absl::StatusOr<PromptOutcome> {
                               return PromptResult({UserSays("Greet " + arguments.at("who"))});
                             })
                  .ok());
  const auto filled = service.GetPrompt(context, "p", {{"who", "Alice"}});
  ASSERT_TRUE(filled.ok());
  EXPECT_EQ(std::get<GetPromptResult>(*filled).messages(0).content().text().text(), "Greet Alice");
  EXPECT_EQ(service.GetPrompt(context, "p", {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(service.GetPrompt(context, "q", {}).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(service.RemovePrompt("p").ok());
  EXPECT_EQ(service.GetPrompt(context, "p", {{"who", "Alice"}}).status().code(), absl::StatusCode::kNotFound);
}

TEST(CompletionTest, SuggestsForArgumentsAndVariables) {
  Service service("s");
  FakeToolContext context;
  Prompt prompt;
  prompt.set_name("p");
  prompt.add_arguments()->set_name("city");
  prompt.add_arguments()->set_name("free");
  ASSERT_TRUE(service
                  .AddPrompt(prompt,
                             [](RequestContext&, const PromptArguments&) -> absl::StatusOr<PromptOutcome> {
                               return PromptResult({});
                             })
                  .ok());
  ResourceTemplate resource_template;
  resource_template.set_uri_template("a:{id}");
  resource_template.set_name("t");
  ASSERT_TRUE(
      service
          .AddResourceTemplate(resource_template,
                               [](RequestContext&, absl::string_view, const Variables&) -> absl::StatusOr<ReadOutcome> {
                                 return absl::NotFoundError("none");
                               })
          .ok());
  const Completer cities = [](RequestContext&, absl::string_view typed, const PromptArguments&) {
    return BeginningWith(typed, {"Paris", "Prague", "Rome"});
  };
  const Completer many = [](RequestContext&, absl::string_view, const PromptArguments&) {
    CompleteResponse response;
    for (int i = 0; i < 150; ++i) response.add_values(std::to_string(i));
    return response;
  };
  ASSERT_TRUE(service.CompletePromptArgument("p", "city", cities).ok());
  ASSERT_TRUE(service.CompleteTemplateVariable("a:{id}", "id", many).ok());

  CompleteRequest request;
  request.set_prompt_name("p");
  request.set_argument_name("city");
  request.set_argument_value("pR");
  auto response = service.Complete(context, request);
  ASSERT_TRUE(response.ok());
  ASSERT_EQ(response->values_size(), 1);
  EXPECT_EQ(response->values(0), "Prague");
  EXPECT_EQ(response->total(), 1);
  request.set_argument_name("free");
  response = service.Complete(context, request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->values_size(), 0);
  request.set_argument_name("none");
  EXPECT_EQ(service.Complete(context, request).status().code(), absl::StatusCode::kNotFound);

  request.set_resource_uri_template("a:{id}");
  request.set_argument_name("id");
  response = service.Complete(context, request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->values_size(), 100);
  EXPECT_TRUE(response->has_more());
  EXPECT_EQ(service.Complete(context, CompleteRequest()).status().code(), absl::StatusCode::kNotFound);

  // A prompt that comes again begins without suggestions.
  ASSERT_TRUE(service.RemovePrompt("p").ok());
  EXPECT_EQ(service.CompletePromptArgument("p", "city", cities).code(), absl::StatusCode::kNotFound);
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
