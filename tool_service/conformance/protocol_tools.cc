#include "tool_service/conformance/protocol_tools.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tool_service/conformance/asking_tools.h"
#include "tool_service/conformance/content_tools.h"
#include "tool_service/sdk/content.h"
#include "tool_service/sdk/json.h"

namespace tool_service {
namespace {

using Result = absl::StatusOr<Outcome>;

// Must reach clients unchanged.
constexpr char kRichSchema[] =
    R"({"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",)"
    R"("$defs":{"address":{"$anchor":"addressDef","type":"object",)"
    R"("properties":{"street":{"type":"string"},"city":{"type":"string"}}}},)"
    R"("properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},)"
    R"("contactMethod":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},)"
    R"("email":{"type":"string"}},)"
    R"("allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],)"
    R"("if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},)"
    R"("then":{"required":["phone"]},"else":{"required":["email"]},"additionalProperties":false})";

constexpr char kRegionSchema[] =
    R"({"type":"object","properties":{"region":{"type":"string","description":"Any text.",)"
    R"("x-mcp-header":"Region"}},"required":["region"]})";

constexpr char kComingAndGoingTool[] = "test_dynamic_tool";
constexpr char kComingAndGoingPrompt[] = "test_dynamic_prompt";

Result EchoArguments(ToolContext&, absl::string_view arguments_json) {
  return TextResult(absl::StrCat("JSON Schema 2020-12 tool called with: ", arguments_json));
}

Result EchoRegion(ToolContext&, absl::string_view arguments_json) {
  const absl::StatusOr<nlohmann::json> arguments = ParseArguments(arguments_json);
  if (!arguments.ok()) return arguments.status();
  const auto region = arguments->find("region");
  if (region == arguments->end() || !region->is_string()) {
    return absl::InvalidArgumentError("the argument \"region\" must be a string");
  }
  return TextResult(absl::StrCat("region: ", region->get<std::string>()));
}

Result Success(ToolContext&, absl::string_view) { return TextResult("Success"); }

Result AskAtOnce(ToolContext& context, absl::string_view) {
  const auto answer = context.AskUser("user_name", "What is your name?", kNameForm);
  if (!answer) return context.NeedInput();
  return TextResult("Streaming elicitation completed");
}

Result LogOnce(ToolContext& context, absl::string_view) {
  context.LogText(LogLevel::LOG_LEVEL_INFO, "Logging tool executed");
  return TextResult("Logging tool completed");
}

}  // namespace

void AddProtocolTools(Service& service) {
  Tool schema = ToolNamed("json_schema_2020_12_tool", "Has an input schema of many keywords of JSON Schema 2020-12.");
  schema.set_input_schema_json(kRichSchema);
  (void)service.AddTool(std::move(schema), EchoArguments);

  Tool header = ToolNamed("test_x_mcp_header", "Has an argument that clients repeat in a header; returns it.");
  header.set_input_schema_json(kRegionSchema);
  (void)service.AddTool(std::move(header), EchoRegion);

  Tool capability = ToolNamed("test_missing_capability", "Can only be called by clients that offer sampling.");
  capability.set_required_client_capabilities_json(R"({"sampling":{}})");
  (void)service.AddTool(std::move(capability), Success);

  (void)service.AddTool(ToolNamed("test_streaming_elicitation", "Asks the user's name at once."), AskAtOnce);
  (void)service.AddTool(ToolNamed("test_logging_tool", "Sends one log message."), LogOnce);

  (void)service.AddTool(
      ToolNamed("test_trigger_tool_change", "Lets a tool at the end of the list come, or go if it is there."),
      [&service](ToolContext&, absl::string_view) -> Result {
        if (service.RemoveTool(kComingAndGoingTool).ok()) return TextResult("The tool has gone.");
        const absl::Status added = service.AddTool(ToolNamed(kComingAndGoingTool, "Comes and goes."), Success);
        if (!added.ok()) return added;
        return TextResult("The tool has come.");
      });
  (void)service.AddTool(
      ToolNamed("test_trigger_prompt_change", "Lets a prompt at the end of the list come, or go if it is there."),
      [&service](ToolContext&, absl::string_view) -> Result {
        if (service.RemovePrompt(kComingAndGoingPrompt).ok()) return TextResult("The prompt has gone.");
        Prompt prompt;
        prompt.set_name(kComingAndGoingPrompt);
        prompt.set_description("Comes and goes.");
        const absl::Status added =
            service.AddPrompt(prompt, [](RequestContext&, const PromptArguments&) -> absl::StatusOr<PromptOutcome> {
              return PromptResult({UserSays("This prompt comes and goes.")});
            });
        if (!added.ok()) return added;
        return TextResult("The prompt has come.");
      });
  (void)service.AddTool(ToolNamed("test_trigger_resource_change", "Says that test://watched-resource has changed."),
                        [&service](ToolContext&, absl::string_view) -> Result {
                          service.NotifyResourceUpdated("test://watched-resource");
                          return TextResult("Clients have been told.");
                        });
}

}  // namespace tool_service
