// Every kind of message that the edge sends, for each version, as files in testdata/golden/<version>/: what a change of
// rendering changes shows in their diff, and the end-to-end tests check them against the official schemas.
//
//   bazel test //mcp_edge/protocol:golden_test             # compares
//   bazel run //mcp_edge/protocol:golden_test -- --update  # rewrites the files
//
// A file is {"definition":…,"message":…}: the message, and the name of its type in the schema of the version ("" for
// what the schema has no type for). Line breaks and indentation are the file's; all else is byte for byte what is sent.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "mcp_edge/dispatch/skills.h"
#include "mcp_edge/events/listen_exchange.h"
#include "mcp_edge/events/memory_event_bus.h"
#include "mcp_edge/jsonrpc/json_reader.h"
#include "mcp_edge/jsonrpc/message.h"
#include "mcp_edge/protocol/client_question.h"
#include "mcp_edge/protocol/list_rendering.h"
#include "mcp_edge/protocol/rendering.h"
#include "mcp_edge/protocol/rpc_errors.h"
#include "mcp_edge/sealing/aead_sealer.h"
#include "mcp_edge/tasks/task_rendering.h"
#include "prometheus/registry.h"

namespace mcp_edge {
namespace {

namespace tool = gatehouse::tool::v1;

constexpr char kFolder[] = "mcp_edge/protocol/testdata/golden";
constexpr CacheTerms kCache = {absl::Seconds(60), true};
constexpr char kPixel[] = "\x89PNG\r\n\x1a\n";

// File name below kFolder: text.
using Files = std::map<std::string, std::string>;

// `json` with line breaks and indentation, all tokens as they are.
std::string Indented(absl::string_view json) {
  std::string out;
  int depth = 0;
  bool in_string = false;
  const auto line = [&] { out += '\n' + std::string(static_cast<size_t>(2 * depth), ' '); };
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      out += c;
      if (c == '\\') out += json[++i];
      if (c == '"') in_string = false;
    } else if (c == '{' || c == '[') {
      out += c;
      if (json[i + 1] == '}' || json[i + 1] == ']') {
        out += json[++i];
      } else {
        ++depth;
        line();
      }
    } else if (c == '}' || c == ']') {
      --depth;
      line();
      out += c;
    } else if (c == ',') {
      out += c;
      line();
    } else {
      out += c == ':' ? ": " : std::string(1, c);
      in_string = c == '"';
    }
  }
  return out + '\n';
}

// --- What tool services say, with everything in it

void FillAnnotations(tool::Annotations& annotations) {
  annotations.add_audience(tool::ROLE_USER);
  annotations.add_audience(tool::ROLE_ASSISTANT);
  annotations.set_priority(0.7);
  annotations.mutable_last_modified_time()->set_seconds(1'780'000'000);
}

template <typename Entity>
void FillEntity(Entity& entity) {
  entity.set_name("entity");
  entity.set_title("An entity");
  entity.set_description("What it is, \"quoted\",\nin two lines.");
  tool::Icon& icon = *entity.add_icons();
  icon.set_src("https://example.com/icon.png");
  icon.set_mime_type("image/png");
  icon.add_sizes("48x48");
  icon.add_sizes("any");
  icon.set_theme("dark");
  entity.set_meta_json(R"({"example.com/key":{"n":1.50}})");
}

tool::Tool MakeTool(absl::string_view output_schema) {
  tool::Tool tool;
  FillEntity(tool);
  tool.set_input_schema_json(
      R"({"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":)"
      R"({"limit":{"type":"number","maximum":1.50},"region":{"type":"string","x-mcp-header":"Region"}},)"
      R"("required":["limit"],"additionalProperties":false})");
  tool.set_output_schema_json(std::string(output_schema));
  tool.mutable_annotations()->set_read_only(false);
  tool.mutable_annotations()->set_destructive(true);
  tool.mutable_annotations()->set_idempotent(false);
  tool.mutable_annotations()->set_open_world(true);
  return tool;
}

tool::Resource MakeResource() {
  tool::Resource resource;
  FillEntity(resource);
  resource.set_uri("test://entity");
  resource.set_mime_type("text/plain");
  resource.set_size(12);
  FillAnnotations(*resource.mutable_annotations());
  return resource;
}

tool::ResourceTemplate MakeTemplate() {
  tool::ResourceTemplate resource_template;
  FillEntity(resource_template);
  resource_template.set_uri_template("test://entity/{id}");
  resource_template.set_mime_type("text/plain");
  FillAnnotations(*resource_template.mutable_annotations());
  return resource_template;
}

tool::Prompt MakePrompt() {
  tool::Prompt prompt;
  FillEntity(prompt);
  tool::PromptArgument& argument = *prompt.add_arguments();
  argument.set_name("topic");
  argument.set_title("Topic");
  argument.set_description("What it is about.");
  argument.set_required(true);
  prompt.add_arguments()->set_name("tone");
  return prompt;
}

tool::ContentBlock TextBlock(absl::string_view text) {
  tool::ContentBlock block;
  block.mutable_text()->set_text(std::string(text));
  return block;
}

void FillBlocks(google::protobuf::RepeatedPtrField<tool::ContentBlock>& blocks) {
  tool::ContentBlock& text = *blocks.Add();
  text = TextBlock("Grüße, \"世界\"\n\t\x01");
  FillAnnotations(*text.mutable_annotations());
  text.set_meta_json(R"({ "example.com/key" : [ ] })");
  tool::ContentBlock& image = *blocks.Add();
  image.mutable_image()->set_data(std::string(kPixel, 8));
  image.mutable_image()->set_mime_type("image/png");
  tool::ContentBlock& audio = *blocks.Add();
  audio.mutable_audio()->set_data("RIFF");
  audio.mutable_audio()->set_mime_type("audio/wav");
  tool::ResourceLink& link = *blocks.Add()->mutable_resource_link();
  link.set_uri("test://entity");
  link.set_name("entity");
  link.set_title("An entity");
  link.set_description("See there.");
  link.set_mime_type("text/plain");
  link.set_size(12);
  tool::ResourceContents& text_contents = *blocks.Add()->mutable_resource()->mutable_contents();
  text_contents.set_uri("test://text");
  text_contents.set_mime_type("text/plain");
  text_contents.set_text("inside");
  text_contents.set_meta_json(R"({"example.com/key":true})");
  tool::ResourceContents& blob_contents = *blocks.Add()->mutable_resource()->mutable_contents();
  blob_contents.set_uri("test://blob");
  blob_contents.set_blob(std::string("\0\xff", 2));
}

tool::CallToolResult MakeResult(absl::string_view structured) {
  tool::CallToolResult result;
  *result.add_content() = TextBlock(structured);
  result.set_structured_content_json(std::string(structured));
  return result;
}

constexpr char kForm[] = R"({"mode":"form","message":"Who are you?","requestedSchema":{"type":"object","properties":{
  "name":{"type":"string","title":"Name","minLength":1,"default":"Ada"},
  "mail":{"type":"string","format":"email"},
  "age":{"type":"integer","minimum":0,"default":30},
  "member":{"type":"boolean","default":true},
  "plan":{"type":"string","enum":["free","paid"],"default":"free"},
  "size":{"type":"string","oneOf":[{"const":"s","title":"Small"},{"const":"l","title":"Large"}]},
  "old":{"type":"string","enum":["a","b"],"enumNames":["Alpha","Beta"]},
  "tags":{"type":"array","minItems":1,"items":{"type":"string","enum":["x","y"]}},
  "topics":{"type":"array","items":{"anyOf":[{"const":"p","title":"Politics"}]}}},"required":["name","tags"]}})";
constexpr char kUrl[] = R"({"mode":"url","message":"Sign in there.","url":"https://example.com/sign-in"})";
constexpr char kSampling[] = R"({"messages":[{"role":"user","content":{"type":"text","text":"The capital of France?"}}],
  "maxTokens":100,"systemPrompt":"Be short.","temperature":0.50,"stopSequences":["."],"metadata":{"k":1},
  "modelPreferences":{"hints":[{"name":"small"}],"costPriority":1}})";
constexpr char kSamplingBlocks[] = R"({"messages":[
  {"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image","data":"AP8=","mimeType":"image/png"}]}],
  "maxTokens":100})";
constexpr char kSamplingTools[] = R"({"messages":[{"role":"user","content":{"type":"text","text":"Oslo?"}},
  {"role":"assistant","content":[{"type":"tool_use","id":"1","name":"weather","input":{"city":"Oslo"}}]},
  {"role":"user","content":[{"type":"tool_result","toolUseId":"1","content":[{"type":"text","text":"rain"}]}]}],
  "maxTokens":100,"tools":[{"name":"weather","inputSchema":{"type":"object"}}],"toolChoice":{"mode":"auto"}})";

// --- What the edge makes of it

class Writer {
 public:
  Writer(ProtocolVersion version, Files& files) : version_(version), features_(FeaturesOf(version)), files_(files) {}

  void WriteAll() {
    WriteServer();
    WriteLists();
    WriteResults();
    WriteErrors();
    WriteNotifications();
    WriteQuestions();
    if (!features_.modern) return;
    WriteListening();
    WriteTasks();
    WriteSkills();
  }

 private:
  void Add(absl::string_view name, absl::string_view definition, absl::string_view message) {
    const auto readable = ReadJson(message);
    EXPECT_TRUE(readable.ok()) << name << ": " << readable.status();
    EXPECT_EQ(message.find('\n'), absl::string_view::npos) << name;
    files_[absl::StrCat(features_.name, "/", name, ".json")] =
        Indented(absl::StrCat("{\"definition\":\"", definition, "\",\"message\":", message, "}"));
  }

  void AddResult(absl::string_view name, absl::string_view definition, const absl::StatusOr<std::string>& result) {
    ASSERT_TRUE(result.ok()) << name << ": " << result.status();
    Add(name, definition, ResultResponse("1", *result));
  }

  void AddList(absl::string_view name, absl::string_view definition, absl::string_view member,
               absl::string_view elements) {
    AddResult(name, definition,
              RenderCacheableResult(absl::StrCat("\"", member, "\":[", elements, "],\"nextCursor\":\"AQE\""), kCache,
                                    version_));
  }

  void AddError(absl::string_view name, absl::string_view id_json, const RpcError& error,
                absl::string_view modern_definition = "JSONRPCErrorResponse") {
    const absl::string_view definition =
        features_.modern ? modern_definition
                         : (features_.icons ? "JSONRPCErrorResponse" : "JSONRPCError");  // renamed in 2025-11-25
    Add(absl::StrCat("error_", name), id_json.empty() && !features_.icons ? "" : definition,
        ErrorResponse(id_json, WireErrorOf(error.kind).json_rpc, error.message, error.data_json));
  }

  void AddNotification(absl::string_view name, absl::string_view definition, absl::string_view method,
                       absl::string_view params) {
    Add(absl::StrCat("notification_", name), definition, NotificationText(method, params));
  }

  // Of a client with a handshake. Not written when the version cannot have it.
  void AddRequest(absl::string_view name, absl::string_view definition, absl::string_view method,
                  absl::string_view params_json) {
    const absl::StatusOr<std::string> params = RenderClientRequest(method, params_json, version_, "elicitation-1");
    if (absl::IsUnimplemented(params.status())) return;
    ASSERT_TRUE(params.ok()) << name << ": " << params.status();
    Add(absl::StrCat("request_", name), definition, RequestText("\"ask-1\"", method, *params));
  }

  void WriteServer() {
    const ServerCapabilities all = {.tools = true,
                                    .resources = true,
                                    .prompts = true,
                                    .list_changed = true,
                                    .subscribe = true,
                                    .logging = true,
                                    .completions = true,
                                    .tasks = true,
                                    .skills = true};
    if (features_.modern) {
      AddResult("discover", "DiscoverResult", RenderDiscoverResult("Ask whoami first.", kCache, all));
      AddResult("discover_minimal", "DiscoverResult", RenderDiscoverResult("", kNotCacheable));
    } else {
      AddResult("initialize", "InitializeResult", RenderInitializeResult(version_, "Ask whoami first.", all));
      AddResult("initialize_minimal", "InitializeResult", RenderInitializeResult(version_, "", {}));
      AddResult("ping", "EmptyResult", RenderResult("", version_));
    }
  }

  void WriteLists() {
    AddList("tools_list", "ListToolsResult", "tools",
            absl::StrCat(RenderTool("service.entity", MakeTool(R"({"type":"object"})"), version_), ",",
                         RenderTool("array_result", MakeTool(R"({"type":"array"})"), version_), ",", Bare()));
    AddList("resources_list", "ListResourcesResult", "resources", RenderResource(MakeResource(), version_));
    AddList("resource_templates_list", "ListResourceTemplatesResult", "resourceTemplates",
            RenderResourceTemplate(MakeTemplate(), version_));
    AddList("prompts_list", "ListPromptsResult", "prompts", RenderPrompt("service.entity", MakePrompt(), version_));
  }

  std::string Bare() const {
    tool::Tool bare;
    bare.set_input_schema_json(R"({"type":"object"})");
    return RenderTool("bare", bare, version_);
  }

  void WriteResults() {
    tool::CallToolResult blocks;
    FillBlocks(*blocks.mutable_content());
    blocks.set_meta_json(R"({"example.com/key":"value"})");
    AddResult("tools_call_blocks", "CallToolResult", RenderCallToolResult(blocks, version_));
    AddResult("tools_call_empty", "CallToolResult", RenderCallToolResult({}, version_));
    AddResult("tools_call_structured_object", "CallToolResult",
              RenderCallToolResult(MakeResult("{ \"t\": 22.50,\n \"big\": 12345678901234567890 }"), version_));
    AddResult("tools_call_structured_array", "CallToolResult", RenderCallToolResult(MakeResult("[1,2]"), version_));
    AddResult("tools_call_structured_null", "CallToolResult", RenderCallToolResult(MakeResult("null"), version_));
    AddResult("tools_call_error", "CallToolResult", RenderToolError("There is no such city.", version_));

    tool::ReadResourceResult read;
    *read.add_contents() = blocks.content(4).resource().contents();
    *read.add_contents() = blocks.content(5).resource().contents();
    read.set_meta_json(R"({"example.com/key":"value"})");
    AddResult("resources_read", "ReadResourceResult", RenderReadResourceResult(read, kCache, version_));

    tool::GetPromptResult prompt;
    prompt.set_description("A prompt.");
    for (const tool::ContentBlock& block : blocks.content()) {
      tool::PromptMessage& message = *prompt.add_messages();
      message.set_role(prompt.messages_size() % 2 == 1 ? tool::ROLE_USER : tool::ROLE_ASSISTANT);
      *message.mutable_content() = block;
    }
    AddResult("prompts_get", "GetPromptResult", RenderGetPromptResult(prompt, version_));

    tool::CompleteResponse completion;
    completion.add_values("Oslo");
    completion.add_values("Ostende");
    completion.set_total(7);
    completion.set_has_more(true);
    AddResult("completion_complete", "CompleteResult", RenderCompleteResult(completion, version_));
  }

  void WriteErrors() {
    AddError("parse_error", "", {WireErrorKind::kParseError, "The body is not JSON", ""});
    AddError("invalid_request", "", {WireErrorKind::kInvalidRequest, "jsonrpc must be \"2.0\"", ""});
    AddError("method_not_found", "\"a\"", {WireErrorKind::kMethodNotFound, "Method not found", ""});
    AddError("invalid_params", "0", {WireErrorKind::kInvalidParams, "Unknown tool: t", ""});
    AddError("internal", "1", {WireErrorKind::kInternal, "The tool service failed", ""});
    AddError("resource_not_found", "1", ResourceNotFoundError("test://nothing", version_));
    if (version_ == ProtocolVersion::k2025_11_25) {
      AddError("url_elicitation_required", "1",
               UrlElicitationRequiredError({*RenderClientRequest("elicitation/create", kUrl, version_, "e-1")}));
    }
    if (!features_.modern) return;
    AddError("missing_meta", "1", {WireErrorKind::kMissingMeta, "params._meta is missing", ""});
    AddError("header_mismatch", "1", {WireErrorKind::kHeaderMismatch, "Header mismatch: Mcp-Name is missing", ""},
             "HeaderMismatchError");
    AddError("unsupported_version", "1", UnsupportedVersionError("1900-01-01"), "UnsupportedProtocolVersionError");
    AddError("missing_client_capability", "1", MissingCapabilityError(R"({"elicitation":{"form":{}}})"),
             "MissingRequiredClientCapabilityError");
  }

  void WriteNotifications() {
    tool::Progress progress;
    progress.set_progress(0.5);
    progress.set_total(2);
    progress.set_message("A quarter.");
    AddNotification("progress", "ProgressNotification", "notifications/progress",
                    RenderProgress(progress, "\"token\"", version_));
    tool::Progress bare;
    bare.set_progress(3);
    AddNotification("progress_bare", "ProgressNotification", "notifications/progress",
                    RenderProgress(bare, "7", version_));
    tool::LogMessage log;
    log.set_level(tool::LOG_LEVEL_WARNING);
    log.set_logger("db");
    log.set_data_json("{ \"rows\": 1.50 }");
    AddNotification("message", "LoggingMessageNotification", "notifications/message", *RenderLogMessage(log));
    if (features_.modern) return;  // see WriteListening
    AddNotification("tools_list_changed", "ToolListChangedNotification", "notifications/tools/list_changed", "{}");
    AddNotification("resources_list_changed", "ResourceListChangedNotification", "notifications/resources/list_changed",
                    "{}");
    AddNotification("prompts_list_changed", "PromptListChangedNotification", "notifications/prompts/list_changed",
                    "{}");
    AddNotification("resources_updated", "ResourceUpdatedNotification", "notifications/resources/updated",
                    RenderResourceUpdated("test://entity"));
    AddNotification("cancelled", "CancelledNotification", "notifications/cancelled",
                    R"({"requestId":"ask-1","reason":"No answer in time"})");
  }

  void WriteQuestions() {
    if (!features_.modern) {
      AddRequest("elicitation_form", "ElicitRequest", "elicitation/create", kForm);
      AddRequest("elicitation_url", "ElicitRequest", "elicitation/create", kUrl);
      AddRequest("sampling", "CreateMessageRequest", "sampling/createMessage", kSampling);
      AddRequest("sampling_blocks", "CreateMessageRequest", "sampling/createMessage", kSamplingBlocks);
      AddRequest("sampling_tools", "CreateMessageRequest", "sampling/createMessage", kSamplingTools);
      AddRequest("roots_list", "ListRootsRequest", "roots/list", "");
      return;
    }
    tool::InputRequired questions;
    const auto ask = [&](const char* key, const char* method, const char* params) {
      (*questions.mutable_requests())[key].set_method(method);
      (*questions.mutable_requests())[key].set_params_json(params);
    };
    ask("form", "elicitation/create", kForm);
    ask("url", "elicitation/create", kUrl);
    ask("sampling", "sampling/createMessage", kSampling);
    ask("sampling_blocks", "sampling/createMessage", kSamplingBlocks);
    ask("sampling_tools", "sampling/createMessage", kSamplingTools);
    ask("roots", "roots/list", "");
    AddResult("input_required", "InputRequiredResult", RenderInputRequiredResult(questions, "AQEsealed"));
    AddResult("input_required_state_only", "InputRequiredResult", RenderInputRequiredResult({}, "AQEsealed"));
  }

  // What a client is sent that listens with the id "listen-1".
  void WriteListening() {
    prometheus::Registry registry;
    EdgeMetrics metrics(registry);
    const common::FakeClock clock;
    MemoryEventBus bus;
    Catalog catalog;
    CatalogContents contents;
    contents.resources.emplace_back();
    contents.resources[0].resource = MakeResource();
    catalog.Publish(contents);
    Listeners listeners(bus, catalog, nullptr, clock, metrics);
    Message request;
    request.kind = Message::Kind::kRequest;
    request.id_json = "\"listen-1\"";
    request.method = "subscriptions/listen";
    request.params = *ReadJson(R"({"notifications":{"toolsListChanged":true,"promptsListChanged":true,)"
                               R"("resourcesListChanged":true,"resourceSubscriptions":["test://entity","a:none"]}})");
    const std::unique_ptr<Exchange> exchange = listeners.Start(request, Context());
    Add("notification_acknowledged", "SubscriptionsAcknowledgedNotification", exchange->Next().message);
    const auto change = [&](Event event) {
      bus.Publish(event);
      return exchange->Next().message;
    };
    Add("notification_tools_list_changed", "ToolListChangedNotification", change({Event::Kind::kToolsChanged}));
    Add("notification_resources_list_changed", "ResourceListChangedNotification",
        change({Event::Kind::kResourcesChanged}));
    Add("notification_prompts_list_changed", "PromptListChangedNotification", change({Event::Kind::kPromptsChanged}));
    Add("notification_resources_updated", "ResourceUpdatedNotification",
        change({Event::Kind::kResourceUpdated, "test://entity"}));
    listeners.CloseAll();
    Add("subscriptions_listen", "SubscriptionsListenResult", exchange->Next().message);
  }

  // The extension's types are in no schema of the core.
  void WriteTasks() {
    const absl::Duration poll = absl::Seconds(1);
    const absl::Time time = absl::FromUnixSeconds(1'780'000'000);
    TaskRecord task;
    task.id = "dGFzay0x";
    task.create_time = time;
    task.update_time = time + absl::Milliseconds(1500);
    task.expire_time = time + absl::Hours(1);
    AddResult("tools_call_task", "", RenderCreateTaskResult(task, poll));
    task.status_message = "Half of it.";
    AddResult("tasks_get_working", "", RenderGetTaskResult(task, poll));
    task.status = TaskStatus::kInputRequired;
    task.questions = {{"k1", "name", "elicitation/create", *CompactJson(kForm)}};
    AddResult("tasks_get_input_required", "", RenderGetTaskResult(task, poll));
    task.questions.clear();
    task.status = TaskStatus::kCompleted;
    task.outcome_json = *RenderCallToolResult(MakeResult(R"({"t":1})"), version_);
    AddResult("tasks_get_completed", "", RenderGetTaskResult(task, poll));
    task.status = TaskStatus::kFailed;
    task.outcome_json = RenderTaskError({WireErrorKind::kInternal, "The tool service failed", ""});
    AddResult("tasks_get_failed", "", RenderGetTaskResult(task, poll));
    task.status = TaskStatus::kCancelled;
    task.outcome_json.clear();
    AddResult("tasks_get_cancelled", "", RenderGetTaskResult(task, poll));
    AddResult("tasks_acknowledged", "", RenderTaskAcknowledgement());
  }

  void WriteSkills() {
    const common::FakeClock clock;
    const AeadSealer sealer(RandomKeyRing(), clock);
    const Skills skills({}, sealer, clock);
    CatalogContents contents;
    contents.skills.emplace_back();
    tool::Skill& skill = contents.skills[0].skill;
    skill.set_uri("skill://sums/SKILL.md");
    skill.set_frontmatter_json(R"({"name":"sums","description":"Adds.","license":"MIT"})");
    for (const char* path : {"SKILL.md", "references/NOTES.md"}) {
      tool::SkillFile& file = *skill.add_files();
      file.set_uri(absl::StrCat("skill://sums/", path));
      file.set_sha256(std::string(32, '\xab'));
      file.set_size(7);
      file.set_mime_type("text/markdown");
    }
    Catalog catalog;
    catalog.Publish(contents);
    const auto add = [&](const char* name, auto method, const char* uri) {
      Message request;
      if (*uri != '\0') request.params["uri"] = uri;
      const Skills::Answer answer = (skills.*method)(request, Context(), *catalog.Current(), kCache);
      ASSERT_TRUE(std::holds_alternative<std::string>(answer)) << name;
      AddResult(name, "", std::get<std::string>(answer));
    };
    add("skills_list", &Skills::List, "");
    add("skills_get", &Skills::Get, "skill://sums/SKILL.md");
    add("resources_directory_read", &Skills::ReadDirectory, "skill://sums");
  }

  RequestContext Context() const {
    auto principal = std::make_shared<Principal>();
    principal->key = "alice";
    RequestContext context;
    context.principal = principal;
    context.client = &client_;
    context.version = version_;
    return context;
  }

  const ProtocolVersion version_;
  const VersionFeatures& features_;
  Files& files_;
  const ClientDescription client_;
};

Files Render() {
  Files files;
  for (int i = 0; i < kProtocolVersionCount; ++i) Writer(static_cast<ProtocolVersion>(i), files).WriteAll();
  return files;
}

Files Read(const std::filesystem::path& folder) {
  Files files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_directory()) continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    files[entry.path().lexically_relative(folder).string()] = text.str();
  }
  return files;
}

TEST(GoldenTest, EveryMessageIsWhatItsFileSays) {
  const Files rendered = Render();
  const Files stored = Read(kFolder);
  for (const auto& [name, text] : rendered) {
    const auto found = stored.find(name);
    ASSERT_TRUE(found != stored.end()) << name << " is missing; see the top of golden_test.cc";
    EXPECT_EQ(text, found->second) << name;
  }
  for (const auto& [name, text] : stored) EXPECT_TRUE(rendered.contains(name)) << name << " is not rendered any more";
}

// No version sees a member that came after it.
TEST(GoldenTest, NewWordsAreNotInOldMessages) {
  const std::map<std::string, std::string> first_version = {
      {"\"resultType\"", "2026-07-28"},     {"\"ttlMs\"", "2026-07-28"},
      {"\"inputRequests\"", "2026-07-28"},  {"\"extensions\"", "2026-07-28"},
      {"\"icons\"", "2025-11-25"},          {"\"elicitationId\"", "2025-11-25"},
      {"\"toolChoice\"", "2025-11-25"},     {"\"lastModified\"", "2025-06-18"},
      {"resource_link", "2025-06-18"},      {"\"structuredContent\"", "2025-06-18"},
      {"\"outputSchema\"", "2025-06-18"},   {"\"_meta\"", "2025-06-18"},
      {"\"completions\"", "2025-03-26"},    {"\"audio\"", "2025-03-26"},
      {"\"destructiveHint\"", "2025-03-26"}};
  const Files files = Render();
  for (const auto& [word, version] : first_version) {
    for (const auto& [name, text] : files) {
      if (name.substr(0, name.find('/')) >= version) continue;
      EXPECT_FALSE(absl::StrContains(text, word)) << name << ": " << word;
    }
  }
}

// Rewrites the files. Returns the exit code.
int Update() {
  const char* const workspace = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (workspace == nullptr) {
    std::cerr << "--update works with bazel run\n";
    return 1;
  }
  const std::filesystem::path folder = std::filesystem::path(workspace) / kFolder;
  std::filesystem::remove_all(folder);
  for (const auto& [name, text] : Render()) {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name) << text;
  }
  return 0;
}

}  // namespace
}  // namespace mcp_edge

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1 && absl::string_view(argv[1]) == "--update") return mcp_edge::Update();
  return RUN_ALL_TESTS();
}
