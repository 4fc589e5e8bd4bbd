#include "tool_service/conformance/asking_tools.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tool_service/conformance/content_tools.h"
#include "tool_service/sdk/content.h"
#include "tool_service/sdk/json.h"

namespace tool_service {
namespace {

using Result = absl::StatusOr<Outcome>;

constexpr char kContactForm[] =
    R"({"type":"object","properties":{)"
    R"("username":{"type":"string","description":"The user's name."},)"
    R"("email":{"type":"string","description":"The user's email address."}},"required":["username","email"]})";

// Defaults of every type (SEP-1034).
constexpr char kDefaultsForm[] =
    R"({"type":"object","properties":{)"
    R"("name":{"type":"string","description":"User name","default":"John Doe"},)"
    R"("age":{"type":"integer","description":"User age","default":30},)"
    R"("score":{"type":"number","description":"User score","default":95.5},)"
    R"("status":{"type":"string","description":"User status","enum":["active","inactive","pending"],)"
    R"("default":"active"},)"
    R"("verified":{"type":"boolean","description":"Verification status","default":true}}})";

// Every way to write a choice (SEP-1330).
constexpr char kEnumsForm[] =
    R"({"type":"object","properties":{)"
    R"("untitledSingle":{"type":"string","enum":["option1","option2","option3"]},)"
    R"("titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},)"
    R"({"const":"value2","title":"Second Option"},{"const":"value3","title":"Third Option"}]},)"
    R"("legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],)"
    R"("enumNames":["Option One","Option Two","Option Three"]},)"
    R"("untitledMulti":{"type":"array","minItems":1,"maxItems":3,)"
    R"("items":{"type":"string","enum":["option1","option2","option3"]}},)"
    R"("titledMulti":{"type":"array","minItems":1,"maxItems":3,)"
    R"("items":{"anyOf":[{"const":"value1","title":"First Choice"},)"
    R"({"const":"value2","title":"Second Choice"},{"const":"value3","title":"Third Choice"}]}}}})";

constexpr char kOkForm[] = R"({"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]})";
constexpr char kOptionalNameForm[] = R"({"type":"object","properties":{"name":{"type":"string"}}})";
constexpr char kColorForm[] = R"({"type":"object","properties":{"color":{"type":"string"}}})";

const char* NameOf(UserAnswer::Action action) {
  switch (action) {
    case UserAnswer::Action::kAccept:
      return "accept";
    case UserAnswer::Action::kDecline:
      return "decline";
    case UserAnswer::Action::kCancel:
      return "cancel";
  }
  return "";
}

// What the user said, for the model: "<beginning>: action=accept, content={…}".
CallToolResult Told(absl::string_view beginning, const UserAnswer& answer) {
  return TextResult(absl::StrCat(beginning, ": action=", NameOf(answer.action), ", content=",
                                 answer.content.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

CallToolResult NotSaid() { return TextResult("The user did not say."); }

// The text argument of this name; kInvalidArgument without it.
absl::StatusOr<std::string> TextArgument(absl::string_view arguments_json, const char* name) {
  const absl::StatusOr<nlohmann::json> arguments = ParseArguments(arguments_json);
  if (!arguments.ok()) return arguments.status();
  const auto found = arguments->find(name);
  if (found == arguments->end() || !found->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat("the argument \"", name, "\" must be a string"));
  }
  return found->get<std::string>();
}

Result Sampling(ToolContext& context, absl::string_view arguments_json) {
  const absl::StatusOr<std::string> prompt = TextArgument(arguments_json, "prompt");
  if (!prompt.ok()) return prompt.status();
  const auto answer = context.AskModel("completion", *prompt, 100);
  if (!answer) return context.NeedInput();
  return TextResult(absl::StrCat("LLM response: ", answer->text));
}

Result Elicitation(ToolContext& context, absl::string_view arguments_json) {
  const absl::StatusOr<std::string> message = TextArgument(arguments_json, "message");
  if (!message.ok()) return message.status();
  const auto answer = context.AskUser("contact", *message, kContactForm);
  if (!answer) return context.NeedInput();
  return Told("User response", *answer);
}

Result ElicitationDefaults(ToolContext& context, absl::string_view) {
  const auto answer =
      context.AskUser("defaults", "Please review and update the form fields with defaults", kDefaultsForm);
  if (!answer) return context.NeedInput();
  return Told("Elicitation completed", *answer);
}

Result ElicitationEnums(ToolContext& context, absl::string_view) {
  const auto answer = context.AskUser("choices", "Please select options from the enum fields", kEnumsForm);
  if (!answer) return context.NeedInput();
  return Told("Elicitation completed", *answer);
}

Result AskName(ToolContext& context, absl::string_view) {
  const auto answer = context.AskUser("user_name", "What is your name?", kNameForm);
  if (!answer) return context.NeedInput();
  if (!answer->accepted()) return NotSaid();
  return TextResult(absl::StrCat("Hello, ", answer->content["name"].get<std::string>(), "!"));
}

Result AskTheModel(ToolContext& context, absl::string_view) {
  const auto answer = context.AskModel("capital_question", "What is the capital of France?", 100);
  if (!answer) return context.NeedInput();
  return TextResult(absl::StrCat("The model said: ", answer->text));
}

Result AskForRoots(ToolContext& context, absl::string_view) {
  const auto roots = context.ListRoots("client_roots");
  if (!roots) return context.NeedInput();
  std::string text = absl::StrCat("The client has ", roots->size(), " roots:");
  for (const Root& root : *roots) absl::StrAppend(&text, " ", root.uri);
  return TextResult(text);
}

Result KeepState(ToolContext& context, absl::string_view) {
  const auto answer = context.AskUser("confirm", "Please confirm", kOkForm);
  if (!answer) {
    context.SaveState("asked");
    return context.NeedInput();
  }
  if (!answer->accepted()) return NotSaid();
  return TextResult(context.state() == "asked" ? "state-ok" : "state-missing");
}

Result AskForEverything(ToolContext& context, absl::string_view) {
  const auto name = context.AskUser("user_name", "What is your name?", kNameForm);
  const auto greeting = context.AskModel("greeting", "Generate a greeting", 50);
  const auto roots = context.ListRoots("client_roots");
  if (!name || !greeting || !roots) {
    context.SaveState("asked");
    return context.NeedInput();
  }
  if (!name->accepted()) return NotSaid();
  return TextResult(
      absl::StrCat(greeting->text, " ", name->content["name"].get<std::string>(), ", with ", roots->size(), " roots"));
}

Result AskStepByStep(ToolContext& context, absl::string_view) {
  const auto name = context.AskUser("step1", "Step 1: What is your name?", kOptionalNameForm);
  if (!name) {
    context.SaveState("step 1");
    return context.NeedInput();
  }
  const auto color = context.AskUser("step2", "Step 2: What is your favorite color?", kColorForm);
  if (!color) {
    context.SaveState("step 2");
    return context.NeedInput();
  }
  return TextResult(
      absl::StrCat(name->content.value("name", "Somebody"), " likes ", color->content.value("color", "no color")));
}

// The edge seals every state, so one that was changed never comes here.
Result GuardState(ToolContext& context, absl::string_view) {
  const auto answer = context.AskUser("confirm", "Please confirm", kOkForm);
  if (!answer || context.state() != "sealed") {
    context.SaveState("sealed");
    return context.NeedInput();
  }
  if (!answer->accepted()) return NotSaid();
  return TextResult("integrity-ok");
}

Result AskWhatTheClientCan(ToolContext& context, absl::string_view) {
  std::string text = "Done";
  bool missing = false;
  if (context.CanAskUser()) {
    const auto name = context.AskUser("user_name", "What is your name?", kNameForm);
    missing = missing || !name;
    if (name) absl::StrAppend(&text, ", the user answered");
  }
  if (context.CanAskModel()) {
    const auto greeting = context.AskModel("greeting", "Generate a greeting", 50);
    missing = missing || !greeting;
    if (greeting) absl::StrAppend(&text, ", the model answered");
  }
  if (missing) return context.NeedInput();
  return TextResult(text);
}

}  // namespace

void AddAskingTools(Service& service) {
  Tool sampling = ToolNamed("test_sampling", "Asks the client's model, and returns what it said.");
  sampling.set_input_schema_json(
      R"({"type":"object","properties":{"prompt":{"type":"string","description":"What to ask the model."}},)"
      R"("required":["prompt"]})");
  (void)service.AddTool(std::move(sampling), Sampling);
  Tool elicitation = ToolNamed("test_elicitation", "Asks the user for a name and an email address.");
  elicitation.set_input_schema_json(
      R"({"type":"object","properties":{"message":{"type":"string","description":"What to tell the user."}},)"
      R"("required":["message"]})");
  (void)service.AddTool(std::move(elicitation), Elicitation);
  (void)service.AddTool(ToolNamed("test_elicitation_sep1034_defaults", "Asks with a form whose fields have defaults."),
                        ElicitationDefaults);
  (void)service.AddTool(ToolNamed("test_elicitation_sep1330_enums", "Asks with a form of every kind of choice."),
                        ElicitationEnums);
}

void AddRoundTripTools(Service& service) {
  const auto add = [&](const char* name, const char* description, Handler handler) {
    (void)service.AddTool(ToolNamed(absl::StrCat("test_input_required_result_", name), description),
                          std::move(handler));
  };
  add("elicitation", "Asks the user's name and greets them.", AskName);
  add("sampling", "Asks the client's model a question.", AskTheModel);
  add("list_roots", "Asks for the client's roots.", AskForRoots);
  add("request_state", "Asks with a state that must come back.", KeepState);
  add("multiple_inputs", "Asks the user, the model and for roots at once.", AskForEverything);
  add("multi_round", "Asks two questions, one after the other.", AskStepByStep);
  add("tampered_state", "Asks with a state that nobody may change.", GuardState);
  add("capabilities", "Asks only what the client says it can do.", AskWhatTheClientCan);
}

}  // namespace tool_service
