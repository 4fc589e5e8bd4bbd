#include "tool_service/conformance/prompts.h"

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tool_service/conformance/content_tools.h"
#include "tool_service/sdk/content.h"

namespace tool_service {
namespace {

using Result = absl::StatusOr<PromptOutcome>;

constexpr char kContextForm[] =
    R"({"type":"object","properties":{"context":{"type":"string"}},"required":["context"]})";

Prompt PromptNamed(const char* name, const char* description, std::initializer_list<const char*> arguments) {
  Prompt prompt;
  prompt.set_name(name);
  prompt.set_description(description);
  for (const char* argument : arguments) {
    prompt.add_arguments()->set_name(argument);
    prompt.mutable_arguments()->rbegin()->set_description("Any text.");
    prompt.mutable_arguments()->rbegin()->set_required(true);
  }
  return prompt;
}

Result Simple(RequestContext&, const PromptArguments&) {
  return PromptResult({UserSays("This is a simple prompt for testing.")});
}

Result WithArguments(RequestContext&, const PromptArguments& arguments) {
  return PromptResult({UserSays(
      absl::StrCat("Prompt with arguments: arg1='", arguments.at("arg1"), "', arg2='", arguments.at("arg2"), "'"))});
}

Result WithEmbeddedResource(RequestContext&, const PromptArguments& arguments) {
  return PromptResult({UserSays(Embedded(TextContents(arguments.at("resourceUri"),
                                                      "Embedded resource content for testing.", "text/plain"))),
                       UserSays("Please process the embedded resource above.")});
}

Result WithImage(RequestContext&, const PromptArguments&) {
  return PromptResult({UserSays(Image(OnePixel(), "image/png")), UserSays("Please analyze the image above.")});
}

Result Asking(RequestContext& context, const PromptArguments&) {
  const auto answer = context.AskUser("user_context", "What context should the prompt use?", kContextForm);
  if (!answer) return context.NeedInput();
  if (!answer->accepted()) return PromptResult({UserSays("Prompt without context")});
  return PromptResult({UserSays(absl::StrCat("Prompt with context: ", answer->content["context"].get<std::string>()))});
}

}  // namespace

void AddPrompts(Service& service) {
  (void)service.AddPrompt(PromptNamed("test_simple_prompt", "A prompt without arguments.", {}), Simple);
  (void)service.AddPrompt(PromptNamed("test_prompt_with_arguments", "A prompt with two arguments.", {"arg1", "arg2"}),
                          WithArguments);
  (void)service.CompletePromptArgument(
      "test_prompt_with_arguments", "arg1",
      [](RequestContext&, absl::string_view typed, const PromptArguments&) -> absl::StatusOr<CompleteResponse> {
        return BeginningWith(typed, {"testValue1", "testValue2", "another"});
      });
  (void)service.AddPrompt(
      PromptNamed("test_prompt_with_embedded_resource", "A prompt that holds a resource.", {"resourceUri"}),
      WithEmbeddedResource);
  (void)service.AddPrompt(PromptNamed("test_prompt_with_image", "A prompt that holds an image.", {}), WithImage);
  (void)service.AddPrompt(
      PromptNamed("test_input_required_result_prompt", "A prompt that asks the user for its context.", {}), Asking);
}

}  // namespace tool_service
