#include "tool_service/conformance/fixture.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tool_service/sdk/fake_tool_context.h"

namespace tool_service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class FixtureTest : public testing::Test {
 protected:
  FixtureTest() { AddFixture(service_); }

  absl::StatusOr<Outcome> Call(const std::string& tool, const std::string& arguments_json = "{}") {
    const auto found = service_.Find(tool);
    if (found == nullptr) return absl::NotFoundError(tool);
    return found->handler(context_, arguments_json);
  }

  // The result's first text.
  std::string TextOf(const absl::StatusOr<Outcome>& outcome) {
    if (!outcome.ok()) return std::string(outcome.status().message());
    const auto* const result = std::get_if<CallToolResult>(&*outcome);
    return result == nullptr || result->content().empty() ? "(no result)" : result->content(0).text().text();
  }

  // Calls a tool that must ask, begins the next round, and returns what it asked.
  InputRequired Asks(const std::string& tool, const std::string& arguments_json = "{}") {
    const absl::StatusOr<Outcome> outcome = Call(tool, arguments_json);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    const auto* const required = outcome.ok() ? std::get_if<InputRequired>(&*outcome) : nullptr;
    EXPECT_NE(required, nullptr) << tool;
    if (required == nullptr) return {};
    context_.BeginNextRound(*required);
    return *required;
  }

  static nlohmann::json ParamsOf(const InputRequired& required, const std::string& key) {
    const auto found = required.requests().find(key);
    if (found == required.requests().end()) return nullptr;
    return nlohmann::json::parse(found->second.params_json());
  }

  void AnswerModel(const std::string& key, const std::string& text) {
    context_.Answer(key, R"({"role":"assistant","model":"m","content":{"type":"text","text":")" + text + "\"}}");
  }

  Service service_{"conformance"};
  FakeToolContext context_;
};

TEST_F(FixtureTest, EverythingIsAcceptedAndInItsOrder) {
  EXPECT_TRUE(service_.startup_status().ok()) << service_.startup_status();
  const auto catalog = service_.catalog();
  std::vector<std::string> tools;
  int with_header = 0;
  for (const Tool& tool : catalog->tools()) {
    tools.push_back(tool.name());
    EXPECT_FALSE(tool.description().empty()) << tool.name();
    if (tool.input_schema_json().find("x-mcp-header") != std::string::npos) ++with_header;
  }
  EXPECT_EQ(with_header, 1);
  EXPECT_THAT(
      tools,
      ElementsAre("test_simple_text", "test_image_content", "test_audio_content", "test_embedded_resource",
                  "test_multiple_content_types", "test_tool_with_logging", "test_tool_with_progress",
                  "test_error_handling", "test_reconnection", "test_sampling", "test_elicitation",
                  "test_elicitation_sep1034_defaults", "test_elicitation_sep1330_enums", "json_schema_2020_12_tool",
                  "test_x_mcp_header", "test_missing_capability", "test_streaming_elicitation", "test_logging_tool",
                  "test_trigger_tool_change", "test_trigger_prompt_change", "test_trigger_resource_change",
                  "test_input_required_result_elicitation", "test_input_required_result_sampling",
                  "test_input_required_result_list_roots", "test_input_required_result_request_state",
                  "test_input_required_result_multiple_inputs", "test_input_required_result_multi_round",
                  "test_input_required_result_tampered_state", "test_input_required_result_capabilities", "greet",
                  "slow_compute", "failing_job", "protocol_error_job", "confirm_delete", "multi_input",
                  "test_tool_with_task"));
  std::vector<std::string> resources;
  for (const Resource& resource : catalog->resources()) resources.push_back(resource.uri());
  EXPECT_THAT(resources, ElementsAre("test://static-text", "test://static-binary", "test://watched-resource",
                                     "skill://conformance-skill/SKILL.md"));
  ASSERT_EQ(catalog->resource_templates_size(), 1);
  EXPECT_EQ(catalog->resource_templates(0).uri_template(), "test://template/{id}/data");
  std::vector<std::string> prompts;
  for (const Prompt& prompt : catalog->prompts()) prompts.push_back(prompt.name());
  EXPECT_THAT(prompts,
              ElementsAre("test_simple_prompt", "test_prompt_with_arguments", "test_prompt_with_embedded_resource",
                          "test_prompt_with_image", "test_input_required_result_prompt"));
  ASSERT_EQ(catalog->skills_size(), 1);
  EXPECT_EQ(catalog->skills(0).files_size(), 2);
}

TEST_F(FixtureTest, ContentIsOfEachKind) {
  EXPECT_EQ(TextOf(Call("test_simple_text", "")), "This is a simple text response for testing.");
  const auto image = Call("test_image_content");
  EXPECT_THAT(std::get<CallToolResult>(*image).content(0).image().data(), StartsWith("\x89PNG"));
  const auto audio = Call("test_audio_content");
  EXPECT_THAT(std::get<CallToolResult>(*audio).content(0).audio().data(), StartsWith("RIFF"));
  EXPECT_EQ(std::get<CallToolResult>(*audio).content(0).audio().mime_type(), "audio/wav");
  const auto embedded = Call("test_embedded_resource");
  EXPECT_EQ(std::get<CallToolResult>(*embedded).content(0).resource().contents().text(),
            "This is an embedded resource content.");
  const auto mixed = Call("test_multiple_content_types");
  ASSERT_EQ(std::get<CallToolResult>(*mixed).content_size(), 3);
  EXPECT_EQ(std::get<CallToolResult>(*mixed).content(2).resource().contents().text(), R"({"test":"data","value":123})");
  const auto error = Call("test_error_handling");
  EXPECT_TRUE(std::get<CallToolResult>(*error).is_error());
}

TEST_F(FixtureTest, LogsAndProgressComeInOrder) {
  ASSERT_TRUE(Call("test_tool_with_logging").ok());
  ASSERT_TRUE(Call("test_tool_with_progress").ok());
  ASSERT_TRUE(Call("test_reconnection").ok());
  const auto events = context_.events();
  ASSERT_EQ(events.size(), 7);
  EXPECT_EQ(events[0].log().data_json(), "\"Tool execution started\"");
  EXPECT_EQ(events[2].log().data_json(), "\"Tool execution completed\"");
  EXPECT_EQ(events[4].progress().progress(), 50);
  EXPECT_EQ(events[5].progress().total(), 100);
  EXPECT_TRUE(events[6].has_close_stream());
}

TEST_F(FixtureTest, TheUserIsAsked) {
  InputRequired required = Asks("test_elicitation", R"({"message":"Who?"})");
  ASSERT_EQ(required.requests_size(), 1);
  const std::string key = required.requests().begin()->first;
  EXPECT_EQ(required.requests().begin()->second.method(), "elicitation/create");
  EXPECT_EQ(ParamsOf(required, key)["message"], "Who?");
  EXPECT_EQ(ParamsOf(required, key)["requestedSchema"]["required"], nlohmann::json::array({"username", "email"}));
  context_.AnswerUser(key, R"({"username":"a","email":"a@b.example"})");
  EXPECT_EQ(TextOf(Call("test_elicitation", R"({"message":"Who?"})")),
            R"(User response: action=accept, content={"email":"a@b.example","username":"a"})");
  EXPECT_EQ(Call("test_elicitation").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(FixtureTest, FormsHaveDefaultsAndChoices) {
  const nlohmann::json defaults =
      ParamsOf(Asks("test_elicitation_sep1034_defaults"), "defaults")["requestedSchema"]["properties"];
  EXPECT_EQ(defaults["name"]["default"], "John Doe");
  EXPECT_EQ(defaults["age"]["default"], 30);
  EXPECT_EQ(defaults["score"]["default"], 95.5);
  EXPECT_EQ(defaults["status"]["default"], "active");
  EXPECT_EQ(defaults["verified"]["default"], true);
  const nlohmann::json choices =
      ParamsOf(Asks("test_elicitation_sep1330_enums"), "choices")["requestedSchema"]["properties"];
  EXPECT_FALSE(choices["titledSingle"].contains("enum"));
  EXPECT_EQ(choices["titledSingle"]["oneOf"][0]["title"], "First Option");
  EXPECT_EQ(choices["legacyEnum"]["enumNames"][2], "Option Three");
  EXPECT_EQ(choices["untitledMulti"]["items"]["enum"].size(), 3);
  EXPECT_EQ(choices["titledMulti"]["items"]["anyOf"][0]["title"], "First Choice");
  EXPECT_FALSE(choices["titledMulti"]["items"].contains("enum"));
}

TEST_F(FixtureTest, TheModelIsAsked) {
  const InputRequired required = Asks("test_sampling", R"({"prompt":"Hi"})");
  EXPECT_EQ(ParamsOf(required, "completion")["messages"][0]["content"]["text"], "Hi");
  EXPECT_EQ(ParamsOf(required, "completion")["maxTokens"], 100);
  AnswerModel("completion", "Ho");
  EXPECT_EQ(TextOf(Call("test_sampling", R"({"prompt":"Hi"})")), "LLM response: Ho");
}

TEST_F(FixtureTest, AQuestionNeedsNoStateAndAWrongAnswerIsAskedAgain) {
  const InputRequired required = Asks("test_input_required_result_elicitation");
  EXPECT_EQ(required.state(), "");
  EXPECT_EQ(ParamsOf(required, "user_name")["message"], "What is your name?");
  for (const char* wrong : {"12345", "null", R"({"action":"accept"})", R"({"action":"accept","content":{"name":1}})"}) {
    context_.Answer("user_name", wrong);
    EXPECT_EQ(Asks("test_input_required_result_elicitation").requests_size(), 1) << wrong;
  }
  context_.AnswerUser("wrong_key", R"({"name":"Alice"})");
  EXPECT_EQ(Asks("test_input_required_result_elicitation").requests_size(), 1);
  context_.AnswerUser("user_name", R"({"name":"Alice"})");
  context_.AnswerUser("unknown", "{}");
  EXPECT_EQ(TextOf(Call("test_input_required_result_elicitation")), "Hello, Alice!");
}

TEST_F(FixtureTest, RootsAndTheModelAreAskedByTheirKeys) {
  EXPECT_EQ(ParamsOf(Asks("test_input_required_result_sampling"), "capital_question")["maxTokens"], 100);
  const InputRequired required = Asks("test_input_required_result_list_roots");
  EXPECT_EQ(required.requests().at("client_roots").method(), "roots/list");
  EXPECT_EQ(required.requests().at("client_roots").params_json(), "{}");
  context_.Answer("client_roots", R"({"roots":[{"uri":"file:///a","name":"a"}]})");
  EXPECT_EQ(TextOf(Call("test_input_required_result_list_roots")), "The client has 1 roots: file:///a");
}

TEST_F(FixtureTest, StatesComeBack) {
  EXPECT_NE(Asks("test_input_required_result_request_state").state(), "");
  context_.AnswerUser("confirm", R"({"ok":true})");
  EXPECT_EQ(TextOf(Call("test_input_required_result_request_state")), "state-ok");

  context_.BeginNextRound(InputRequired());
  context_.AnswerUser("confirm", R"({"ok":true})");  // an answer without the state is none
  EXPECT_NE(Asks("test_input_required_result_tampered_state").state(), "");
  context_.AnswerUser("confirm", R"({"ok":true})");
  EXPECT_EQ(TextOf(Call("test_input_required_result_tampered_state")), "integrity-ok");
}

TEST_F(FixtureTest, SeveralQuestionsAtOnceAndOneAfterTheOther) {
  const InputRequired all = Asks("test_input_required_result_multiple_inputs");
  EXPECT_EQ(all.requests_size(), 3);
  EXPECT_NE(all.state(), "");
  context_.AnswerUser("user_name", R"({"name":"Alice"})");
  AnswerModel("greeting", "Hello");
  EXPECT_EQ(Asks("test_input_required_result_multiple_inputs").requests_size(), 1);  // the rest is kept
  context_.Answer("client_roots", R"({"roots":[]})");
  EXPECT_EQ(TextOf(Call("test_input_required_result_multiple_inputs")), "Hello Alice, with 0 roots");

  context_.BeginNextRound(InputRequired());
  const InputRequired first = Asks("test_input_required_result_multi_round");
  EXPECT_NE(first.state(), "");
  context_.AnswerUser("step1", R"({"name":"Alice"})");
  const InputRequired second = Asks("test_input_required_result_multi_round");
  EXPECT_TRUE(second.requests().contains("step2"));
  EXPECT_NE(second.state(), first.state());
  context_.AnswerUser("step2", R"({"color":"blue"})");
  EXPECT_EQ(TextOf(Call("test_input_required_result_multi_round")), "Alice likes blue");
}

TEST_F(FixtureTest, OnlyWhatTheClientCanIsAsked) {
  context_.mutable_request().mutable_context()->set_client_capabilities_json(R"({"sampling":{}})");
  const InputRequired required = Asks("test_input_required_result_capabilities");
  ASSERT_EQ(required.requests_size(), 1);
  EXPECT_EQ(required.requests().begin()->second.method(), "sampling/createMessage");
  context_.mutable_request().mutable_context()->set_client_capabilities_json("{}");
  EXPECT_EQ(TextOf(Call("test_input_required_result_capabilities")), "Done");
}

TEST_F(FixtureTest, TriggersReallyChangeTheCatalogue) {
  for (const int change : {+1, -1, +1}) {
    const auto before = service_.catalog();
    ASSERT_TRUE(Call("test_trigger_tool_change").ok());
    ASSERT_TRUE(Call("test_trigger_prompt_change").ok());
    const auto after = service_.catalog();
    EXPECT_EQ(after->tools_size(), before->tools_size() + change);
    EXPECT_EQ(after->prompts_size(), before->prompts_size() + change);
    EXPECT_EQ(after->tools(0).name(), "test_simple_text");
  }
  EXPECT_EQ(service_.catalog()->tools().rbegin()->name(), "test_dynamic_tool");
}

TEST_F(FixtureTest, AWatchedResourceIsToldOf) {
  struct Watcher : ServiceWatcher {
    void OnResourceUpdated(const std::string& uri) override { uris.push_back(uri); }
    std::vector<std::string> uris;
  };
  const auto watcher = std::make_shared<Watcher>();
  service_.Watch(watcher);
  ASSERT_TRUE(Call("test_trigger_resource_change").ok());
  EXPECT_THAT(watcher->uris, ElementsAre("test://watched-resource"));
}

TEST_F(FixtureTest, TasksAreDeclaredAndEnd) {
  const auto support = [&](const char* tool) { return service_.Find(tool)->tool.task_support(); };
  EXPECT_EQ(support("greet"), TaskSupport::TASK_SUPPORT_UNSPECIFIED);
  EXPECT_EQ(support("slow_compute"), TaskSupport::TASK_SUPPORT_OPTIONAL);
  EXPECT_EQ(support("failing_job"), TaskSupport::TASK_SUPPORT_REQUIRED);
  EXPECT_TRUE(service_.Find("test_tool_with_task")->tool.announces_task_start());

  EXPECT_EQ(TextOf(Call("greet", R"({"name":"sep-2243"})")), "Hello, sep-2243!");
  EXPECT_EQ(TextOf(Call("slow_compute", R"({"seconds":0,"label":"It"})")), "It took 0 s");
  EXPECT_TRUE(std::get<CallToolResult>(*Call("slow_compute", R"({"seconds":-1})")).is_error());

  EXPECT_EQ(Asks("multi_input").requests_size(), 2);
  context_.AnswerUser("first_input", R"({"first":"1"})");
  const InputRequired rest = Asks("multi_input");
  EXPECT_EQ(rest.requests_size(), 1);
  EXPECT_TRUE(rest.requests().contains("second_input"));
  context_.AnswerUser("second_input", "{}");
  EXPECT_THAT(TextOf(Call("multi_input")), HasSubstr(R"({"first":"1"})"));

  context_.BeginNextRound(InputRequired());
  EXPECT_EQ(ParamsOf(Asks("confirm_delete", R"({"filename":"a.txt"})"), "confirm")["message"], "Delete a.txt?");
  context_.AnswerUser("confirm", R"({"confirm":true})");
  EXPECT_EQ(TextOf(Call("confirm_delete", R"({"filename":"a.txt"})")), "Deleted a.txt");
}

TEST_F(FixtureTest, AToolThatAsksFirstStartsItsTaskAfterwards) {
  context_.mutable_request().mutable_context()->set_can_start_task(true);
  Asks("test_tool_with_task");
  EXPECT_TRUE(context_.events().empty());
  context_.AnswerUser("user_name", R"({"name":"Alice"})");
  EXPECT_THAT(TextOf(Call("test_tool_with_task")), HasSubstr("Alice"));
  ASSERT_EQ(context_.events().size(), 1);
  EXPECT_TRUE(context_.events()[0].has_task_started());
}

TEST_F(FixtureTest, ACancelledJobEnds) {
  context_.Cancel();
  for (const char* tool : {"slow_compute", "failing_job", "protocol_error_job"}) {
    EXPECT_EQ(Call(tool, R"({"seconds":60})").status().code(), absl::StatusCode::kCancelled) << tool;
  }
}

TEST_F(FixtureTest, ResourcesAreRead) {
  const auto read = [&](const char* uri) {
    const absl::StatusOr<ReadOutcome> outcome = service_.ReadResource(context_, uri);
    return outcome.ok() ? std::get<ReadResourceResult>(*outcome).contents(0) : ResourceContents();
  };
  EXPECT_EQ(read("test://static-text").text(), "This is the content of the static text resource.");
  EXPECT_THAT(read("test://static-binary").blob(), StartsWith("\x89PNG"));
  EXPECT_EQ(read("test://watched-resource").text(), "Watched resource content");
  EXPECT_EQ(read("test://template/123/data").text(), R"({"id":"123","templateTest":true,"data":"Data for ID: 123"})");
  EXPECT_EQ(read("test://template/123/data").uri(), "test://template/123/data");
  EXPECT_THAT(read("skill://conformance-skill/SKILL.md").text(), StartsWith("---\nname: conformance-skill\n"));
  EXPECT_EQ(read("skill://conformance-skill/references/NOTES.md").mime_type(), "text/markdown");
  EXPECT_EQ(service_.ReadResource(context_, "test://nothing").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(FixtureTest, PromptsAreFilledIn) {
  const auto get = [&](const char* name, const PromptArguments& arguments) {
    const absl::StatusOr<PromptOutcome> outcome = service_.GetPrompt(context_, name, arguments);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return std::get<GetPromptResult>(*outcome);
  };
  EXPECT_EQ(get("test_simple_prompt", {}).messages(0).content().text().text(), "This is a simple prompt for testing.");
  EXPECT_EQ(get("test_prompt_with_arguments", {{"arg1", "a"}, {"arg2", "b"}}).messages(0).content().text().text(),
            "Prompt with arguments: arg1='a', arg2='b'");
  const GetPromptResult embedded = get("test_prompt_with_embedded_resource", {{"resourceUri", "test://x"}});
  EXPECT_EQ(embedded.messages(0).content().resource().contents().uri(), "test://x");
  EXPECT_EQ(embedded.messages(1).content().text().text(), "Please process the embedded resource above.");
  EXPECT_TRUE(get("test_prompt_with_image", {}).messages(0).content().has_image());
  EXPECT_EQ(service_.GetPrompt(context_, "test_prompt_with_arguments", {{"arg1", "a"}}).status().code(),
            absl::StatusCode::kInvalidArgument);

  const auto asked = service_.GetPrompt(context_, "test_input_required_result_prompt", {});
  ASSERT_TRUE(asked.ok());
  EXPECT_TRUE(std::get<InputRequired>(*asked).requests().contains("user_context"));
  context_.AnswerUser("user_context", R"({"context":"work"})");
  EXPECT_EQ(get("test_input_required_result_prompt", {}).messages(0).content().text().text(),
            "Prompt with context: work");
}

TEST_F(FixtureTest, ArgumentsAreCompleted) {
  CompleteRequest request;
  request.set_prompt_name("test_prompt_with_arguments");
  request.set_argument_name("arg1");
  request.set_argument_value("test");
  const auto response = service_.Complete(context_, request);
  ASSERT_TRUE(response.ok());
  EXPECT_THAT(response->values(), ElementsAre("testValue1", "testValue2"));
}

}  // namespace
}  // namespace tool_service
